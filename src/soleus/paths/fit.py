"""Fits polynomials of the joint angles to the lengths and moment arms of muscles, where they are good and cheap enough.

As OpenSim's PolynomialPathFitter does (A. van den Bogert and others, "A real-time system for biomechanical analysis of
human movement and muscle function", Med Biol Eng Comput 51, 2013, section 2.4), lengths and moment arms are fitted
together by least squares, and the lowest degree that keeps within the bounds is taken. The moment arms are the gradient
of the fitted length exactly, so that a muscle neither makes nor loses energy along its path.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.motions import Clips, Motion
from soleus.paths import polynomials
from soleus.paths.poses import Box, Poses, reference_box, whole_box

Floats = NDArray[np.float64]
Measure = Callable[[Floats], tuple[Floats, Floats]]
"""Takes coordinates (n, nc) to lengths (n, nm) [m] and moment arms (n, crossings) [m]."""

MOST_VARIABLES = 6  # of WidePolynomials in the core
MOST_DEGREE = 9
# Multiply-adds that parts of an exact path cost in lanes, about, from timing the core on walk-myolegs and myofullbody.
_SITE, _STRETCH, _WRAP, _ARM = 20, 70, 300, 10


@dataclass(frozen=True)
class Bounds:
    """How far fitted lengths and moment arms may be off over the poses that they are compared at."""

    length: float = 0.2e-3
    """[m] root mean square of a length's error"""
    moment: float = 0.5e-3
    """[m] root mean square of a moment arm's error, of the worst coordinate"""
    worst: float = 2e-3
    """[m] greatest error of a length or a moment arm"""


@dataclass(frozen=True)
class MuscleFit:
    """How one muscle's path was fitted, or why it stays exact."""

    name: str
    coordinates: tuple[str, ...]
    kind: Literal["whole", "reference", "exact"]
    """whole: fitted over all that the joint limits allow; reference: near the reference motion, exact elsewhere."""
    degree: int
    terms: int
    length: float
    """[m] root mean square of the length's error; of an exact path that of the best polynomial that was tried"""
    moment: float
    """[m] the same of the moment arms, of the worst coordinate"""
    worst: float
    """[m] greatest error of either"""
    reason: str = ""
    """Of an exact path, why."""


@dataclass(frozen=True, eq=False)
class FittedPaths:
    """Polynomials for the lengths of some muscles, by groups that share coordinates, as the core takes them."""

    coordinate_adr: NDArray[np.int32]
    """(groups + 1,)"""
    coordinate: NDArray[np.int32]
    """of each group"""
    centre: Floats
    """of each of them [rad] or [m]"""
    half: Floats
    """the polynomials hold from centre - half to centre + half"""
    muscle_adr: NDArray[np.int32]
    """(groups + 1,)"""
    muscle: NDArray[np.int32]
    """of each group"""
    coefficient_adr: NDArray[np.int32]
    """(fitted muscles + 1,)"""
    coefficient: Floats
    """[m] of the monomials in (coordinate - centre) / half, in the order of polynomials.exponents()"""
    muscles: tuple[MuscleFit, ...]
    """All muscles of the model, in its order."""

    def data(self) -> dict[str, Any]:
        """Return what the core is told."""
        return {one.name: getattr(self, one.name).tolist() for one in fields(self) if one.name != "muscles"}

    def __str__(self) -> str:
        fitted = [one for one in self.muscles if one.kind != "exact"]
        near = sum(one.kind == "reference" for one in fitted)
        return (
            f"{len(fitted)} of {len(self.muscles)} muscles fitted"
            f"{f', {near} of them near the reference motion' if near else ''}, the others exact"
        )


@dataclass
class _Group:
    """Muscles that cross the same coordinates, and the box that their polynomials are to hold in."""

    coordinates: tuple[int, ...]
    box: Box
    muscles: list[int]
    coefficients: list[Floats]


@dataclass(frozen=True)
class _Try:
    """What became of one muscle in one box."""

    degree: int
    coefficients: Floats
    length: float
    moment: float
    worst: float

    def keeps(self, bounds: Bounds) -> bool:
        return self.length <= bounds.length and self.moment <= bounds.moment and self.worst <= bounds.worst


DEFAULT_BOUNDS = Bounds()


def fit_paths(
    human: Human, measure: Measure, motion: Motion | Clips | None = None, bounds: Bounds = DEFAULT_BOUNDS
) -> FittedPaths:
    """Fit the paths of a model's muscles over the range that its joint limits allow.

    Where that does not keep within the bounds, they are fitted over the range of a motion and a margin. What fits in
    neither way, or costs more than the path itself, stays exact.

    measure: the exact paths, by which polynomials are fitted and compared.
    """
    boxes = [("whole", whole_box(human, motion))]
    if motion is not None:
        boxes.append(("reference", reference_box(human, motion)))
    left = {k: _crossed(human, k) for k in range(len(human.muscle_names))}
    fits: dict[int, MuscleFit] = {}
    groups: list[_Group] = []
    for kind, box in boxes:
        poses = Poses.draw(human, box, motion, measure)
        together: dict[tuple[int, ...], list[int]] = {}
        for k, slots in left.items():
            reason = _unfit(human, k, slots, box)
            if reason:
                fits[k] = _fit_of(human, k, "exact", None, reason)
            else:
                together.setdefault(tuple(int(human.actuated[human.crossing[s]]) for s in slots), []).append(k)
        for coordinates, muscles in together.items():
            group = _Group(coordinates, box, [], [])
            for k, tried in zip(muscles, _fit_group(human, coordinates, muscles, poses, bounds), strict=True):
                good = tried.keeps(bounds)
                reason = "" if good else "no polynomial that costs less than the path keeps within the bounds"
                fits[k] = _fit_of(human, k, kind if good else "exact", tried, reason)
                if good:
                    group.muscles.append(k)
                    group.coefficients.append(tried.coefficients)
            if group.muscles:
                groups.append(group)
        left = {k: slots for k, slots in left.items() if fits[k].kind == "exact"}
    return _packed(human, groups, tuple(fits[k] for k in range(len(human.muscle_names))))


def _crossed(human: Human, muscle: int) -> list[int]:
    return list(range(int(human.crossing_adr[muscle]), int(human.crossing_adr[muscle + 1])))


def _unfit(human: Human, muscle: int, slots: list[int], box: Box) -> str:
    """Return why a muscle cannot be a polynomial over a box; empty: it can."""
    if not slots:
        return "it crosses no joint"
    if human.model.actuator_trntype[human.muscle_actuator[muscle]] != mujoco.mjtTrn.mjTRN_TENDON:
        return "it acts on a joint directly"
    if len(slots) > MOST_VARIABLES:
        return f"it crosses more than {MOST_VARIABLES} coordinates"
    for c in human.actuated[human.crossing[slots]]:
        if not box.half[c] > 0:
            return f"{human.coordinate_names[c]} has no range"
    return ""


def _fit_of(human: Human, muscle: int, kind: Any, tried: _Try | None, reason: str) -> MuscleFit:
    coordinates = human.actuated[human.crossing[_crossed(human, muscle)]]
    named = tuple(human.coordinate_names[c] for c in coordinates)
    name = human.muscle_names[muscle]
    if tried is None:
        return MuscleFit(name, named, kind, 0, 0, np.nan, np.nan, np.nan, reason)
    terms = len(tried.coefficients)
    return MuscleFit(name, named, kind, tried.degree, terms, tried.length, tried.moment, tried.worst, reason)


def exact_cost(human: Human, muscle: int) -> float:
    """Return about how many multiply-adds the exact path of a muscle costs in lanes."""
    model = human.model
    tendon = model.actuator_trnid[human.muscle_actuator[muscle], 0]
    begin, end = model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon]
    kinds, ids = model.wrap_type[begin:end], model.wrap_objid[begin:end]
    sites = kinds == mujoco.mjtWrap.mjWRAP_SITE
    wraps = int(((kinds == mujoco.mjtWrap.mjWRAP_SPHERE) | (kinds == mujoco.mjtWrap.mjWRAP_CYLINDER)).sum())
    bodies = model.body_weldid[model.site_bodyid[ids[sites]]]
    stretches = int((bodies[1:] != bodies[:-1]).sum()) + wraps
    crossings = len(_crossed(human, muscle))
    return _SITE * 2 * stretches + _STRETCH * stretches + _WRAP * wraps + _ARM * (crossings + stretches)


def fitted_cost(variables: int, degree: int, sharing: int) -> float:
    """Return how many multiply-adds a polynomial with its gradient costs; its monomials are shared by `sharing`."""
    terms, lower = polynomials.count(variables, degree), polynomials.count(variables, max(degree - 1, 0))
    return terms + variables * lower + terms / sharing


def _fit_group(
    human: Human, coordinates: tuple[int, ...], muscles: list[int], poses: Poses, bounds: Bounds
) -> list[_Try]:
    """Fit muscles that cross the same coordinates: one matrix of normal equations serves all of them."""
    variables = len(coordinates)
    afford = [exact_cost(human, k) for k in muscles]
    degrees = [d for d in range(1, MOST_DEGREE + 1) if fitted_cost(variables, d, len(muscles)) <= max(afford)] or [1]
    most = degrees[-1]
    half = poses.box.half[list(coordinates)]
    x = (poses.coordinates[:, list(coordinates)] - poses.box.centre[list(coordinates)]) / half
    value, gradient = polynomials.basis(x, most)
    gradient = gradient / half[:, None, None]
    train, test = poses.training, ~poses.training
    weight_length, weight_moment = 1 / bounds.length, 1 / bounds.moment
    rows = np.concatenate([value[train] * weight_length, *(gradient[:, train] * weight_moment)])
    normal = rows.T @ rows
    slots = np.array([_crossed(human, k) for k in muscles])  # (muscles, variables)
    lengths, moments = poses.lengths[:, muscles], poses.moments[:, slots]
    wanted = np.concatenate(
        [lengths[train] * weight_length, *(moments[train][..., i] * weight_moment for i in range(variables))]
    )
    right = rows.T @ wanted
    found: list[_Try | None] = [None] * len(muscles)
    for degree in degrees:
        terms = polynomials.count(variables, degree)
        left = [i for i, one in enumerate(found) if one is None or not one.keeps(bounds)]
        left = [i for i in left if degree == 1 or fitted_cost(variables, degree, len(muscles)) <= afford[i]]
        if not left:
            break
        ridge = 1e-12 * np.trace(normal[:terms, :terms]) / terms
        solved = np.linalg.solve(normal[:terms, :terms] + ridge * np.eye(terms), right[:terms, left])
        length_error = value[:, :terms] @ solved - lengths[:, left]
        moment_error = np.stack([gradient[i][:, :terms] @ solved - moments[:, left, i] for i in range(variables)])
        for j, i in enumerate(left):
            found[i] = _Try(
                degree,
                polynomials.to_monomials(variables, degree) @ solved[:, j],
                float(np.sqrt(np.mean(length_error[test, j] ** 2))),
                float(np.sqrt(np.mean(moment_error[:, test, j] ** 2, axis=1)).max()),
                float(max(np.abs(length_error[:, j]).max(), np.abs(moment_error[:, :, j]).max())),
            )
    return [one for one in found if one is not None]


def _packed(human: Human, groups: list[_Group], fits: tuple[MuscleFit, ...]) -> FittedPaths:
    def addresses(lengths: list[int]) -> NDArray[np.int32]:
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)

    coordinates = [np.array(one.coordinates, np.int32) for one in groups]
    coefficients = [one for group in groups for one in group.coefficients]

    def joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
        return np.concatenate([np.zeros(0, kind), *parts]).astype(kind)

    return FittedPaths(
        coordinate_adr=addresses([len(one) for one in coordinates]),
        coordinate=joined(list(coordinates), np.int32),
        centre=joined([group.box.centre[list(group.coordinates)] for group in groups], np.float64),
        half=joined([group.box.half[list(group.coordinates)] for group in groups], np.float64),
        muscle_adr=addresses([len(group.muscles) for group in groups]),
        muscle=joined([np.array(group.muscles) for group in groups], np.int32),
        coefficient_adr=addresses([len(one) for one in coefficients]),
        coefficient=joined(coefficients, np.float64),
        muscles=fits,
    )
