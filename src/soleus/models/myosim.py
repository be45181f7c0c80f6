"""The models of the myo-sim package, cleaned for simulation on flat ground."""

import re
import warnings
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.gyration import MOST, limit_gyration

NAMES = ("myolegs", "myolegs26", "myofullbody")
YAW = -np.pi / 2
"""The models face -y at qpos0."""

_FEET = ("calcn_r", "toes_r", "calcn_l", "toes_l")
_GROUND_FRICTION = (1.0, 0.005, 0.0001)
_SOLE_RADIUS = 0.02  # [m], that of the foot capsules in myolegs
_HANGS = np.deg2rad(20)  # how far an arm of who walks is from its trunk
_SOLE_TISSUE = 0.01  # [m] of skin and fat under the bones, as in myolegs


def load_spec(name: str) -> Any:
    """A mujoco.MjSpec of the model, on the plane z = 0 that only its feet touch.

    The pedestal, the pairs for self-collision, the sensors and the keyframes of myo-sim's scenes are left out, and so
    are the sites that no muscle runs through. Bodies have inertias that their masses can have, and arms that hang are
    free to swing.
    """
    import myo_sim  # slow to import, and walk2d does without

    handler = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda message: None)
    try:
        with warnings.catch_warnings():
            # "Attaching a spec with an empty prefix may prevent ... being saved": that is how myo-sim composes.
            warnings.simplefilter("ignore")
            spec = myo_sim.load_spec(name)
            for element in [*spec.pairs, *spec.keys, *spec.sensors]:
                spec.delete(element)
            _flatten_ground(spec)
            _only_feet_collide(spec)
            _drop_unused_sites(spec)
            limit_gyration(spec, MOST)
            _let_arms_swing(spec)
    finally:
        mujoco.set_mju_user_warning(handler)
    return spec


def _let_arms_swing(spec: Any) -> None:
    """Damp the plane in which an arm is raised by what damps the arm's own turning.

    As the plane turns by an angle, shoulder1_r2 turns back by as much, and an arm raised by e turns by 2 sin(e / 2) of
    it: with a damping c of the arm's turning, c (2 sin(e / 2))^2 is the plane's. The file has c twice, on both joints,
    which would brake an arm that hangs and swings by 12 N m.
    """
    share = (2 * np.sin(_HANGS / 2)) ** 2 / 2
    for joint in spec.joints:
        if re.fullmatch(r"(elv_angle|shoulder1_r2)_[rl]", joint.name):
            joint.damping = share * np.array(joint.damping)


def _flatten_ground(spec: Any) -> None:
    for geom in list(spec.worldbody.geoms):
        if geom.name != "floor":
            spec.delete(geom)
    floor = spec.geom("floor")
    floor.pos = [0.0, 0.0, 0.0]
    floor.size = [0.0, 0.0, 1.0]
    floor.friction = _GROUND_FRICTION
    floor.contype, floor.conaffinity = 0, 1


def _drop_unused_sites(spec: Any) -> None:
    """Of the 1060 sites of myolegs its muscles touch a third; the others would cost each step their poses."""
    model = spec.copy().compile()
    through = model.wrap_objid[model.wrap_type == mujoco.mjtWrap.mjWRAP_SITE]
    round_a_geom = np.isin(model.wrap_type, (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER))
    beside = model.wrap_prm[round_a_geom].astype(int)  # the site that says on which side of the geom; -1: none
    used = {model.site(site).name for site in (*through, *beside[beside >= 0])}
    for site in list(spec.sites):
        if site.name not in used:
            spec.delete(site)


def _only_feet_collide(spec: Any) -> None:
    """Feet against the floor: capsules only. The ellipsoid in a myolegs foot never reaches below its capsules."""
    soles = {name: _sole_capsules(spec, name) for name in _FEET}
    for geom in spec.geoms:
        if geom.name == "floor":
            continue
        foot = geom.parent.name in _FEET and geom.type == mujoco.mjtGeom.mjGEOM_CAPSULE
        geom.contype, geom.conaffinity = int(foot and geom.contype != 0), 0
    for name, capsules in soles.items():
        for fromto in capsules:
            spec.body(name).add_geom(
                type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=fromto, size=[_SOLE_RADIUS, 0, 0], contype=1, conaffinity=0,
                friction=_GROUND_FRICTION, mass=0, group=4,
            )  # fmt: skip


def _sole_capsules(spec: Any, name: str) -> list[NDArray[np.float64]]:
    """Ends (6,) of two capsules along the sole, in the body's frame (x forward, y up), for a foot of meshes alone.

    They span the bones' extents and reach below them by the soft tissue. Empty where the foot has primitives.
    """
    body = spec.body(name)
    if any(g.type == mujoco.mjtGeom.mjGEOM_CAPSULE and g.contype for g in body.geoms):
        return []
    model = spec.copy().compile()
    low, high = _mesh_extents(model, model.body(name).id)
    height = low[1] - _SOLE_TISSUE + _SOLE_RADIUS
    return [
        np.array([low[0] + _SOLE_RADIUS, height, side, high[0] - _SOLE_RADIUS, height, side])
        for side in (low[2] + _SOLE_RADIUS, high[2] - _SOLE_RADIUS)
    ]


def _mesh_extents(model: mujoco.MjModel, body: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest corner (3,) of a body's meshes, in its frame."""
    points = []
    for g in np.flatnonzero((model.geom_bodyid == body) & (model.geom_type == mujoco.mjtGeom.mjGEOM_MESH)):
        mesh = model.geom_dataid[g]
        start = model.mesh_vertadr[mesh]
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, model.geom_quat[g])
        vertices = model.mesh_vert[start : start + model.mesh_vertnum[mesh]]
        points.append(vertices @ matrix.reshape(3, 3).T + model.geom_pos[g])
    cloud = np.concatenate(points)
    return cloud.min(axis=0), cloud.max(axis=0)
