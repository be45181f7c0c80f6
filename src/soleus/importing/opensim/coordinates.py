"""OpenSim's coordinates: which are free, which are locked, and which others follow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from soleus.errors import UserError
from soleus.importing.opensim.curves import IDENTITY, Curve, composed, polynomial, read_curve, scaled

_COUPLER = "CoordinateCouplerConstraint"


@dataclass(frozen=True)
class Coordinate:
    """An OpenSim coordinate as the file has it; angles in radians, lengths in metres."""

    name: str
    default: float
    low: float
    high: float
    clamped: bool


@dataclass(frozen=True, eq=False)
class Followed:
    """What a coordinate follows: a function of an independent one, or a constant where that is None."""

    independent: str | None
    curve: Curve


@dataclass(frozen=True, eq=False)
class Coordinates:
    """All of a model's."""

    by_name: dict[str, Coordinate]
    followed: dict[str, Followed]
    """Of every coordinate; an independent one follows itself."""
    locked: tuple[str, ...]

    @property
    def independent(self) -> list[str]:
        """Names of those that move by themselves."""
        return [name for name, followed in self.followed.items() if followed.independent == name]

    def span(self, name: str) -> tuple[float, float]:
        """Range of a coordinate, within a turn or a metre or so: that of a dependent one may be without end."""
        followed = self.followed.get(name)
        if followed and followed.independent not in (None, name):
            values = followed.curve(np.linspace(*self.span(str(followed.independent)), 100))
            return float(values.min()), float(values.max())
        one = self.by_name[name]
        low, high = max(one.low, -10.0), min(one.high, 10.0)
        return (low, high) if low < high else (one.default - 1.0, one.default + 1.0)


def read_coordinates(opensim: Any, model: Any, path: Path) -> Coordinates:
    """Read the coordinates of an opensim.Model and the constraints that couple them.

    Raises UserError for a constraint of another kind, of several coordinates, or a circle of them.
    """
    by_name = {
        str(c.getName()): Coordinate(
            str(c.getName()), c.getDefaultValue(), c.getRangeMin(), c.getRangeMax(), bool(c.getDefaultClamped())
        )
        for c in model.getCoordinateSet()
    }
    locked = tuple(str(c.getName()) for c in model.getCoordinateSet() if c.getDefaultLocked())
    coordinates = Coordinates(by_name, {}, locked)
    couplers = _couplers(opensim, model, path, coordinates)
    for name in by_name:
        coordinates.followed[name] = _follow(name, couplers, coordinates, path, ())
    return coordinates


def _couplers(opensim: Any, model: Any, path: Path, coordinates: Coordinates) -> dict[str, tuple[str, Curve]]:
    """Coordinate that another one follows, and how, by the one that follows."""
    found: dict[str, tuple[str, Curve]] = {}
    for constraint in model.getConstraintSet():
        kind, name = str(constraint.getConcreteClassName()), str(constraint.getName())
        if not constraint.get_isEnforced():
            continue
        if kind != _COUPLER:
            raise UserError(
                f"{path}: constraint '{name}': expected a {_COUPLER}, got a {kind}, which is not read: set its"
                " isEnforced to false to leave it out"
            )
        coupler = opensim.CoordinateCouplerConstraint.safeDownCast(constraint)
        names = coupler.getIndependentCoordinateNames()
        if names.getSize() != 1:
            raise UserError(
                f"{path}: constraint '{name}': expected one independent coordinate, got {names.getSize()} of them"
            )
        by, driven = str(names.get(0)), str(coupler.getDependentCoordinateName())
        if driven in found:
            raise UserError(f"{path}: constraint '{name}': expected '{driven}' to be driven by one constraint, got two")
        factor = float(coupler.getPropertyByName("scale_factor").toString())
        where = f"{path}: constraint '{name}'"
        curve = scaled(read_curve(opensim, coupler.getFunction(), coordinates.span(by), where), factor)
        found[driven] = (by, curve)
    return found


def _follow(
    name: str, couplers: dict[str, tuple[str, Curve]], coordinates: Coordinates, path: Path, seen: tuple[str, ...]
) -> Followed:
    if name in seen:
        raise UserError(f"{path}: coordinate '{name}': expected one that is independent, but it drives itself")
    if name in coordinates.locked:
        return Followed(None, polynomial(coordinates.by_name[name].default))
    if name not in couplers:
        return Followed(name, IDENTITY)
    by, curve = couplers[name]
    above = _follow(by, couplers, coordinates, path, (*seen, name))
    if above.independent is None:
        return Followed(None, composed(curve, above.curve, (-1.0, 1.0)))
    return Followed(above.independent, composed(curve, above.curve, coordinates.span(above.independent)))
