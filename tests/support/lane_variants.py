"""Variants of a person: the same structure with other numbers, as people differ."""

import copy
from dataclasses import replace

import mujoco
import numpy as np

from soleus.models import Human
from soleus.models.coupling import Coupling


def _turn(quats: np.ndarray, which: np.ndarray, rng: np.random.Generator, most: float) -> None:
    """Turn some quaternions, (n, 4), by up to an angle about any axis [rad]."""
    for row in np.flatnonzero(which):
        turn, axis = np.empty(4), rng.normal(size=3)
        mujoco.mju_axisAngle2Quat(turn, axis / np.linalg.norm(axis), rng.uniform(-most, most))
        mujoco.mju_mulQuat(turn, quats[row].copy(), turn.copy())
        quats[row] = turn


def vary(human: Human, seed: int) -> Human:
    """A person whose masses, inertias, offsets, sizes, joints, contacts and muscles are all someone else's.

    Numbers go by factors of 0.8 to 1.25, turns by a few degrees. By the seed some are 0 that others have, or the other
    way round: damping, armature, friction and springs of joints, offsets of joints and bodies.
    """
    rng = np.random.default_rng(seed)
    m = copy.copy(human.model)

    def factors(*shape: int) -> np.ndarray:
        return np.exp(rng.uniform(np.log(0.8), np.log(1.25), shape))

    length, mass = factors(m.nbody), factors(m.nbody)
    m.body_pos *= length[:, None]
    m.body_ipos *= length[:, None]
    m.body_mass *= mass
    m.body_inertia *= (mass * length**2)[:, None]
    if seed % 4 != 3:
        _turn(m.body_quat, (m.body_weldid != 0) & (np.arange(m.nbody) != human.root_body), rng, 0.05)
    _turn(m.body_iquat, np.ones(m.nbody, bool), rng, 0.1)
    _vary_joints(m, human.root_body, rng, seed, factors, length)
    _vary_geoms(m, rng, factors, length)
    m.site_pos *= length[m.site_bodyid][:, None] * factors(m.nsite, 1)
    _put_side_sites(m, human.model, within=seed % 4 == 2)
    _vary_actuators(m, factors)
    mujoco.mj_setConst(m, mujoco.MjData(m))
    na = len(human.actuated)
    made = replace(
        human,
        model=m,
        dof_polynomial=human.dof_polynomial * factors(m.nv, 1),
        coupling=_vary_coupling(human.coupling, rng),
        kp=human.kp * factors(na),
        kd=human.kd * factors(na),
        torque_limit=human.torque_limit * factors(na),
        root_kp=human.root_kp * factors(1)[0],
        root_kd=human.root_kd * factors(1)[0],
    )
    if len(human.lower):
        made = replace(
            made, lower=human.lower * factors(len(human.lower)), upper=human.upper * factors(len(human.upper))
        )
    if human.polylines:
        lines = human.polylines
        made = replace(
            made,
            polylines=replace(
                lines,
                max_force=lines.max_force * factors(*lines.max_force.shape),
                optimal=lines.optimal * factors(*lines.optimal.shape),
                slack=lines.slack * (0.95 + 0.1 * rng.random(lines.slack.shape)),
                local=lines.local * factors(*lines.local.shape),
            ),
        )
    if human.hill:
        own = human.hill.parameters
        names = ("max_isometric_force", "optimal_fiber_length", "max_contraction_velocity", "activation_time_constant")
        varied = {name: getattr(own, name) * factors(len(human.muscle_names)) for name in names}
        made = replace(made, hill=replace(human.hill, parameters=replace(own, **varied)))
    return made


def _vary_coupling(coupling: Coupling, rng: np.random.Generator) -> Coupling:
    """Other splines, of as many pieces."""
    splines = {}
    for dof, pieces in coupling.splines.items():
        splines[dof] = pieces * np.exp(rng.uniform(np.log(0.8), np.log(1.25), (1, 5)))
        splines[dof][:, 0] += rng.uniform(-0.1, 0.1)
    return replace(coupling, splines=splines)


def _vary_joints(
    m: mujoco.MjModel, root: int, rng: np.random.Generator, seed: int, factors, length: np.ndarray
) -> None:
    scalar = m.jnt_type >= int(mujoco.mjtJoint.mjJNT_SLIDE)
    m.jnt_pos *= length[m.jnt_bodyid][:, None]
    if seed % 4 == 1:  # whoever has joints beside their bodies' origins
        m.jnt_pos[scalar] += 0.01 * rng.normal(size=(scalar.sum(), 3))
    if seed % 4 == 2:
        m.jnt_pos[scalar] = 0
    turned = scalar & (m.jnt_bodyid != root)  # the root's say what is up
    axes = m.jnt_axis[turned] + 0.05 * rng.normal(size=(turned.sum(), 3))
    m.jnt_axis[turned] = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    m.jnt_range *= factors(m.njnt, 1)
    wide = m.jnt_range[:, 1] - m.jnt_range[:, 0] > 0.2
    m.jnt_margin[wide] += 0.01 * rng.random(wide.sum())
    m.jnt_stiffness *= factors(m.njnt)
    if seed % 3 == 0:
        m.jnt_stiffness[scalar] += 2.0 * rng.random(scalar.sum())
    springs = m.jnt_qposadr[scalar]
    m.qpos_spring[springs] += 0.1 * rng.normal(size=len(springs))
    m.qpos0[springs] += 0.02 * rng.normal(size=len(springs))
    for address in m.jnt_qposadr[m.jnt_type == int(mujoco.mjtJoint.mjJNT_BALL)]:
        _turn(m.qpos0[address : address + 4].reshape(1, 4), np.ones(1, bool), rng, 0.1)
    for numbers in (m.dof_armature, m.dof_damping, m.dof_frictionloss):
        numbers *= factors(m.nv)
    if seed % 8 == 4:
        m.dof_damping[:] = 0
    if seed % 8 == 5:
        m.dof_armature[:] = 0
        m.dof_frictionloss[:] = 0
    if seed % 8 == 6:
        m.dof_frictionloss[::2] += 1.5
    for solref, solimp in ((m.jnt_solref, m.jnt_solimp), (m.dof_solref, m.dof_solimp)):
        _vary_softness(solref, solimp, rng, factors)


def _vary_softness(solref: np.ndarray, solimp: np.ndarray, rng: np.random.Generator, factors) -> None:
    """Impedances of every power, and some that are the same at every distance."""
    solref *= factors(*solref.shape)
    solimp[:, :2] *= 0.9 + 0.1 * rng.random((len(solimp), 1))
    solimp[:, 2] *= factors(len(solimp))
    solimp[:, 4] = rng.choice([1.0, 2.0, 2.0, 2.0, 3.0], len(solimp))
    same = rng.random(len(solimp)) < 0.2
    solimp[same, 1] = solimp[same, 0]


def _vary_geoms(m: mujoco.MjModel, rng: np.random.Generator, factors, length: np.ndarray) -> None:
    planes = m.geom_type == int(mujoco.mjtGeom.mjGEOM_PLANE)
    m.geom_pos[~planes] *= length[m.geom_bodyid][~planes, None]
    m.geom_pos[planes] += 0.01 * rng.normal(size=(planes.sum(), 3))
    _turn(m.geom_quat, np.ones(m.ngeom, bool), rng, 0.04)
    size, of_mesh = factors(m.ngeom), factors(m.nmesh)
    meshes = m.geom_dataid >= 0
    size[meshes] = of_mesh[m.geom_dataid[meshes]]
    size[planes] = 1
    m.geom_size *= size[:, None]
    m.geom_rbound *= size
    m.geom_aabb *= size[:, None]
    for mesh in range(m.nmesh):
        first = m.mesh_vertadr[mesh]
        m.mesh_vert[first : first + m.mesh_vertnum[mesh]] *= of_mesh[mesh]
    m.geom_friction *= factors(*m.geom_friction.shape)
    m.geom_margin *= factors(m.ngeom)
    m.geom_gap *= factors(m.ngeom)
    _vary_softness(m.geom_solref, m.geom_solimp, rng, factors)
    m.pair_friction *= factors(*m.pair_friction.shape)
    m.pair_margin *= factors(m.npair)
    _vary_softness(m.pair_solref, m.pair_solimp, rng, factors)
    m.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MIDPHASE)  # whose boxes were made for the old sizes


def _vary_actuators(m: mujoco.MjModel, factors) -> None:
    m.actuator_gear *= factors(m.nu, 1)
    same = factors(m.nu, m.actuator_gainprm.shape[1])
    m.actuator_gainprm *= same
    m.actuator_biasprm *= same
    m.actuator_dynprm *= factors(*m.actuator_dynprm.shape)
    m.actuator_lengthrange *= factors(m.nu, 1)


def _put_side_sites(m: mujoco.MjModel, before: mujoco.MjModel, within: bool) -> None:
    """Side sites of tendons stay outside of the shapes beside them, or go within, where the string then runs."""
    shapes = (int(mujoco.mjtWrap.mjWRAP_SPHERE), int(mujoco.mjtWrap.mjWRAP_CYLINDER))
    for wrap in np.flatnonzero(np.isin(m.wrap_type, shapes)):
        geom, site = m.wrap_objid[wrap], round(m.wrap_prm[wrap])
        if site < 0 or m.site_bodyid[site] != m.geom_bodyid[geom]:
            continue
        away = m.site_pos[site] - m.geom_pos[geom]
        far, radius = np.linalg.norm(away), m.geom_size[geom, 0]
        was_within = np.linalg.norm(before.site_pos[site] - before.geom_pos[geom]) < before.geom_size[geom, 0]
        wanted = 0.4 * radius if within or was_within else max(far, 1.1 * radius)
        m.site_pos[site] = m.geom_pos[geom] + wanted * away / far
