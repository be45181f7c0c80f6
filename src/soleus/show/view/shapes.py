"""Geoms of a MuJoCo model as triangles, for what does not know MuJoCo."""

import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Triangles = tuple[Floats, NDArray[np.int_]]
"""Vertices (V, 3) in the geom's frame [m], faces (F, 3)"""

_KIND = mujoco.mjtGeom
_ROUND = 16  # sections


def triangles(model: mujoco.MjModel, geom: int) -> Triangles | None:
    """Return the triangles of a geom; None for planes, height fields and whatever else has no end."""
    import trimesh.creation as make

    kind, size = int(model.geom_type[geom]), model.geom_size[geom]
    if kind == _KIND.mjGEOM_MESH:
        return _mesh(model, int(model.geom_dataid[geom]))
    if kind == _KIND.mjGEOM_BOX:
        made = make.box(2 * size)
    elif kind == _KIND.mjGEOM_CAPSULE:
        made = make.capsule(2 * size[1], size[0], count=[_ROUND, _ROUND])
        made.apply_translation([0, 0, -made.bounds.mean(0)[2]])
    elif kind == _KIND.mjGEOM_CYLINDER:
        made = make.cylinder(size[0], 2 * size[1], sections=_ROUND)
    elif kind in (_KIND.mjGEOM_SPHERE, _KIND.mjGEOM_ELLIPSOID):
        made = make.icosphere(subdivisions=2)
        made.apply_scale(size if kind == _KIND.mjGEOM_ELLIPSOID else [size[0]] * 3)
    else:
        return None
    return np.asarray(made.vertices, np.float64), np.asarray(made.faces, np.int_)


def _mesh(model: mujoco.MjModel, mesh: int) -> Triangles:
    first, count = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
    face, faces = int(model.mesh_faceadr[mesh]), int(model.mesh_facenum[mesh])
    return model.mesh_vert[first : first + count].astype(np.float64), model.mesh_face[face : face + faces].astype(int)


def colour_of(model: mujoco.MjModel, geom: int) -> tuple[tuple[int, int, int], float]:
    """Return red, green and blue of 255, and opacity."""
    material = int(model.geom_matid[geom])
    plain = np.allclose(model.geom_rgba[geom], [0.5, 0.5, 0.5, 1.0])  # what MuJoCo gives a geom that says nothing
    rgba = model.mat_rgba[material] if material >= 0 and plain else model.geom_rgba[geom]
    red, green, blue = (round(255 * float(value)) for value in rgba[:3])
    return (red, green, blue), float(rgba[3])


def drawn_geoms(model: mujoco.MjModel) -> list[int]:
    """Geoms of bodies that are drawn: those of groups 0 to 2 that are not transparent."""
    return [
        geom
        for geom in range(model.ngeom)
        if model.geom_bodyid[geom] > 0 and model.geom_group[geom] <= 2 and colour_of(model, geom)[1] > 0
    ]
