"""The floating root of a model: which body it is, its dofs and how it faces."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Root:
    """The floating body."""

    body: int
    free: bool
    """A free joint; otherwise slides and hinges."""
    dofs: NDArray[np.int32]
    align: NDArray[np.float64]
    """(4,) quaternion from the body's frame to the canonical one: x forward, y left, z up."""


def floating(model: mujoco.MjModel) -> list[int]:
    """Bodies with a free joint, then those with slides between them and the world, in the model's order."""
    kinds = [(int(model.jnt_bodyid[j]), model.jnt_type[j]) for j in range(model.njnt)]
    free = [body for body, kind in kinds if kind == mujoco.mjtJoint.mjJNT_FREE]
    slides = [
        body
        for body, kind in kinds
        if kind == mujoco.mjtJoint.mjJNT_SLIDE and model.body_weldid[model.body_parentid[body]] == 0
    ]
    return list(dict.fromkeys(free + slides))


def root_of(model: mujoco.MjModel, body: int, yaw: float) -> Root:
    """Return a floating body as a root. yaw [rad]: where the model faces at qpos0."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    dofs = np.arange(model.body_dofadr[body], model.body_dofadr[body] + model.body_dofnum[body], dtype=np.int32)
    free = bool(model.jnt_type[model.body_jntadr[body]] == mujoco.mjtJoint.mjJNT_FREE)
    return Root(body, free, dofs, multiply(conjugate(data.xquat[body]), about_z(yaw)))


def root_axes(root: Root) -> NDArray[np.float64]:
    """(6, 3) axes of a free joint's dofs, standing in the canonical frame: world shifts, then body rotations."""
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, conjugate(root.align))
    return np.vstack([np.eye(3), matrix.reshape(3, 3).T])


def standing_axes(model: mujoco.MjModel) -> NDArray[np.float64]:
    """(njnt, 3) axes of the joints in the world at qpos0."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return np.array(data.xaxis, dtype=np.float64)


def about_z(angle: float) -> NDArray[np.float64]:
    """Quaternion of a turn about z [rad]."""
    return np.array([np.cos(angle / 2), 0.0, 0.0, np.sin(angle / 2)])


def multiply(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quaternion product."""
    result = np.zeros(4)
    mujoco.mju_mulQuat(result, a, b)
    return result


def conjugate(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of a unit quaternion."""
    return np.array([q[0], -q[1], -q[2], -q[3]])
