"""The left-right mirror of a human's coordinates.

The mirror M = diag(1, -1, 1) of the canonical frame (y left) turns a rotation by q round the axis a into one by q round
-M a, because axes of rotation are axial vectors, and a shift along a into one along M a.
"""

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.sides import partners

_MIRROR = np.array([1.0, -1.0, 1.0])


def mirror_coordinates(
    model: mujoco.MjModel,
    qpos_rest: NDArray[np.float64],
    coordinate_dof: NDArray[np.int32],
    names: Sequence[str],
    root_axes: NDArray[np.float64],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Permutation (nc,) and signs (nc,): q_mirrored[c] = sign[c] * q[permutation[c]].

    Signs compare the joint axes in the rest pose, which stands in the canonical frame. root_axes (6, 3): axes of the
    dofs of a free root.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = qpos_rest
    mujoco.mj_kinematics(model, data)
    permutation = np.array(partners(names), dtype=np.int32)
    sign = np.ones(len(names))
    for c, other in enumerate(permutation):
        axis, hinge = _axis(model, data, int(coordinate_dof[c]), root_axes)
        source, _ = _axis(model, data, int(coordinate_dof[other]), root_axes)
        image = -_MIRROR * source if hinge else _MIRROR * source
        sign[c] = 1.0 if axis @ image > 0 else -1.0
    return permutation, sign


def _axis(
    model: mujoco.MjModel, data: mujoco.MjData, dof: int, root_axes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """World axis of a dof, and whether it turns rather than shifts."""
    joint = model.dof_jntid[dof]
    within = dof - model.jnt_dofadr[joint]
    if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE:
        return root_axes[within], within >= 3
    if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_BALL:
        return data.xmat[model.jnt_bodyid[joint]].reshape(3, 3)[:, within].copy(), True
    return data.xaxis[joint].copy(), bool(model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE)
