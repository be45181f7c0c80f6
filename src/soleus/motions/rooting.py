"""Where a pelvis is and how it is turned, as a model's root has it: a free joint, or slides and hinges."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.motions.posing import root_slots
from soleus.motions.rotations import about_z, conjugate, log, multiply, rotated

Floats = NDArray[np.float64]

_TRIES = 30
_EXACT = 1e-12  # of a step [rad] and [m]
_RIDGE = 1e-9  # keeps slides and hinges where they are that nothing tells of


def facing_x(places: Floats, turns: Floats) -> tuple[Floats, Floats]:
    """Turn poses of a pelvis (K, 3) [m] and (K, 4) about the vertical, so that it faces along x on average."""
    ahead = rotated(turns, np.array([1.0, 0.0, 0.0])).mean(axis=0)
    straighten = about_z(-float(np.arctan2(ahead[1], ahead[0])))
    return rotated(straighten, places), multiply(straighten, turns)


def set_root(qpos: Floats, human: Human, places: Floats, turns: Floats) -> None:
    """Put the root of poses (K, nq) at places (K, 3) [m] and turns (K, 4), the canonical frame in the world's; in
    place. What slides and hinges cannot follow is left out, by least squares.
    """
    slots, unalign = root_slots(human), conjugate(human.root_align)
    wanted = multiply(turns, unalign)
    if slots.quaternion >= 0:
        qpos[:, list(slots.shift)] = places
        qpos[:, slots.quaternion : slots.quaternion + 4] = wanted
        return
    model, data, body = human.model, mujoco.MjData(human.model), human.root_body
    first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
    joints, at = range(first, first + count), model.jnt_qposadr[first : first + count]
    slides = np.array([model.jnt_type[j] == mujoco.mjtJoint.mjJNT_SLIDE for j in joints])
    value = human.qpos_rest[at].copy()
    for k in range(len(qpos)):
        for _ in range(_TRIES):
            data.qpos[:], data.qpos[at] = human.qpos_rest, value
            mujoco.mj_kinematics(model, data)
            axes, arms = data.xaxis[joints], data.xpos[body] - data.xanchor[joints]
            jacobian = np.vstack(
                [np.where(slides[:, None], axes, np.cross(axes, arms)).T, np.where(slides[:, None], 0.0, axes).T]
            )
            off = np.append(
                places[k] - data.xpos[body], log(multiply(wanted[k], conjugate(np.array(data.xquat[body]))))
            )
            step = np.linalg.solve(jacobian.T @ jacobian + _RIDGE * np.eye(count), jacobian.T @ off)
            value += step
            if np.abs(step).max() < _EXACT:
                break
        qpos[k, at] = value
