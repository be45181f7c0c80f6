"""A skeleton of OpenSim's as MJCF."""

from collections.abc import Mapping
from xml.etree import ElementTree as xml

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from soleus.importing.opensim.contacts import Sphere
from soleus.importing.opensim.joints import Mover
from soleus.importing.opensim.skeleton import GROUND, LEAST, NOWHERE, UPRIGHT, Body, Frame, Skeleton
from soleus.models.hints import SPLINE, TORQUE

Floats = NDArray[np.float64]

_BONE = 0.02  # [m] radius of what is drawn of a bone
_SHORTEST = 0.03  # [m] bones that are drawn


def mjcf(skeleton: Skeleton, spheres: list[Sphere], torques: Mapping[str, float], comment: str) -> str:
    """Return the text of an MJCF file; torques: the most of each coordinate that is driven by one."""
    root = xml.Element("mujoco", model=skeleton.name)
    root.append(xml.Comment(f" {comment} "))
    even = "false" if all(body.rigid for body in skeleton.bodies) else "true"
    xml.SubElement(root, "compiler", angle="radian", inertiafromgeom="false", autolimits="true", balanceinertia=even)
    xml.SubElement(root, "option", gravity=numbers(skeleton.gravity))
    _defaults(root)
    _assets(root)
    world = xml.SubElement(root, "worldbody")
    xml.SubElement(world, "light", pos="0 -2 4", dir="0 0.4 -1", directional="true")
    xml.SubElement(
        world, "geom", name="floor", type="plane", size="0 0 1", conaffinity="1", material="grid", rgba="1 1 1 1"
    )
    _bodies(world, skeleton, spheres)
    equality, custom = xml.Element("equality"), xml.Element("custom")
    for body in skeleton.bodies:
        for mover in body.movers:
            if mover.driver is not None:
                _follow(equality, custom, mover)
    for name, most in torques.items():
        xml.SubElement(custom, "numeric", name=f"{TORQUE}{name}", data=numbers(most))
    root.extend(part for part in (equality, custom) if len(part))
    _key(root, skeleton)
    xml.indent(root)
    return xml.tostring(root, encoding="unicode") + "\n"


def _defaults(root: xml.Element) -> None:
    default = xml.SubElement(root, "default")
    xml.SubElement(default, "joint", solreflimit="0.02 1")
    # A knee's shifts carry the body: as stiff as steps allow, so that MuJoCo's soft equalities do not give way.
    xml.SubElement(default, "equality", solref="0.002 1", solimp="0.999 0.9999 0.001")
    xml.SubElement(default, "geom", contype="0", conaffinity="0", rgba="0.82 0.71 0.6 1")
    bone = xml.SubElement(default, "default", {"class": "bone"})
    xml.SubElement(bone, "geom", type="capsule", group="1")
    contact = xml.SubElement(default, "default", {"class": "contact"})
    xml.SubElement(contact, "geom", type="sphere", contype="1", friction="1", rgba="0.4 0.45 0.6 1", group="1")


def _assets(root: xml.Element) -> None:
    asset = xml.SubElement(root, "asset")
    xml.SubElement(
        asset, "texture", name="grid", type="2d", builtin="checker", rgb1="0.93 0.93 0.93", rgb2="0.8 0.82 0.85",
        width="256", height="256",
    )  # fmt: skip
    xml.SubElement(asset, "material", name="grid", texture="grid", texrepeat="1 1", texuniform="true")
    xml.SubElement(
        asset, "texture", name="sky", type="skybox", builtin="gradient", rgb1="1 1 1", rgb2="0.8 0.88 0.95",
        width="64", height="64",
    )  # fmt: skip


def _bodies(world: xml.Element, skeleton: Skeleton, spheres: list[Sphere]) -> None:
    elements = {GROUND: world}
    for body in skeleton.bodies:
        frame = body.frame
        if body.parent == GROUND and not body.free:
            frame = Frame(np.zeros(3), UPRIGHT) @ frame
        element = xml.SubElement(
            elements[body.parent], "body", name=body.name, pos=numbers(frame.place), quat=_quat(frame.turn)
        )
        elements[body.name] = element
        moves = bool(body.free or body.movers)
        _inertial(element, body, moves)
        if body.free:
            xml.SubElement(element, "freejoint", name=body.joint)
        for mover in body.movers:
            _joint(element, body, mover, skeleton)
        _bones(element, body, skeleton)
        for sphere in spheres:
            if sphere.body == body.name:
                xml.SubElement(
                    element, "geom", {"class": "contact"}, name=sphere.name, pos=numbers(sphere.place),
                    size=numbers(sphere.radius),
                )  # fmt: skip


def _inertial(element: xml.Element, body: Body, moves: bool) -> None:
    mass, inertia = body.mass, body.inertia.copy()
    if moves:
        mass = max(mass, LEAST)
        if not inertia[:3].any():
            inertia[:3] = LEAST
    if mass > 0:
        xml.SubElement(element, "inertial", pos=numbers(body.center), mass=numbers(mass), fullinertia=numbers(inertia))


def _joint(element: xml.Element, body: Body, mover: Mover, skeleton: Skeleton) -> None:
    more: dict[str, str] = {}
    if mover.driver is None:
        coordinate = skeleton.coordinates.by_name[mover.name]
        more = {"range": numbers(coordinate.low, coordinate.high), "limited": str(coordinate.clamped).lower()}
        if not coordinate.low < coordinate.high:
            more = {}
    if mover.doubles:  # without any, MuJoCo could not invert the inertia of two joints on one axis
        more["armature"] = numbers(LEAST)
    xml.SubElement(
        element, "joint",
        {"name": mover.name, "type": mover.kind, "pos": numbers(body.anchor), "axis": numbers(mover.vector), **more},
    )  # fmt: skip


def _bones(element: xml.Element, body: Body, skeleton: Skeleton) -> None:
    """What is drawn of a body: capsules from its joint to those of what hangs on it, or through its centre of mass."""
    rest = skeleton.frames({})
    own = rest[body.name].inverse()
    below = [one for one in skeleton.bodies if one.parent == body.name]
    ends = [(own @ rest[one.name] @ Frame(one.anchor, NOWHERE.turn)).place for one in below]
    start = body.anchor
    if all(np.linalg.norm(end - start) < _SHORTEST for end in ends):
        ends = [start + 2 * (body.center - start)]
    for end in ends:
        if np.linalg.norm(end - start) >= _SHORTEST:
            xml.SubElement(
                element, "geom", {"class": "bone"}, fromto=f"{numbers(start)} {numbers(end)}", size=numbers(_BONE)
            )


def _follow(equality: xml.Element, custom: xml.Element, mover: Mover) -> None:
    xml.SubElement(
        equality, "joint", joint1=mover.name, joint2=str(mover.driver), polycoef=numbers(mover.curve.coefficients)
    )
    if mover.curve.pieces is not None:
        xml.SubElement(custom, "numeric", name=f"{SPLINE}{mover.name}", data=numbers(mover.curve.pieces.ravel()))


def _key(root: xml.Element, skeleton: Skeleton) -> None:
    """A keyframe of the coordinates' default values, where they are not all 0."""
    values = {name: skeleton.coordinates.by_name[name].default for name in skeleton.coordinates.independent}
    qpos: list[float] = []
    for body in _depth_first(skeleton):
        if body.free:
            qpos += [*body.frame.place, *np.roll(body.frame.turn.as_quat(), 1)]
        qpos += [float(mover.curve(values[mover.driver or mover.name])) for mover in body.movers]
    if any(values[m.name] for body in skeleton.bodies for m in body.movers if m.driver is None):
        xml.SubElement(xml.SubElement(root, "keyframe"), "key", name="default", qpos=numbers(qpos))


def _depth_first(skeleton: Skeleton, parent: str = GROUND) -> list[Body]:
    """Bodies in the order in which MuJoCo numbers them."""
    found = []
    for body in skeleton.bodies:
        if body.parent == parent:
            found += [body, *_depth_first(skeleton, body.name)]
    return found


def _quat(turn: Rotation) -> str:
    return numbers(np.roll(turn.as_quat(), 1))


def numbers(*values: float | Floats | list[float]) -> str:
    """Numbers as MJCF has them, exactly."""
    return " ".join(
        repr(float(one) + 0.0) for value in values for one in np.atleast_1d(np.asarray(value, dtype=np.float64))
    )
