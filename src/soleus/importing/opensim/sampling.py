"""Lengths and moment arms of an OpenSim model's muscles at many poses, measured by OpenSim itself.

Whatever its paths do is in them: they wrap, move, come and go.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

_STEP = 1e-4  # of coordinates, for differences of lengths [rad] or [m]
_JUMP = 5e-4  # [m/rad] that slopes ahead and back may differ by where a path is smooth
_LEAST_ARM = 1e-6  # [m/rad] of a coordinate that a muscle crosses
_PROBES = 96  # poses at which crossings are looked for


class PathSampler:
    """Measures the muscles of a model. Coordinates are independent ones, by name; others follow them or stay."""

    def __init__(self, opensim: Any, model: Any, muscles: Sequence[Any], coordinates: Sequence[str]) -> None:
        """model: an opensim.Model whose system is initialised."""
        self._opensim, self._model = opensim, model
        self._state = model.initSystem()
        self._paths = [muscle.getPath() for muscle in muscles]
        self._geometry = [opensim.GeometryPath.safeDownCast(path) for path in self._paths]
        self._coordinates = [model.getCoordinateSet().get(name) for name in coordinates]
        self._couplers = list(_couplers(opensim, model))

    def lengths(self, values: Floats) -> Floats:
        """Return lengths (nm,) [m] at one pose, (nk,)."""
        for coordinate, value in zip(self._coordinates, values, strict=True):
            coordinate.setValue(self._state, float(value), False)
        for dependent, independent, function, factor in self._couplers:
            at = self._opensim.Vector(1, independent.getValue(self._state))
            dependent.setValue(self._state, factor * function.calcValue(at), False)
        self._model.realizePosition(self._state)
        return np.array([path.getLength(self._state) for path in self._paths])

    def points(self) -> Counts:
        """Return how many points each path has, (nm,), at the pose of the last lengths(); 0 of another kind of path."""
        return np.array([path.getCurrentPath(self._state).getSize() if path else 0 for path in self._geometry])

    def crossings(self, low: Floats, high: Floats, rng: np.random.Generator) -> Flags:
        """Return which coordinates each muscle crosses anywhere in a box, (nm, nk)."""
        found = np.zeros((len(self._paths), len(low)), bool)
        for _ in range(_PROBES):
            at = rng.uniform(low, high)
            here = self.lengths(at)
            for k in range(len(low)):
                moved = at.copy()
                moved[k] += _STEP
                found[:, k] |= np.abs(self.lengths(moved) - here) > _LEAST_ARM * _STEP
        return found

    def sample(self, poses: Floats, crossed: Flags) -> tuple[Floats, Floats, Counts]:
        """Return lengths (n, nm), their gradients (n, nm, nk), and numbers of points (n, nm), at poses (n, nk).

        A gradient is not a number where the path jumps within the step that it is a difference of.
        """
        lengths = np.empty((len(poses), len(self._paths)))
        gradients = np.zeros((len(poses), *crossed.shape))
        points = np.empty(lengths.shape, np.int64)
        together = _apart(crossed)
        for n, at in enumerate(poses):
            lengths[n] = here = self.lengths(at)
            points[n] = self.points()
            for group in together:
                ahead, back = (self.lengths(_moved(at, group, step)) for step in (_STEP, -_STEP))
                slope = (ahead - back) / (2 * _STEP)
                slope[np.abs(ahead + back - 2 * here) > _JUMP * _STEP] = np.nan
                for k in group:
                    gradients[n, crossed[:, k], k] = slope[crossed[:, k]]
        return lengths, gradients, points

    def moment_arm(self, muscle: int, coordinate: int) -> float:
        """Return OpenSim's own moment arm [m] at the pose of the last lengths()."""
        return float(self._paths[muscle].computeMomentArm(self._state, self._coordinates[coordinate]))


def _moved(at: Floats, coordinates: list[int], step: float) -> Floats:
    moved = at.copy()
    moved[coordinates] += step
    return moved


def _apart(crossed: Flags) -> list[list[int]]:
    """Sort coordinates into groups of which no muscle crosses two: they are moved at the same time."""
    groups: list[list[int]] = []
    for k in range(crossed.shape[1]):
        if not crossed[:, k].any():
            continue
        free = next((group for group in groups if not (crossed[:, group] & crossed[:, [k]]).any()), None)
        if free is None:
            groups.append([k])
        else:
            free.append(k)
    return groups


def _couplers(opensim: Any, model: Any) -> list[tuple[Any, Any, Any, float]]:
    """Return of each coupler the two coordinates, the function and the factor; those that others follow come first."""
    found = []
    for constraint in model.getConstraintSet():
        coupler = opensim.CoordinateCouplerConstraint.safeDownCast(constraint)
        if coupler is None or not constraint.get_isEnforced():
            continue
        by, driven = str(coupler.getIndependentCoordinateNames().get(0)), str(coupler.getDependentCoordinateName())
        factor = opensim.PropertyHelper.getValueDouble(coupler.getPropertyByName("scale_factor"))
        found.append((driven, by, coupler.getFunction(), float(factor)))
    ordered: list[tuple[Any, Any, Any, float]] = []
    waiting = {driven for driven, *_ in found}
    while found:
        ready = [one for one in found if one[1] not in waiting] or found  # a circle is nobody's to resolve here
        ordered += ready
        waiting -= {driven for driven, *_ in ready}
        found = [one for one in found if one not in ready]
    coordinates = model.getCoordinateSet()
    return [(coordinates.get(driven), coordinates.get(by), *rest) for driven, by, *rest in ordered]
