"""A stride as columns over its phase, each a number without jumps: what a network can learn, and poses again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.motions.posing import root_slots
from soleus.motions.rotations import about_z, conjugate, exp, log, multiply, rotated

Floats = NDArray[np.float64]
Kind = Literal["hinge", "slide", "ball", "root", "height", "velocity", "force"]

UNITS: dict[Kind, tuple[str, float]] = {
    "hinge": ("degree", 180 / np.pi),
    "ball": ("degree", 180 / np.pi),
    "root": ("degree", 180 / np.pi),
    "slide": ("mm", 1000.0),
    "height": ("mm", 1000.0),
    "velocity": ("m/s", 1.0),
    "force": ("% of body weight", 100.0),
}
"""Unit that a column is told in, and how many of them its own unit is: radians, metres, m/s or body weights."""
JOINTS: tuple[Kind, ...] = ("hinge", "ball")
"""Kinds of columns that joints have which turn"""
_JOINT = mujoco.mjtJoint
_FEET = ("right", "left")


@dataclass(frozen=True)
class Column:
    """One number of a stride."""

    name: str
    kind: Kind
    joint: str
    """What it is part of: three columns are a ball, three the turn of a free root"""
    adr: int
    """In qpos: its own, or that of a quaternion; -1 of velocities and forces"""
    axis: int = 0
    """0, 1 or 2 of a rotation vector, of a velocity or of a force"""


def columns_of(human: Human) -> tuple[Column, ...]:
    """Return the columns of a model: its root, its joints that follow no other, and the forces of the ground.

    Balls and a free root are rotation vectors: those of balls from their rest, that of the root, x forward, y left and
    z up, from where the stride leads. A pelvis half a turn away from there would make them jump, which no walk does.
    """
    slots, model = root_slots(human), human.model
    found = [Column(f"velocity_{'xy'[k]}", "velocity", f"velocity_{'xy'[k]}", -1, k)
             for k in (0, 1) if slots.shift[k] >= 0]  # fmt: skip
    if slots.shift[2] >= 0:
        found.append(Column("height", "height", "height", slots.shift[2]))
    if slots.quaternion >= 0:
        found += [Column(f"root_{'xyz'[k]}", "root", "root", slots.quaternion, k) for k in range(3)]
    for joint in range(model.njnt):
        kind, adr = _JOINT(model.jnt_type[joint]), int(model.jnt_qposadr[joint])
        own = np.isin(model.jnt_bodyid[joint], human.own_bodies) and not human.dof_coupled[model.jnt_dofadr[joint]]
        if not own or kind == _JOINT.mjJNT_FREE or adr in slots.shift:
            continue
        name = model.joint(joint).name or f"joint{joint}"
        if kind == _JOINT.mjJNT_BALL:
            found += [Column(f"{name}_{'xyz'[k]}", "ball", name, adr, k) for k in range(3)]
        else:
            found.append(Column(name, "hinge" if kind == _JOINT.mjJNT_HINGE else "slide", name, adr))
    ways = (("vertical", 2), ("fore_aft", 0), ("sideways", 1))[: 2 if slots.quaternion < 0 else 3]
    for foot in _FEET:
        found += [Column(f"force_{foot}_{way}", "force", f"force_{foot}_{way}", -1, axis) for way, axis in ways]
    return tuple(found)


def read_poses(
    columns: Sequence[Column], human: Human, qpos: Floats, velocity: Floats, heading: float, force: Floats | None
) -> Floats:
    """Return columns (T, C) of poses (T, nq).

    velocity: (T, 2) [m/s] of the root, world. heading: [rad] where the stride leads, from x to the left. force: (T, 2,
    3) of the ground on both feet, world [body weights]; None: columns of forces are 0.
    """
    turned = about_z(-heading)
    ahead = rotated(turned, np.column_stack([velocity, np.zeros(len(qpos))]))
    ground = None if force is None else rotated(turned, force)
    result = np.zeros((len(qpos), len(columns)))
    vectors: dict[int, Floats] = {}
    for k, column in enumerate(columns):
        if column.kind == "velocity":
            result[:, k] = ahead[:, column.axis]
        elif column.kind == "force":
            side = _FEET.index(column.name.split("_")[1])
            result[:, k] = 0.0 if ground is None else ground[:, side, column.axis]
        elif column.kind in ("ball", "root"):
            if column.adr not in vectors:
                q = qpos[:, column.adr : column.adr + 4]
                root = column.kind == "root"
                vectors[column.adr] = log(
                    multiply(multiply(turned, q), human.root_align)
                    if root
                    else multiply(conjugate(human.qpos_rest[column.adr : column.adr + 4]), q)
                )
            result[:, k] = vectors[column.adr][:, column.axis]
        else:
            result[:, k] = qpos[:, column.adr]
    return result


def write_poses(columns: Sequence[Column], human: Human, values: Floats, place: Floats) -> Floats:
    """Return the poses (T, nq) of columns (T, C), heading along x; place (T, 2): of the root along the ground [m]."""
    slots = root_slots(human)
    qpos = np.tile(human.qpos_rest, (len(values), 1))
    for axis in (0, 1):
        if slots.shift[axis] >= 0:
            qpos[:, slots.shift[axis]] = place[:, axis]
    for k, column in enumerate(columns):
        if column.kind in ("hinge", "slide", "height"):
            qpos[:, column.adr] = values[:, k]
        elif column.kind in ("ball", "root") and column.axis == 0:
            turn, at = exp(values[:, k : k + 3]), slice(column.adr, column.adr + 4)
            root = column.kind == "root"
            qpos[:, at] = multiply(turn, conjugate(human.root_align)) if root else multiply(human.qpos_rest[at], turn)
    return human.consistent(qpos)
