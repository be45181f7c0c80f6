"""A skeleton as MJCF: z up, facing +x, every body in the frame of its joint.

There MuJoCo's velocities are DART's: of a ball joint the angular velocity in the joint's axes, whose rotation is DART's
exponential map.
"""

import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models import hints
from soleus.models.mass.skeleton import Node, Skeleton
from soleus.models.sides import other_side, side

Floats = NDArray[np.float64]

KP = 300.0
KD = float(np.sqrt(2 * KP))
"""Gains of stable PD in MASS [N m/rad], [N m s/rad], of the root too."""
_MESH_SCALE = 0.01  # meshes are in centimetres, in the world of the T-pose
_MESH_FOLDERS = (".", "OBJ", "../OBJ")  # beside the skeleton file, or where MASS has them
_SNAP = np.deg2rad(5.0)
_GEOMS = {"Box": "box", "Sphere": "sphere", "Capsule": "capsule"}
_VISUAL, _HIDDEN = "1", "3"  # geom groups: drawn, and drawn on request alone
_FREE_OF_LIMIT = 1e3  # [rad]


def skeleton_mjcf(
    skeleton: Skeleton,
    damping: float = 0.0,
    mesh_folder: str | None = None,
    numerics: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> str:
    """Return MJCF text of a skeleton on the plane z = 0.

    damping [N m s/rad] of every joint but the root's. Meshes that a body names are drawn where their files are found
    beside the skeleton file, boxes where not; mesh_folder: write that meshes are there, relative to the MJCF file.
    numerics: more of what `hints` reads, by name.
    """
    meshes = mesh_files(skeleton)
    axes = _world_axes(skeleton)
    root = ET.Element("mujoco", model=skeleton.name)
    ET.SubElement(root, "compiler", angle="radian", autolimits="true")
    # MuJoCo takes dense matrices below 60 degrees of freedom; without them a step of such a tree costs 0.85 as much.
    ET.SubElement(root, "option", gravity="0 0 -9.81", jacobian="sparse")
    assets = ET.SubElement(root, "asset")
    ET.SubElement(
        assets, "texture", name="ground", type="2d", builtin="checker", rgb1=".8 .8 .8", rgb2=".7 .7 .7", width="256",
        height="256",
    )  # fmt: skip
    ET.SubElement(assets, "material", name="ground", texture="ground", texrepeat="8 8", texuniform="true")
    for name, path in meshes.items():
        at = f"{mesh_folder}/{path.name}" if mesh_folder else str(path.resolve())
        ET.SubElement(assets, "mesh", name=name, file=at, scale=_words([_MESH_SCALE] * 3))
    world = ET.SubElement(root, "worldbody")
    ET.SubElement(world, "light", pos="0 0 4", dir="0 0 -1", mode="trackcom")
    ET.SubElement(
        world, "geom", name="ground", type="plane", size="0 0 1", material="ground", contype="0", conaffinity="1"
    )
    made: dict[str | None, ET.Element] = {None: world}
    for node in skeleton.nodes.values():
        above = skeleton.nodes[node.parent] if node.parent else None
        made[node.name] = _body(made[node.parent], node, above, axes, damping, meshes)
    _custom(root, skeleton, axes, numerics)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def mesh_files(skeleton: Skeleton) -> dict[str, Path]:
    """Files of the meshes that bodies name, where they are found, by the name of the mesh.

    Raises UserError for two files of one name.
    """
    found: dict[str, Path] = {}
    for node in skeleton.nodes.values():
        for folder in _MESH_FOLDERS if node.mesh else ():
            path = skeleton.path.parent / folder / str(node.mesh)
            if os.path.isfile(path):  # which takes any text for a path
                if found.setdefault(path.stem, path) != path:
                    raise UserError(
                        f"{skeleton.path}: expected meshes under names that differ, got {found[path.stem]} and {path}"
                    )
                break
    return found


def _world_axes(skeleton: Skeleton) -> Floats:
    """(3, 3) from the file's axes, y up, to x forward, y left, z up. Left is where the left bodies are; else +x."""
    left = np.zeros(3)
    for node in skeleton.nodes.values():
        other = skeleton.nodes.get(other_side(node.name))
        if side(node.name) == "l" and other is not None:
            left += node.joint_place - other.joint_place
    angle = np.arctan2(-left[2], left[0]) if np.hypot(left[0], left[2]) > 1e-3 else 0.0  # about y, from +x
    quarter = np.round(angle / (np.pi / 2)) * np.pi / 2
    if abs(angle - quarter) < _SNAP:
        angle = quarter
    left, up = np.round([np.cos(angle), 0.0, -np.sin(angle)], 15), np.array([0.0, 1.0, 0.0])
    return np.stack([np.cross(left, up), left, up])


def _body(
    above: ET.Element, node: Node, parent: Node | None, axes: Floats, damping: float, meshes: dict[str, Path]
) -> ET.Element:
    if parent is None:
        place, rotation = axes @ node.joint_place, axes @ node.joint_rotation
    else:
        place = parent.joint_rotation.T @ (node.joint_place - parent.joint_place)
        rotation = parent.joint_rotation.T @ node.joint_rotation
    body = ET.SubElement(above, "body", name=node.name, pos=_words(place), quat=_words(_quaternion(rotation)))
    if node.joint != "Weld":
        _joint(body, node, damping)
    in_joint = node.joint_rotation.T
    mesh = Path(node.mesh).stem if node.mesh else None
    drawn = mesh in meshes
    ET.SubElement(
        body, "geom", name=node.name, mass=_words([node.mass]), rgba=_words(node.color), contype=str(int(node.contact)),
        conaffinity="0", group=_HIDDEN if drawn else _VISUAL, type=_GEOMS[node.shape], size=_words(_halves(node)),
        pos=_words(in_joint @ (node.place - node.joint_place)), quat=_words(_quaternion(in_joint @ node.rotation)),
    )  # fmt: skip
    if drawn:
        ET.SubElement(
            body, "geom", name=f"{node.name}_mesh", type="mesh", mesh=str(mesh), mass="0", contype="0", conaffinity="0",
            group=_VISUAL, rgba=_words(node.color), pos=_words(in_joint @ -node.joint_place),
            quat=_words(_quaternion(in_joint)),
        )  # fmt: skip
    return body


def _halves(node: Node) -> list[float]:
    """A shape's size as MuJoCo has it: half edges, or a radius and half a height."""
    whole = 0 if node.shape == "Box" else 1
    return [*node.size[:whole], *(s / 2 for s in node.size[whole:])]


def _joint(body: ET.Element, node: Node, damping: float) -> None:
    if node.joint == "Free":
        if "damping" in node.own:
            ET.SubElement(body, "joint", name=node.name, type="free", damping=_words(node.own["damping"]))
        else:
            ET.SubElement(body, "freejoint", name=node.name)
        return
    joint = ET.SubElement(body, "joint", name=node.name, type="ball" if node.joint == "Ball" else "hinge")
    # Where axes differ, the mean here and each in our own core (hints).
    damping = float(node.own["damping"].mean()) if "damping" in node.own else damping
    for key, value in (
        ("damping", damping),
        ("stiffness", float(node.own["stiffness"][0]) if "stiffness" in node.own else 0.0),
        ("frictionloss", float(node.own["friction"].mean()) if "friction" in node.own else 0.0),
    ):
        if value > 0:
            joint.set(key, _words([value]))
    if node.joint == "Revolute":
        joint.set("axis", _words(node.axis))
        if np.isfinite(node.lower).all():
            joint.set("range", _words([node.lower[0], node.upper[0]]))
        return
    # MuJoCo limits how far a ball joint turns, whatever the axis: as far as the farthest corner of the limits. By axis
    # they bind in our own core alone.
    reach = float(np.linalg.norm(np.minimum(np.maximum(-node.lower, node.upper), _FREE_OF_LIMIT)))
    if reach < np.pi:
        joint.set("range", _words([0.0, reach]))


def _custom(root: ET.Element, skeleton: Skeleton, axes: Floats, numerics: Mapping[str, Sequence[float]]) -> None:
    custom = ET.SubElement(root, "custom")
    # Where joints have gains of their own, the root has none.
    gained = any("kp" in node.own or "kv" in node.own for node in skeleton.nodes.values())
    ET.SubElement(custom, "numeric", name=hints.STABLE_PD, data=_words([KP, KD, 0 if gained else 1]))
    ET.SubElement(custom, "numeric", name=hints.CHANNEL_AXES, data=_words(_quaternion(axes)))
    for name, numbers in numerics.items():
        ET.SubElement(custom, "numeric", name=name, data=_words(numbers))
    effectors = ET.SubElement(custom, "tuple", name=hints.END_EFFECTORS)
    for node in skeleton.nodes.values():
        if node.channel:
            ET.SubElement(custom, "text", name=f"{hints.CHANNEL}{node.name}", data=node.channel)
        if node.joint == "Ball" and np.isfinite(node.lower).all():
            ET.SubElement(custom, "numeric", name=f"{hints.LIMITS}{node.name}", data=_words([*node.lower, *node.upper]))
        for prefix, values in _own_hints(node).items():
            ET.SubElement(custom, "numeric", name=f"{prefix}{node.name}", data=_words(values))
        if node.end_effector:
            ET.SubElement(effectors, "element", objtype="body", objname=node.name)
    if not len(effectors):
        custom.remove(effectors)


def _own_hints(node: Node) -> dict[str, Floats]:
    """What MJCF has no attribute for, or one for all axes."""
    own, found = node.own, dict[str, Floats]()
    if "kp" in own or "kv" in own:
        kp = own.get("kp", np.full(len(own.get("kv", ())), KP))
        found[hints.GAINS] = np.concatenate([kp, own.get("kv", np.sqrt(2 * kp))])
    for key, prefix in (("damping", hints.DAMPING), ("friction", hints.FRICTION)):
        if key in own and np.ptp(own[key]) > 0:
            found[prefix] = own[key]
    if "weight" in own:
        found[hints.WEIGHT] = own["weight"]
    return found


def _quaternion(rotation: Floats) -> Floats:
    result = np.zeros(4)
    mujoco.mju_mat2Quat(result, np.ascontiguousarray(rotation).ravel())
    return result


def _words(values: object) -> str:
    """Numbers that read back to the same bits."""
    return " ".join(repr(float(v)) for v in np.asarray(values, dtype=np.float64).ravel())
