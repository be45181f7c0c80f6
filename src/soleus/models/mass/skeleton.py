"""The skeleton file: bodies, their shapes and masses, and the joints between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.models.mass.xml import LEAST, Element, read_xml

Floats = NDArray[np.float64]

_ROOT = "Skeleton"
NO_PARENT = "None"
_OF_JOINT = ("kp", "kv", "damping", "stiffness", "friction", "weight")
_TURN = 2 * np.pi + 1e-6
_LIMITED = ("lower", "upper", *_OF_JOINT)
_JOINTS = {"Free": ("damping",), "Ball": _LIMITED, "Revolute": ("axis", *_LIMITED), "Weld": ()}
"""Kinds of joints, and the attributes that each has."""
_AXES = {"Free": 1, "Ball": 3, "Revolute": 1, "Weld": 1}
_SHAPES = {"Box": ("size",), "Sphere": ("radius",), "Capsule": ("radius", "height")}
_GREY = (0.5, 0.5, 0.5, 1.0)
_LENGTHS = (0.9, 1.1)  # of the columns of a rotation as it is written, rounded or with a digit lost
_SLANT = 0.3  # cosine between two of them
_TAKEN = ("world", "ground")  # names in every model


@dataclass(frozen=True, eq=False)
class Node:
    """A body and the joint to its parent. Places (3,) [m] and rotations (3, 3) are those of the T-pose in the world."""

    name: str
    parent: str | None
    shape: str
    """Box, Sphere or Capsule."""
    size: tuple[float, ...]
    """[m] of a box its edges, of a sphere its radius, of a capsule radius and height of the cylinder along z."""
    mass: float
    """[kg]"""
    place: Floats
    rotation: Floats
    contact: bool
    """Whether it touches the ground."""
    color: tuple[float, ...]
    mesh: str | None
    joint: str
    """Free, Ball, Revolute or Weld."""
    joint_place: Floats
    joint_rotation: Floats
    axis: Floats
    """(3,) of a revolute joint, in the joint's frame."""
    lower: Floats
    upper: Floats
    """(3,) of a ball joint, (1,) of a revolute one, (0,) of others [rad]."""
    own: Mapping[str, Floats]
    """kp [N m/rad], kv, damping [N m s/rad], stiffness [N m/rad], friction [N m] and weight (in imitation), those that
    the file gives, each (3,) of a ball joint, (1,) of a revolute or a free one."""
    channel: str | None
    """Name of the joint in motion files."""
    end_effector: bool


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Nodes by name, parents first."""

    path: Path
    name: str
    nodes: dict[str, Node]


def is_skeleton(path: Path) -> bool:
    """Whether a file is XML of a skeleton, by its root element."""
    try:
        read_xml(path, _ROOT)
    except UserError:
        return False
    return True


def read_skeleton(path: Path) -> Skeleton:
    """Read a skeleton file. Raises UserError naming the file, the line, the element and the reason."""
    return skeleton_of(read_xml(path, _ROOT))


def skeleton_of(root: Element) -> Skeleton:
    """Return the skeleton of an element with all that is in it. Raises UserError as read_skeleton."""
    root.only(("name",), ("Node",))
    nodes: dict[str, Node] = {}
    for element in root.all("Node"):
        node = _node(element, nodes)
        nodes[node.name] = node
    if not nodes:
        root.fail("expected at least one <Node>, got none")
    return Skeleton(root.path, root.attributes.get("name", root.path.stem), nodes)


def _node(element: Element, before: dict[str, Node]) -> Node:
    name, parent = element.text("name"), element.text("parent")
    body, joint = element.one("Body"), element.one("Joint")
    if name in before:
        element.fail("expected names that differ, got this one twice")
    if name in _TAKEN:
        element.fail(f"expected another name than {' or '.join(_TAKEN)}, which every model has")
    if parent != NO_PARENT and parent not in before:
        element.fail(f"expected a parent among the nodes above it, or None, got '{parent}'{nearest(parent, before)}")
    if parent == NO_PARENT and before:
        element.fail(f"expected one node without a parent, but '{next(iter(before))}' is one already")
    kind = _one_of(joint, "type", tuple(_JOINTS))
    if (kind == "Free") != (parent == NO_PARENT):
        element.fail(f"expected a Free joint for the node without a parent alone, got {kind} with parent '{parent}'")
    shape = _one_of(body, "type", tuple(_SHAPES))
    element.only(("name", "parent", "endeffector"), ("Body", "Joint"))
    body.only(("type", "mass", *_SHAPES[shape], "contact", "color", "obj"), ("Transformation",))
    joint.only(("type", "bvh", *_JOINTS[kind]), ("Transformation",))
    for part in (body, joint):
        part.one("Transformation").only(("linear", "translation"))
    sizes = [body.numbers(key, 3 if key == "size" else 1) for key in _SHAPES[shape]]
    if min(map(np.min, sizes)) < LEAST:
        body.fail(f"expected a size of {LEAST:g} or more, got {body.text(_SHAPES[shape][0])}")
    own = {key: values for key in _OF_JOINT if (values := joint.per_axis(key, _AXES[kind])) is not None}
    place, rotation = _transformation(body)
    joint_place, joint_rotation = _transformation(joint)
    lower, upper = _limits(joint, kind)
    node = Node(
        name=name, parent=None if parent == NO_PARENT else parent, shape=shape,
        size=tuple(float(v) for one in sizes for v in one), mass=body.positive("mass"), place=place, rotation=rotation,
        contact=_switch(body, "contact", "On", "Off"),
        color=tuple(np.clip(body.numbers("color", 4), 0, 1).tolist()) if "color" in body.attributes else _GREY,
        mesh=body.attributes.get("obj"), joint=kind, joint_place=joint_place, joint_rotation=joint_rotation,
        own=own, axis=_axis(joint) if kind == "Revolute" else np.zeros(3), lower=lower, upper=upper,
        channel=joint.attributes.get("bvh"), end_effector=_switch(element, "endeffector", "True", "False"),
    )  # fmt: skip
    _check_springs(joint, node)
    return node


def _check_springs(joint: Element, node: Node) -> None:
    stiffness = node.own.get("stiffness")
    if stiffness is not None and np.ptp(stiffness) > 0:
        joint.fail(f"stiffness: expected the same about all axes of a ball joint, got '{joint.text('stiffness')}'")


def _one_of(element: Element, key: str, known: tuple[str, ...]) -> str:
    value = element.text(key)
    if value not in known:
        element.fail(f"{key}: expected one of {', '.join(known)}, got '{value}'{nearest(value, known)}")
    return value


def _switch(element: Element, key: str, on: str, off: str) -> bool:
    return key in element.attributes and _one_of(element, key, (on, off)) == on


def _transformation(element: Element) -> tuple[Floats, Floats]:
    """Place (3,) and rotation (3, 3), made orthonormal again after rounding: column by column, as the original does."""
    transformation = element.one("Transformation")
    linear = transformation.numbers("linear", 9).reshape(3, 3)
    lengths, slants = np.linalg.norm(linear, axis=0), (linear.T @ linear)[np.triu_indices(3, 1)]
    if not (_LENGTHS[0] < lengths.min() and lengths.max() < _LENGTHS[1] and np.abs(slants).max() < _SLANT):
        said = ", ".join(f"{length:.3g}" for length in lengths)
        transformation.fail(f"linear: expected a rotation, got columns of lengths {said} that are not at right angles")
    if np.linalg.det(linear) < 0:
        transformation.fail("linear: expected a rotation, got one with a reflection")
    columns: list[Floats] = []
    for column in linear.T:
        rest = column - sum((done * (done @ column) for done in columns), np.zeros(3))
        columns.append(rest / np.linalg.norm(rest))
    return transformation.numbers("translation", 3), np.stack(columns, axis=1)


def _axis(joint: Element) -> Floats:
    axis = joint.numbers("axis", 3)
    length = float(np.linalg.norm(axis))
    if length < 1e-6:
        joint.fail("axis: expected a direction, got a vector of zeros")
    return axis / length


def _limits(joint: Element, kind: str) -> tuple[Floats, Floats]:
    count = {"Ball": 3, "Revolute": 1}.get(kind, 0)
    if count == 0 or not ("lower" in joint.attributes or "upper" in joint.attributes):
        return np.full(count, -np.inf), np.full(count, np.inf)
    lower, upper = joint.numbers("lower", count), joint.numbers("upper", count)
    most = float(np.abs([lower, upper]).max())
    if most > _TURN:
        joint.fail(f"expected limits in radians, a whole turn (6.28) at most, got {most:g}: are they in degrees?")
    if not (lower < upper).all():
        joint.fail(f"expected lower limits below the upper ones, got {joint.text('lower')} and {joint.text('upper')}")
    return lower, upper
