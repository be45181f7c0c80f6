"""Which way a model faces: where its toes point, and away from where its knees bend its shanks."""

import re

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.ground import contact_geoms

_KNEE = re.compile(r"knee", re.IGNORECASE)
_ROUND, _NEAR = np.deg2rad(15), np.deg2rad(3)  # models face along a round angle, with feet that are not quite alike
_SHORTEST = 0.02  # [m] feet that reach no farther ahead of the ankle say nothing
_BENT = np.deg2rad(60)


def find_yaw(model: mujoco.MjModel, feet: tuple[NDArray[np.int32], NDArray[np.int32]]) -> float:
    """Return where a model faces at qpos0 [rad]: 0 is +x, a quarter turn +y.

    feet: bodies of the right and of the left foot. Where neither toes nor knees say it, as of a model that lies at
    qpos0, it is 0.
    """
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    ahead = np.zeros(2)
    for foot in feet:
        ahead += _level(_toes(model, data, foot)) + _level(-_bending(model, data, foot))
    if np.linalg.norm(ahead) < 1e-6:
        return 0.0
    found = np.arctan2(ahead[1], ahead[0])
    rounded = np.round(found / _ROUND) * _ROUND
    return float(rounded if abs(found - rounded) < _NEAR else found)


def _toes(model: mujoco.MjModel, data: mujoco.MjData, foot: NDArray[np.int32]) -> NDArray[np.float64]:
    """(3,) from the ankle, the joint that carries the foot, to the middle of what can touch the ground [m]."""
    body = int(foot[0])
    while model.body_jntnum[body] == 0 and model.body_parentid[body] > 0:
        body = int(model.body_parentid[body])
    ahead: NDArray[np.float64] = data.geom_xpos[contact_geoms(model, foot)].mean(axis=0) - data.xpos[body]
    return ahead


def _bending(model: mujoco.MjModel, data: mujoco.MjData, foot: NDArray[np.int32]) -> NDArray[np.float64]:
    """(3,) where a foot goes as the knee above it bends within its range [m]; 0 where no hinge is named as a knee."""
    body, knee = int(foot[0]), -1
    while body > 0 and knee < 0:
        joints = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
        knee = next((j for j in joints if _is_knee(model, j)), -1)
        body = int(model.body_parentid[body])
    if knee < 0 or not model.jnt_limited[knee]:
        return np.zeros(3)
    bent = mujoco.MjData(model)
    low, high = model.jnt_range[knee]
    bent.qpos[model.jnt_qposadr[knee]] += float(np.clip(high if high > -low else low, -_BENT, _BENT))
    mujoco.mj_kinematics(model, bent)
    moved: NDArray[np.float64] = bent.xpos[foot[0]] - data.xpos[foot[0]]
    return moved


def _is_knee(model: mujoco.MjModel, joint: int) -> bool:
    hinge = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE
    return bool(hinge and _KNEE.search(model.joint(joint).name))


def _level(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) the level direction of a vector, of unit length; 0 where it is short or points up or down."""
    length = float(np.linalg.norm(vector[:2]))
    if length < _SHORTEST or abs(vector[2]) > 4 * length:
        return np.zeros(2)
    level: NDArray[np.float64] = vector[:2] / length
    return level
