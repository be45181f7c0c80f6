"""Floating bodies that a weld or a connection ties to the person: an exoskeleton, a rucksack, what a hand holds.

An episode starts with them where the person is, as they lie to the body that they are tied to in qpos0.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.root import conjugate, multiply

_TIES = (int(mujoco.mjtEq.mjEQ_WELD), int(mujoco.mjtEq.mjEQ_CONNECT))


@dataclass(frozen=True, eq=False)
class Ties:
    """nt floating bodies that are not the person's."""

    body: NDArray[np.int32]
    """(nt,)"""
    to: NDArray[np.int32]
    """(nt,) the person's body that each is tied to"""
    pose: NDArray[np.float64]
    """(nt, 7) place [m] and quaternion in the frame of that body"""


def find_ties(model: mujoco.MjModel, owns: NDArray[np.bool_]) -> Ties:
    """Return the free bodies, none of which is in owns (nbody,), that active equalities tie to one that is."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    found: dict[int, int] = {}
    for eq in range(model.neq):
        if int(model.eq_type[eq]) not in _TIES or not model.eq_active0[eq]:
            continue
        ends = [int(model.eq_obj1id[eq]), int(model.eq_obj2id[eq])]
        if int(model.eq_objtype[eq]) == mujoco.mjtObj.mjOBJ_SITE:
            ends = [int(model.site_bodyid[site]) for site in ends]
        for own, other in (ends, ends[::-1]):
            body = int(model.body_rootid[other])
            joint = int(model.body_jntadr[body])
            free = joint >= 0 and model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE
            if owns[own] and not owns[other] and free:
                found.setdefault(body, own)
    poses = [_pose(data, body, to) for body, to in found.items()]
    return Ties(
        np.array(list(found), dtype=np.int32),
        np.array(list(found.values()), dtype=np.int32),
        np.array(poses, dtype=np.float64).reshape(-1, 7),
    )


def _pose(data: mujoco.MjData, body: int, to: int) -> NDArray[np.float64]:
    place = (data.xpos[body] - data.xpos[to]) @ data.xmat[to].reshape(3, 3)
    return np.concatenate([place, multiply(conjugate(data.xquat[to]), data.xquat[body])])
