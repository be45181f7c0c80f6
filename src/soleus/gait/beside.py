"""A walk beside a subject's own recording: what is compared, and how alike it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from soleus.gait.curves import Curve, Rows
from soleus.gait.likeness.yardstick import correlation
from soleus.gait.norms import Band
from soleus.gait.recorded import Recorded


@dataclass(frozen=True)
class Match:
    """How alike the mean curve of one leg is to the recorded one."""

    r: float | None
    """Pearson's correlation; None where one of them is flat"""
    rms: float | None
    """Root mean square difference, in the curve's unit; None of electromyography, which has no unit to compare"""


@dataclass(frozen=True, eq=False)
class Beside:
    """A walk beside a recording."""

    recorded: Recorded
    angles: dict[str, Band]
    """Means and standard deviations over the recorded cycles of both legs"""
    forces: dict[str, Band]
    groups: dict[str, Band]
    """Electromyography, its most being 1"""
    matches: dict[str, dict[str, dict[str, Match]]]
    """By angles, forces and timing, then by name of the curve, then by side"""

    def as_json(self) -> dict[str, Any]:
        """Return what a report's JSON holds of it."""
        return {
            "name": self.recorded.name,
            "cycles": self.recorded.cycles,
            "notes": list(self.recorded.notes),
            "matches": {
                kind: {name: {side: asdict(match) for side, match in own.items()} for name, own in found.items()}
                for kind, found in self.matches.items()
            },
        }


def bands_of(recorded: Recorded) -> dict[str, dict[str, Band]]:
    """Return the bands of a recording, by angles, forces and timing, then by name."""
    found = {
        "angles": {name: _band(rows) for name, rows in recorded.angles.items()},
        "forces": {name: _band(rows) for name, rows in recorded.forces.items()},
    }
    scaled = {name: (_band(rows), max(float(_band(rows).mean.max()), 1e-12)) for name, rows in recorded.groups.items()}
    return {**found, "timing": {name: Band(band.mean / most, None) for name, (band, most) in scaled.items()}}


def beside(recorded: Recorded, curves: Mapping[str, Mapping[str, Curve]]) -> Beside:
    """Compare a walk with a recording. curves: of the walk, by angles, forces and timing, then by name."""
    own = {"angles": recorded.angles, "forces": recorded.forces, "timing": recorded.groups}
    matches = {
        kind: {name: _matches(curve, own[kind][name], kind) for name, curve in found.items() if name in own[kind]}
        for kind, found in curves.items()
    }
    bands = bands_of(recorded)
    return Beside(recorded, bands["angles"], bands["forces"], bands["timing"], matches)


def _band(rows: Rows) -> Band:
    every = np.concatenate([each for each in rows.sides.values() if len(each)])
    return Band(every.mean(axis=0), every.std(axis=0, ddof=1) if len(every) > 1 else None)


def _matches(curve: Curve, rows: Rows, kind: str) -> dict[str, Match]:
    """Each leg beside the same one; beside the other where that has no cycle of its own."""
    found = {}
    for side, values in curve.sides.items():
        mine = rows.sides.get(side)
        mean = _band(rows).mean if mine is None or not len(mine) else mine.mean(axis=0)
        rms = None if kind == "timing" else float(np.sqrt(np.mean((values.mean - mean) ** 2)))
        found[side] = Match(correlation(values.mean, mean), rms)
    return found
