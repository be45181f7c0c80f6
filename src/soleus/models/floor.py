"""The ground: what the feet come to stand on, be it a plane, a height field, a mesh, a box or a belt that moves."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.ground import lowest

_GEOM = mujoco.mjtGeom
_DOWN = np.array([0.0, 0.0, -1.0])
_ABOVE = 0.5  # [m] above the feet's lowest point, or the root where that is higher, from where the ground is looked for
_LEVEL = 1e-9  # [m]


def check_contacts(model: mujoco.MjModel) -> None:
    """Raise UserError where a model switches all contacts off."""
    flags = (("contact", mujoco.mjtDisableBit.mjDSBL_CONTACT), ("constraint", mujoco.mjtDisableBit.mjDSBL_CONSTRAINT))
    for name, bit in flags:
        if model.opt.disableflags & bit:
            raise UserError(
                f'expected contacts with the ground, but the model has <option><flag {name}="disable"/>: enable them'
            )


def ground_height(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    soles: NDArray[np.int32],
    owns: NDArray[np.bool_],
    above: float,
) -> float:
    """Height [m] of the ground under a person, whose kinematics in data are done: the highest under the soles.

    soles: geoms that can collide; owns (nbody,): the person's bodies; above: height [m] of the person's root. Raises
    UserError where nothing is below the feet, or what is there does not collide with them.
    """
    found, missed = _below(model, data, soles, owns, above)
    if found is not None:
        return found
    if missed:
        _, sole, geom = max(missed)
        foot, floor = _name(model, sole), _name(model, geom)
        raise UserError(
            f"expected ground that the feet touch, but {foot} and {floor} below it do not collide: change contype and"
            " conaffinity, or take away what excludes the pair"
        )
    raise UserError(
        "expected ground below the feet, got none: add one, such as <geom type='plane' size='0 0 1'/> in <worldbody>"
    )


def ground_below(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    soles: NDArray[np.int32],
    owns: NDArray[np.bool_],
    above: float,
) -> float | None:
    """Height [m] of the ground as in ground_height; None where the feet are beyond its edge."""
    return _below(model, data, soles, owns, above)[0]


def _below(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    soles: NDArray[np.int32],
    owns: NDArray[np.bool_],
    above: float,
) -> tuple[float | None, list[tuple[float, int, int]]]:
    """Height of the ground, None without any; and height, sole and geom of what is below but does not collide."""
    top = max(above, lowest(model, data, soles) + _ABOVE)
    others = [g for g in range(model.ngeom) if not owns[model.geom_bodyid[g]]]
    fixed, loose, missed = list[float](), list[float](), list[tuple[float, int, int]]()
    for sole in map(int, soles):
        start = np.array([*data.geom_xpos[sole, :2], top])
        for geom in others:
            distance = _distance(model, data, geom, start)
            if distance < 0:
                continue
            if collide(model, sole, geom):
                (loose if _floats(model, geom) else fixed).append(top - distance)
            else:
                missed.append((top - distance, sole, geom))
    if not fixed and not loose:
        return None, missed
    height = max(fixed or loose)  # a ball that lies at the feet is no floor where there is one
    return height if abs(height) > _LEVEL else 0.0, missed


def collide(model: mujoco.MjModel, one: int, other: int) -> bool:
    """Whether MuJoCo lets two geoms of different trees touch."""
    bodies = sorted((int(model.geom_bodyid[one]), int(model.geom_bodyid[other])))
    for k in range(model.npair):
        if {int(model.pair_geom1[k]), int(model.pair_geom2[k])} == {one, other}:
            return True
    if (bodies[0] << 16) + bodies[1] in model.exclude_signature:
        return False
    first = model.geom_contype[one] & model.geom_conaffinity[other]
    return bool(first | (model.geom_contype[other] & model.geom_conaffinity[one]))


def _distance(model: mujoco.MjModel, data: mujoco.MjData, geom: int, start: NDArray[np.float64]) -> float:
    """From a point straight down to a geom [m]; -1 where it is not below."""
    kind = int(model.geom_type[geom])
    if kind == _GEOM.mjGEOM_MESH:
        return float(mujoco.mj_rayMesh(model, data, geom, start, _DOWN))
    if kind == _GEOM.mjGEOM_HFIELD:
        return float(mujoco.mj_rayHfield(model, data, geom, start, _DOWN))
    if kind == _GEOM.mjGEOM_SDF:
        return -1.0
    place, axes = data.geom_xpos[geom], data.geom_xmat[geom]
    # A plane is drawn as large as its size says, and has no end for what touches it.
    size = np.zeros(3) if kind == _GEOM.mjGEOM_PLANE else model.geom_size[geom]
    return float(mujoco.mju_rayGeom(place, axes, size, start, _DOWN, kind))


def _floats(model: mujoco.MjModel, geom: int) -> bool:
    joint = int(model.body_jntadr[model.body_rootid[model.geom_bodyid[geom]]])
    return joint >= 0 and bool(model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE)


def _name(model: mujoco.MjModel, geom: int) -> str:
    name = str(model.geom(geom).name)
    return f"geom '{name}'" if name else f"a geom of body '{model.body(model.geom_bodyid[geom]).name}'"
