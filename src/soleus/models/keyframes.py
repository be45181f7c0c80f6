"""Where a person starts: standing as the model stands at rest, or as one of its keyframes says."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.models.floor import ground_below
from soleus.models.ground import contact_geoms, lowest
from soleus.models.human import Human
from soleus.models.root import conjugate, multiply

Floats = NDArray[np.float64]

_UPRIGHT = 0.7  # cosine of the angle between up and the vertical
_RISE = 1.5
_BEYOND = 0.35  # [rad] that a joint of a keyframe may be out of its limits, which are soft
_FEET = (-0.15, 0.5)  # [m] of the lowest foot above the ground


@dataclass(frozen=True, eq=False)
class Start:
    """A pose to start from and to hold, with what is standing in it."""

    qpos: Floats
    """(nq,)"""
    qvel: Floats
    """(nv,)"""
    ctrl: Floats
    """(number of controls,) of actuators that no action moves"""
    root_height: float
    """[m] above the ground"""
    head_height: float
    root_align: Floats
    """(4,) as of a Human"""


def start_of(human: Human, key: str | None) -> Start:
    """Return the rest pose, or that of a keyframe, coupled joints consistent. Raises UserError for an unknown one."""
    model = human.model
    if key is None:
        ctrl = np.zeros(model.nu)
        return Start(human.qpos_rest, np.zeros(model.nv), ctrl, human.root_height, human.head_height, human.root_align)
    names = [str(model.key(k).name) for k in range(model.nkey)]
    if key not in names:
        named = [name for name in names if name]
        if names and not named:
            raise UserError(
                f"task.initial: expected a keyframe that has a name, got 'key:{key}', and '{human.name}' has"
                f' {len(names)} without: <key name="{key}" .../> gives it one'
            )
        has = f"of {', '.join(name or '(nameless)' for name in names)}" if names else f"but '{human.name}' has none"
        raise UserError(f"task.initial: expected a keyframe {has}; got 'key:{key}'{nearest(key, names)}")
    index = names.index(key)
    qpos, qvel = human.consistent(model.key_qpos[index]), np.array(model.key_qvel[index])
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, index)
    data.qpos[:] = qpos
    mujoco.mj_normalizeQuat(model, data.qpos)
    mujoco.mj_kinematics(model, data)
    heights = data.xpos[[human.root_body, human.head_body], 2] - human.ground_height
    if heights.min() <= 0:
        raise UserError(
            f"task.initial: expected a keyframe above the ground, got '{key}', whose pelvis or head is at"
            f" {heights.min():.3g} m"
        )
    _check_limits(human, key, data.qpos)
    _check_feet(human, key, data)
    pose = np.array(data.xquat[human.root_body])
    up = np.zeros(3)
    mujoco.mju_rotVecQuat(up, np.array([0.0, 0.0, 1.0]), multiply(pose, human.root_align))
    # A model may lie at qpos0 and stand in its keyframes alone: then it is there that it faces +x, upright.
    rises = up[2] < _UPRIGHT and heights[0] > _RISE * human.root_height
    align = conjugate(pose) if rises else human.root_align
    return Start(data.qpos.copy(), qvel, model.key_ctrl[index].copy(), float(heights[0]), float(heights[1]), align)


def _check_limits(human: Human, key: str, qpos: Floats) -> None:
    """Raise UserError for a hinge of the person that is far out of its limits."""
    model = human.model
    for coordinate, dof in enumerate(human.coordinate_dof):
        joint = int(model.dof_jntid[dof])
        if model.jnt_type[joint] != mujoco.mjtJoint.mjJNT_HINGE or not model.jnt_limited[joint]:
            continue
        low, high = (float(value) for value in model.jnt_range[joint])
        at = float(qpos[model.jnt_qposadr[joint]])
        if not low - _BEYOND <= at <= high + _BEYOND:
            raise UserError(
                f"task.initial: expected '{human.coordinate_names[coordinate]}' of keyframe '{key}' from {low:.4g} to"
                f" {high:.4g} rad, the joint's limits, got {at:.4g}"
            )


def _check_feet(human: Human, key: str, data: mujoco.MjData) -> None:
    """Raise UserError where a keyframe has both feet in the air, beyond the ground, or deep in it."""
    geoms = contact_geoms(human.model, np.concatenate(human.feet))
    height = lowest(human.model, data, geoms) - human.ground_height
    owns = np.isin(np.arange(human.model.nbody), human.own_bodies)
    place = data.xpos[human.root_body]
    if ground_below(human.model, data, geoms, owns, float(place[2])) is None:
        raise UserError(
            f"task.initial: expected ground below the feet in keyframe '{key}', got none where its pelvis is, at"
            f" {place[0]:.4g} and {place[1]:.4g} m along x and y: beyond the floor's edge"
        )
    if not _FEET[0] <= height <= _FEET[1]:
        raise UserError(
            f"task.initial: expected a keyframe that stands on the ground, got '{key}' with feet at {height:.3g} m"
        )
