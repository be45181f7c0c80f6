"""What gaits have in common, how they differ from the first of them, and what some of them lack."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from soleus.errors import UserError
from soleus.gait.analysis import Report
from soleus.gait.curves import Curve, Side
from soleus.gait.measures import COMPARED, Measure

KINDS: dict[str, Callable[[Report], Mapping[str, Curve]]] = {
    "angles": lambda report: report.angles,
    "forces": lambda report: report.forces,
    "activations": lambda report: report.activations,
    "exoskeleton": lambda report: report.exoskeleton,
}
"""Curves over the cycle that are laid over one another, by the key of a report's JSON."""


@dataclass(frozen=True, eq=False)
class Gait:
    """A person's gait under a name: that of a run, or of what a run's policy was asked for."""

    label: str
    """Unique among the gaits that are laid over one another."""
    known: Mapping[str, Any]
    """What is known of its run: name, folder, checkpoint, steps."""
    report: Report


@dataclass(frozen=True)
class FigureDifference:
    """A figure of a gait minus that of the first."""

    mean: float
    spread: float | None
    """Standard deviation of the difference between a stride of the one and a stride of the other: the root of the sum
    of both variances over strides. None where a figure has no spread."""


@dataclass(frozen=True)
class CurveDifference:
    """A curve of a gait minus that of the first, both means over strides."""

    rms: float
    """Over the cycle"""
    most: float
    """Where it is largest, with its sign"""
    at_percent: int
    """Of the cycle, where that is"""
    spread: float
    """There: as that of a FigureDifference"""


@dataclass(frozen=True, eq=False)
class Difference:
    """A gait minus the first."""

    label: str
    measures: dict[str, FigureDifference]
    """Of the figures that both have"""
    symmetry: dict[str, float]
    """[percentage points] of the figures of measures.COMPARED that both have"""
    curves: dict[str, dict[str, dict[str, CurveDifference]]]
    """By key of KINDS, name of the curve, and side: right and left"""


@dataclass(frozen=True, eq=False)
class Overlay:
    """Two gaits or more; the others are compared with the first."""

    gaits: list[Gait]
    differences: list[Difference]
    """Of every gait but the first"""
    shared: dict[str, list[str]]
    """Names of the curves that all of them have, by key of KINDS"""
    not_shared: list[str]
    """In sentences"""

    @property
    def labels(self) -> list[str]:
        """Those of the gaits."""
        return [gait.label for gait in self.gaits]

    @property
    def gait(self) -> str | None:
        """walk or run, where all gaits are the same."""
        kinds = [gait.report.gait for gait in self.gaits]
        return kinds[0] if _alike(kinds) else None

    def curves(self, kind: str) -> dict[str, list[Curve]]:
        """Return the shared curves of a kind by name, one of each gait, in their order."""
        return {name: [KINDS[kind](gait.report)[name] for gait in self.gaits] for name in self.shared[kind]}

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data: every gait as the report of its own holds it, then the differences."""
        return {
            "gaits": [{"label": gait.label, "run": dict(gait.known), **gait.report.as_json()} for gait in self.gaits],
            "compared_with": self.labels[0],
            "shared": self.shared,
            "not_shared": self.not_shared,
            "differences": [asdict(difference) for difference in self.differences],
        }


def lay_over(gaits: Sequence[Gait]) -> Overlay:
    """Compare gaits with the first of them. Raises UserError for fewer than two, and for a label that comes twice."""
    labels = [gait.label for gait in gaits]
    if len(gaits) < 2:
        raise UserError(f"expected two gaits or more to lay over one another, got {len(gaits)}")
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise UserError(f"expected gaits of different names to lay over one another, got '{twice}' twice")
    shared = {
        kind: [name for name in of(gaits[0].report) if all(name in of(gait.report) for gait in gaits)]
        for kind, of in KINDS.items()
    }
    first, *others = gaits
    differences = [_difference(gait, first, shared) for gait in others]
    return Overlay(list(gaits), differences, shared, _not_shared(gaits, shared))


def _difference(gait: Gait, first: Gait, shared: Mapping[str, Sequence[str]]) -> Difference:
    one, other = gait.report, first.report
    measures = {
        key: found
        for key, measure in one.measures.items()
        if key in other.measures and (found := _of_figures(measure, other.measures[key]))
    }
    symmetries = {key: (one.symmetry[key], other.symmetry[key]) for key in COMPARED}
    symmetry = {key: a - b for key, (a, b) in symmetries.items() if a is not None and b is not None}
    curves = {
        kind: {name: _of_sides(of(one)[name], of(other)[name]) for name in shared[kind]} for kind, of in KINDS.items()
    }
    return Difference(gait.label, measures, symmetry, curves)


def _of_figures(one: Measure, other: Measure) -> FigureDifference | None:
    if one.mean is None or other.mean is None:
        return None
    known = one.sd is not None and other.sd is not None
    return FigureDifference(one.mean - other.mean, float(np.hypot(one.sd, other.sd)) if known else None)  # type: ignore[arg-type]


def _of_sides(one: Curve, other: Curve) -> dict[str, CurveDifference]:
    return {side: _of_curves(values, other.sides[side]) for side, values in one.sides.items() if side in other.sides}


def _of_curves(one: Side, other: Side) -> CurveDifference:
    away = one.mean - other.mean
    at = int(np.argmax(np.abs(away)))
    rms = float(np.sqrt(np.mean(away**2)))
    return CurveDifference(rms, float(away[at]), at, float(np.hypot(one.sd[at], other.sd[at])))


def _not_shared(gaits: Sequence[Gait], shared: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what some of the gaits lack or do otherwise, in sentences."""
    said, reports = list[str](), [gait.report for gait in gaits]
    if not _alike(models := [report.model for report in reports]):
        said.append(f"The models differ: {_each(gaits, models)}.")
    if not _alike([report.gait for report in reports]):
        kinds = [{"walk": "walks", "run": "runs"}[report.gait] for report in reports]
        said.append(f"The gaits differ, and no picture shows what is normal: {_each(gaits, kinds)}.")
    for kind, of in KINDS.items():
        labels = {name: curve.label for report in reports for name, curve in of(report).items()}
        for name in (name for name in labels if name not in shared[kind]):
            having = _those(gaits, [name in of(report) for report in reports])
            said.append(f"{labels[name]} ({kind}): of {having} alone.")
    for name in shared["activations"]:
        groups = [report.activations[name] for report in reports]
        if not _alike([group.muscles for group in groups]):
            counts = _each(gaits, [len(group.muscles) for group in groups])
            said.append(f"Muscles of the group {groups[0].label} differ, in number: {counts}.")
    for key, measure in reports[0].measures.items():
        known = [report.measures[key].mean is not None for report in reports]
        if any(known) and not all(known):
            said.append(f"{measure.label}: of {_those(gaits, known)} alone.")
    return said


def _alike(values: Sequence[Any]) -> bool:
    return all(value == values[0] for value in values)


def _each(gaits: Sequence[Gait], said: Sequence[object]) -> str:
    return ", ".join(f"{one} ({gait.label})" for gait, one in zip(gaits, said, strict=True))


def _those(gaits: Sequence[Gait], which: Sequence[bool]) -> str:
    return ", ".join(gait.label for gait, own in zip(gaits, which, strict=True) if own)
