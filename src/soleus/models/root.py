"""The floating root of a model: which body it is, its dofs and how it faces."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError


@dataclass(frozen=True, eq=False)
class Root:
    """The floating body."""

    body: int
    free: bool
    """A free joint; otherwise slides and hinges."""
    dofs: NDArray[np.int32]
    align: NDArray[np.float64]
    """(4,) quaternion from the body's frame to the canonical one: x forward, y left, z up."""


def find_root(model: mujoco.MjModel, yaw: float) -> Root:
    """The first body with a free joint, or else with slides to the world. yaw [rad]: where the model faces at qpos0.

    Raises UserError where nothing floats.
    """
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    bodies = [int(model.jnt_bodyid[j]) for j in range(model.njnt) if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_FREE]
    bodies += [
        int(model.jnt_bodyid[j])
        for j in range(model.njnt)
        if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_SLIDE and model.body_parentid[model.jnt_bodyid[j]] == 0
    ]
    if not bodies:
        raise UserError(
            "the model has no floating body: expected a free joint, or slide joints between the world and a pelvis"
        )
    body = bodies[0]
    dofs = np.arange(model.body_dofadr[body], model.body_dofadr[body] + model.body_dofnum[body], dtype=np.int32)
    free = bool(model.jnt_type[model.body_jntadr[body]] == mujoco.mjtJoint.mjJNT_FREE)
    return Root(body, free, dofs, multiply(conjugate(data.xquat[body]), about_z(yaw)))


def root_axes(root: Root) -> NDArray[np.float64]:
    """(6, 3) axes of a free joint's dofs, standing in the canonical frame: world shifts, then body rotations."""
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, conjugate(root.align))
    return np.vstack([np.eye(3), matrix.reshape(3, 3).T])


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
