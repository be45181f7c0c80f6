"""OpenSim's joints as slides and hinges, one after another: translations first, along the parent's axes, then
rotations, each carried along by those before it.

A coordinate has one joint whose position is its value. That is the first that moves by the value itself, or else the
first that turns by any function of it, or else shifts: then a second joint on the same axis adds what the function has
beside the value.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.importing.opensim.coordinates import Coordinates
from soleus.importing.opensim.curves import IDENTITY, Curve, composed, less_coordinate, polynomial, read_curve

Floats = NDArray[np.float64]

Kind = Literal["slide", "hinge"]
_X, _Y, _Z = np.eye(3)
# Axes of each kind of joint, and the number of the coordinate that moves along or about it.
_SIMPLE: dict[str, tuple[tuple[Kind, Floats, int], ...]] = {
    "WeldJoint": (),
    "PinJoint": (("hinge", _Z, 0),),
    "SliderJoint": (("slide", _X, 0),),
    "UniversalJoint": (("hinge", _X, 0), ("hinge", _Y, 1)),
    "BallJoint": (("hinge", _X, 0), ("hinge", _Y, 1), ("hinge", _Z, 2)),
    "GimbalJoint": (("hinge", _X, 0), ("hinge", _Y, 1), ("hinge", _Z, 2)),
    "PlanarJoint": (("slide", _X, 1), ("slide", _Y, 2), ("hinge", _Z, 0)),
    "FreeJoint": (
        ("slide", _X, 3),
        ("slide", _Y, 4),
        ("slide", _Z, 5),
        ("hinge", _X, 0),
        ("hinge", _Y, 1),
        ("hinge", _Z, 2),
    ),
}
_TRANSFORM = ("translation1", "translation2", "translation3", "rotation1", "rotation2", "rotation3")


@dataclass(frozen=True, eq=False)
class Axis:
    """One of a joint's axes."""

    name: str
    kind: Kind
    vector: Floats
    """(3,) of unit length, in the joint's parent frame at rest"""
    independent: str | None
    """The coordinate that moves it; None where it stands still."""
    curve: Curve
    """How far it moves, of that coordinate's value."""


@dataclass(frozen=True, eq=False)
class Mover:
    """A slide or hinge of a body."""

    name: str
    kind: Kind
    vector: Floats
    driver: str | None
    """The coordinate that moves it; None where it is a coordinate itself, which its name is."""
    curve: Curve
    doubles: bool = False
    """Whether it is on the axis of another joint of its body."""


def read_axes(opensim: Any, joint: Any, coordinates: Coordinates, path: Path) -> list[Axis]:
    """Return the axes of an OpenSim joint in the order in which they move a body. Raises UserError for other joints."""
    kind, name = str(joint.getConcreteClassName()), str(joint.getName())
    where = f"{path}: joint '{name}'"
    own = [str(joint.get_coordinates(i).getName()) for i in range(joint.numCoordinates())]
    if kind == "CustomJoint":
        return list(_custom(opensim, joint, coordinates, where))
    if kind not in _SIMPLE:
        raise UserError(f"{where}: expected a joint out of CustomJoint, {', '.join(_SIMPLE)}; got a {kind}")
    return [
        axis for step, vector, k in _SIMPLE[kind] for axis in _axes(own[k], step, vector, own[k], IDENTITY, coordinates)
    ]


def _custom(opensim: Any, joint: Any, coordinates: Coordinates, where: str) -> Iterator[Axis]:
    transform = opensim.CustomJoint.safeDownCast(joint).getSpatialTransform()
    for part in _TRANSFORM:
        axis = getattr(transform, f"get_{part}")()
        names = axis.getCoordinateNamesInArray()
        if names.getSize() > 1:
            several = " and ".join(str(names.get(i)) for i in range(names.getSize()))
            raise UserError(f"{where}: {part}: expected a function of one coordinate, got one of {several}")
        of = str(names.get(0)) if names.getSize() else None
        vector = np.array([axis.get_axis().get(i) for i in range(3)])
        length = float(np.linalg.norm(vector))
        if not length > 0:
            raise UserError(f"{where}: {part}: expected an axis that points somewhere, got 0 0 0")
        step: Kind = "slide" if part.startswith("translation") else "hinge"
        span = coordinates.span(of) if of else (-1.0, 1.0)
        curve = read_curve(opensim, axis.getFunction(), span, f"{where}: {part}")
        if of is None:
            if curve.constant is None:
                raise UserError(f"{where}: {part}: expected a coordinate for its function, got none")
            yield Axis(f"{joint.getName()}_{part}", step, vector / length, None, curve)
            continue
        own = of if curve.identity else f"{joint.getName()}_{part}"
        yield from _axes(own, step, vector / length, of, curve, coordinates)


def _axes(name: str, kind: Kind, vector: Floats, of: str, curve: Curve, coordinates: Coordinates) -> Iterator[Axis]:
    """Return an axis that moves by a function of any coordinate, in terms of what that one follows.

    One that moves by the value and an offset is two, one of which stands still; by the value's opposite, it points
    back.
    """
    followed = coordinates.followed[of]
    span = coordinates.span(followed.independent) if followed.independent else (-1.0, 1.0)
    found = composed(curve, followed.curve, span)
    offset, slope = found.coefficients[:2]
    if found.pieces is not None or abs(slope) != 1 or found.coefficients[2:].any():
        yield Axis(name, kind, vector, followed.independent, found)
        return
    yield Axis(name, kind, slope * vector, followed.independent, IDENTITY)
    if offset:
        yield Axis(name, kind, vector, None, polynomial(float(offset)))


def carriers(joints: dict[str, list[Axis]]) -> dict[str, tuple[str, int]]:
    """The axis, by joint and number, that has the joint of each coordinate."""
    result: dict[str, tuple[str, int]] = {}
    moving = [
        (axis, (joint, k))
        for joint, axes in joints.items()
        for k, axis in enumerate(axes)
        if axis.independent is not None and axis.curve.constant is None
    ]
    for axis, place in sorted(moving, key=lambda one: (not one[0].curve.identity, one[0].kind == "slide")):
        result.setdefault(str(axis.independent), place)
    return result


def movers(axis: Axis, carries: bool) -> list[Mover]:
    """Slides or hinges of an axis that does not stand still; carries: whether it has its coordinate's joint."""
    assert axis.independent is not None
    if not carries:
        return [Mover(axis.name, axis.kind, axis.vector, axis.independent, axis.curve)]
    own = Mover(axis.independent, axis.kind, axis.vector, None, IDENTITY)
    if axis.curve.identity:
        return [own]
    return [own, Mover(axis.name, axis.kind, axis.vector, axis.independent, less_coordinate(axis.curve), True)]
