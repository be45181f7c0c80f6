"""The bodies of an OpenSim model as a tree of MuJoCo's: frames, masses, and the slides and hinges between them.

The world has z up where OpenSim has y: its axes are turned by a quarter about x. Bodies keep OpenSim's frames.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from soleus.errors import UserError
from soleus.importing.opensim.coordinates import Coordinates, read_coordinates
from soleus.importing.opensim.joints import Axis, Mover, carriers, movers, read_axes

Floats = NDArray[np.float64]

GROUND = "ground"
UPRIGHT = Rotation.from_euler("x", 90, degrees=True)
"""From OpenSim's ground to the world."""
_STRAIGHT = 1e-9
LEAST = 1e-6
"""[kg] and [kg m^2] of a body that moves and has none: MuJoCo inverts them."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Where something is: x_there = place + turn x_here."""

    place: Floats
    """(3,) [m]"""
    turn: Rotation

    def __matmul__(self, other: "Frame") -> "Frame":
        """Return the frame that other is in this one's parent."""
        return Frame(self.place + self.turn.apply(other.place), self.turn * other.turn)

    def inverse(self) -> "Frame":
        """Return the parent's frame in this one."""
        back = self.turn.inv()
        return Frame(-back.apply(self.place), back)


NOWHERE = Frame(np.zeros(3), Rotation.identity())


@dataclass(frozen=True, eq=False)
class Body:
    """A body and what joins it to its parent."""

    name: str
    parent: str
    joint: str
    frame: Frame
    """In the parent's, while all joints are at 0"""
    anchor: Floats
    """(3,) of its hinges, in its own frame [m]"""
    movers: tuple[Mover, ...]
    """Their vectors in the body's own frame"""
    free: tuple[str, ...]
    """Coordinates of a free joint, which is then the only one; empty: it has none."""
    mass: float
    center: Floats
    """(3,) of mass, in its frame [m]"""
    inertia: Floats
    """(6,) about the centre: xx yy zz xy xz yz [kg m^2]"""

    @property
    def rigid(self) -> bool:
        """Whether its moments of inertia are those of a rigid body: none is greater than the other two together."""
        xx, yy, zz, xy, xz, yz = self.inertia
        moments = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        return bool(moments[2] <= (moments[0] + moments[1]) * (1 + _STRAIGHT) and moments[0] >= 0)


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A whole model."""

    name: str
    coordinates: Coordinates
    bodies: tuple[Body, ...]
    """Parents first"""
    start: Frame
    """Of the body with a free joint, in the world, at the default values of its coordinates."""
    gravity: Floats
    """(3,) in the world [m/s^2]"""
    left_out: tuple[str, ...] = field(default=())
    """Sentences on what of the file is not in it."""

    def frames(self, values: dict[str, float]) -> dict[str, Frame]:
        """Where bodies are in the world at values of the independent coordinates; free bodies are where they start."""
        found = {GROUND: Frame(np.zeros(3), UPRIGHT)}
        for body in self.bodies:
            here = self.start if body.free else found[body.parent] @ body.frame
            for mover in body.movers:
                value = values.get(mover.driver or mover.name, 0.0)
                here = here @ _moved(mover, float(mover.curve(value)), body.anchor)
            found[body.name] = here
        return found


def read_skeleton(opensim: Any, model: Any, path: Path) -> Skeleton:
    """Read an opensim.Model. Raises UserError, one line, for what cannot be had, by its element's name."""
    coordinates = read_coordinates(opensim, model, path)
    axes = {str(j.getName()): read_axes(opensim, j, coordinates, path) for j in model.getJointSet()}
    carrying = carriers(axes)
    joints = _in_order(model, path)
    followers = _followers(axes, carrying)
    bodies, start = [], NOWHERE
    for joint in joints:
        name = str(joint.getName())
        body = _body(joint, axes[name], carrying, name)
        if body.parent == GROUND and _floats(axes[name], carrying, name, followers):
            start = _start(joint, axes[name], coordinates)
            free = tuple(str(axis.independent) for axis in axes[name])
            body = Body(body.name, GROUND, name, start, np.zeros(3), (), free, body.mass, body.center, body.inertia)
        bodies.append(body)
    unused = [name for name in coordinates.independent if name not in carrying]
    said = [f"coordinate '{name}' moves nothing" for name in unused]
    said += [f"coordinate '{name}' is prescribed in the file, and moves freely here" for name in _prescribed(model)]
    light = [body.name for body in bodies if body.mass <= 0 and (body.free or body.movers)]
    if light:
        said.append(f"bodies that move and have no mass get {1000 * LEAST:g} g: {', '.join(light)}")
    odd = [body.name for body in bodies if not body.rigid]
    if odd:
        said.append(f"moments of inertia that no rigid body has are evened out: {', '.join(odd)}")
    if coordinates.locked:
        said.append(f"locked coordinates are fixed where they are: {', '.join(coordinates.locked)}")
    gravity = UPRIGHT.apply([model.getGravity().get(i) for i in range(3)])
    return Skeleton(str(model.getName()), coordinates, tuple(bodies), start, gravity, tuple(said))


def _in_order(model: Any, path: Path) -> list[Any]:
    """Joints, those nearer to the ground first. Raises UserError for bodies that no or two joints hold."""
    joints, placed, result = list(model.getJointSet()), {GROUND}, []
    seen: dict[str, str] = {}
    for joint in joints:
        child, name = _base(joint.getChildFrame()), str(joint.getName())
        if child in seen or child == GROUND:
            raise UserError(
                f"{path}: joint '{name}': expected each body to hang by one joint, but '{child}' hangs by"
                f" '{seen.get(child, name)}' too"
                if child in seen
                else f"{path}: joint '{name}': expected the ground as a joint's parent, got it as the child"
            )
        seen[child] = name
    loose = [str(b.getName()) for b in model.getBodySet() if str(b.getName()) not in seen]
    if loose:
        raise UserError(f"{path}: body '{loose[0]}': expected a joint whose child it is, got none")
    while joints:
        ready = [j for j in joints if _base(j.getParentFrame()) in placed]
        if not ready:
            raise UserError(f"{path}: joint '{joints[0].getName()}': expected joints that lead to the ground")
        for joint in ready:
            result.append(joint)
            placed.add(_base(joint.getChildFrame()))
        joints = [j for j in joints if j not in ready]
    return result


def _base(frame: Any) -> str:
    return str(frame.findBaseFrame().getName())


def _body(joint: Any, axes: list[Axis], carrying: dict[str, tuple[str, int]], name: str) -> Body:
    parent, child = frame_of(joint.getParentFrame()), frame_of(joint.getChildFrame())
    still = np.zeros(3)
    turned = Rotation.identity()  # what hinges that stand still have turned by so far
    moving: list[Mover] = []
    for k, axis in enumerate(axes):
        amount = axis.curve.constant
        if amount is not None:
            if axis.kind == "slide":
                still = still + amount * axis.vector
            else:
                turned = turned * Rotation.from_rotvec(amount * axis.vector)
            continue
        carries = carrying.get(str(axis.independent)) == (name, k)
        for mover in movers(axis, carries):
            moving.append(replace(mover, vector=turned.apply(mover.vector)))
    # Constant turns go behind all hinges, whose vectors are turned instead.
    own = child.turn * turned.inv()
    back = Frame(child.place, own).inverse()
    frame = parent @ Frame(still, Rotation.identity()) @ back
    placed = tuple(replace(mover, vector=own.apply(mover.vector)) for mover in moving)
    body = joint.getChildFrame().findBaseFrame()
    return _with_mass(body, _base(joint.getParentFrame()), name, frame, child.place, placed)


def _with_mass(frame: Any, parent: str, joint: str, place: Frame, anchor: Floats, placed: tuple[Mover, ...]) -> Body:
    body = frame.getModel().getBodySet().get(frame.getName())
    inertia, center = body.get_inertia(), body.get_mass_center()
    return Body(
        str(body.getName()), parent, joint, place, anchor, placed, (), float(body.getMass()),
        np.array([center.get(i) for i in range(3)]), np.array([inertia.get(i) for i in range(6)]),
    )  # fmt: skip


def frame_of(frame: Any) -> Frame:
    """Return where a frame of OpenSim's is in the body that it is fixed to."""
    transform = frame.findTransformInBaseFrame()
    turn, place = transform.R().asMat33(), transform.p()
    matrix = np.array([[turn.get(i, j) for j in range(3)] for i in range(3)])
    return Frame(np.array([place.get(i) for i in range(3)]), Rotation.from_matrix(matrix))


def _moved(mover: Mover, value: float, anchor: Floats) -> Frame:
    if mover.kind == "slide":
        return Frame(value * mover.vector, Rotation.identity())
    turn = Rotation.from_rotvec(value * mover.vector)
    return Frame(anchor - turn.apply(anchor), turn)


def _followers(axes: dict[str, list[Axis]], carrying: dict[str, tuple[str, int]]) -> set[str]:
    """Coordinates that move something beside their own joint."""
    return {
        str(axis.independent)
        for joint, own in axes.items()
        for k, axis in enumerate(own)
        if axis.curve.constant is None and carrying.get(str(axis.independent)) != (joint, k)
    }


def _floats(axes: list[Axis], carrying: dict[str, tuple[str, int]], name: str, followers: set[str]) -> bool:
    """Whether a joint's six coordinates let a body go anywhere and turn anyhow, and move nothing else."""
    own = [axis.independent for axis in axes]
    if len(own) != 6 or None in own or len(set(own)) != 6 or followers & set(map(str, own)):
        return False
    if not all(axis.curve.identity and carrying[str(axis.independent)][0] == name for axis in axes):
        return False
    slides, hinges = (np.array([axis.vector for axis in axes if axis.kind == kind]) for kind in ("slide", "hinge"))
    turns = np.abs(np.einsum("ij,ij->i", hinges, np.roll(hinges, -1, axis=0)))
    return bool(np.allclose(slides @ slides.T, np.eye(3), atol=_STRAIGHT) and (turns[:2] < _STRAIGHT).all())


def _start(joint: Any, axes: list[Axis], coordinates: Coordinates) -> Frame:
    """Where a floating body is in the world at the default values of its coordinates."""
    parent, child = frame_of(joint.getParentFrame()), frame_of(joint.getChildFrame())
    place, turn = np.zeros(3), Rotation.identity()
    for axis in axes:
        value = coordinates.by_name[str(axis.independent)].default
        if axis.kind == "slide":
            place = place + value * axis.vector
        else:
            turn = turn * Rotation.from_rotvec(value * axis.vector)
    return Frame(np.zeros(3), UPRIGHT) @ parent @ Frame(place, turn) @ child.inverse()


def _prescribed(model: Any) -> list[str]:
    return [str(c.getName()) for c in model.getCoordinateSet() if c.get_prescribed() and not c.getDefaultLocked()]
