"""How low a body reaches: the support of its contact geoms towards the ground z = 0."""

import mujoco
import numpy as np
from numpy.typing import NDArray

_GEOM = mujoco.mjtGeom


def contact_geoms(model: mujoco.MjModel, bodies: NDArray[np.int32]) -> NDArray[np.int32]:
    """Geoms of the bodies that can collide."""
    colliding = (model.geom_contype | model.geom_conaffinity) != 0
    return np.flatnonzero(np.isin(model.geom_bodyid, bodies) & colliding).astype(np.int32)


def lowest(model: mujoco.MjModel, data: mujoco.MjData, geoms: NDArray[np.int32]) -> float:
    """Height of the lowest point of the geoms [m]; data has its kinematics done."""
    return min(float(data.geom_xpos[g, 2]) - _reach_down(model, data, int(g)) for g in geoms)


def _reach_down(model: mujoco.MjModel, data: mujoco.MjData, geom: int) -> float:
    """Distance from a geom's centre down to its lowest point [m]."""
    size = model.geom_size[geom]
    row = data.geom_xmat[geom, 6:9]  # world z in the geom's frame
    kind = model.geom_type[geom]
    if kind == _GEOM.mjGEOM_SPHERE:
        return float(size[0])
    if kind == _GEOM.mjGEOM_CAPSULE:
        return float(size[0] + abs(row[2]) * size[1])
    if kind == _GEOM.mjGEOM_ELLIPSOID:
        return float(np.linalg.norm(row * size))
    if kind == _GEOM.mjGEOM_CYLINDER:
        return float(np.hypot(row[0], row[1]) * size[0] + abs(row[2]) * size[1])
    if kind == _GEOM.mjGEOM_MESH:
        mesh = model.geom_dataid[geom]
        start = model.mesh_vertadr[mesh]
        vertices = model.mesh_vert[start : start + model.mesh_vertnum[mesh]]
        return float(np.max(-vertices @ row))
    return float(np.abs(row) @ size)
