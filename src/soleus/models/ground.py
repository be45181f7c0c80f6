"""How far a body's contact geoms reach: the support function, above all downwards to the ground z = 0."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human

_GEOM = mujoco.mjtGeom
_DOWN = np.array([0.0, 0.0, -1.0])


def contact_geoms(model: mujoco.MjModel, bodies: NDArray[np.int32]) -> NDArray[np.int32]:
    """Geoms of the bodies that can collide."""
    colliding = (model.geom_contype | model.geom_conaffinity) != 0
    return np.flatnonzero(np.isin(model.geom_bodyid, bodies) & colliding).astype(np.int32)


def lowest(model: mujoco.MjModel, data: mujoco.MjData, geoms: NDArray[np.int32]) -> float:
    """Height of the lowest point of the geoms [m]; data has its kinematics done."""
    return -reach(model, data, geoms, _DOWN)


def lowest_of_each(model: mujoco.MjModel, data: mujoco.MjData, geoms: NDArray[np.int32]) -> NDArray[np.float64]:
    """Height of the lowest point of each geom [m], (number of geoms,)."""
    kinds, sizes = model.geom_type[geoms], model.geom_size[geoms]
    upright = data.geom_xmat[geoms].reshape(-1, 3, 3)[:, 2]  # (n, 3) the vertical in each geom's axes
    down = np.zeros(len(geoms))
    simple = (kinds == _GEOM.mjGEOM_SPHERE) | (kinds == _GEOM.mjGEOM_CAPSULE)
    halves = np.where(kinds == _GEOM.mjGEOM_CAPSULE, sizes[:, 1], 0.0)
    down[simple] = (sizes[:, 0] + np.abs(upright[:, 2]) * halves)[simple]
    for k in np.flatnonzero(~simple):
        down[k] = _support(model, data, int(geoms[k]), _DOWN)
    height: NDArray[np.float64] = data.geom_xpos[geoms, 2] - down
    return height


def reach(
    model: mujoco.MjModel, data: mujoco.MjData, geoms: NDArray[np.int32], direction: NDArray[np.float64]
) -> float:
    """The greatest x . direction over all points x of the geoms [m]; direction (3,) is a unit vector of the world."""
    return max(float(data.geom_xpos[g] @ direction) + _support(model, data, int(g), direction) for g in geoms)


def _support(model: mujoco.MjModel, data: mujoco.MjData, geom: int, direction: NDArray[np.float64]) -> float:
    """Distance from a geom's centre to its farthest point along a direction [m]."""
    size = model.geom_size[geom]
    local = direction @ data.geom_xmat[geom].reshape(3, 3)
    kind = model.geom_type[geom]
    if kind == _GEOM.mjGEOM_SPHERE:
        return float(size[0])
    if kind == _GEOM.mjGEOM_CAPSULE:
        return float(size[0] + abs(local[2]) * size[1])
    if kind == _GEOM.mjGEOM_ELLIPSOID:
        return float(np.linalg.norm(local * size))
    if kind == _GEOM.mjGEOM_CYLINDER:
        return float(np.hypot(local[0], local[1]) * size[0] + abs(local[2]) * size[1])
    if kind == _GEOM.mjGEOM_MESH:
        mesh = model.geom_dataid[geom]
        start = model.mesh_vertadr[mesh]
        return float(np.max(model.mesh_vert[start : start + model.mesh_vertnum[mesh]] @ local))
    return float(np.abs(local) @ size)


def foot_heights(human: Human, qpos: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height (K, 2) [m] of the lowest point of the right and of the left foot in poses (K, nq)."""
    model, data = human.model, mujoco.MjData(human.model)
    geoms = [contact_geoms(model, foot) for foot in human.feet]
    heights = np.zeros((len(qpos), 2))
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        heights[k] = [lowest(model, data, own) for own in geoms]
    return heights
