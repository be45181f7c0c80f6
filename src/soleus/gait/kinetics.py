"""Net torques and powers of the joints by inverse dynamics, and how fast standing feet slip.

The torque about an angle is the angle's direction of motion times M qacc + bias - J^T w, with w the wrench of the
ground on the foot (D. A. Winter, Biomechanics and Motor Control of Human Movement, 4th ed., 2009, chapter 5, in the
independent coordinates of Featherstone, Rigid Body Dynamics Algorithms, 2008, chapter 5). It is what everything about
the joint gives together: muscles, ligaments, stops of the joint, and devices. Speeds and forces are filtered with the
same cutoff before, or impacts that the accelerations lack would be taken for torques (Kristianslund, Krosshaug, van den
Bogert 2012, J. Biomech. 45:666).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.gait.curves import Rows, Values, sides_over_cycle
from soleus.gait.cycles import GRAVITY, SIDES, Strides, Walk
from soleus.motions.anatomy import Angle, foot_body
from soleus.motions.smoothing import low_pass
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]

CUTOFF_HZ = 15.0
"""Of the filter of speeds and forces."""
_SAMPLES_HZ = 120.0  # dynamics are computed as often: four samples to the shortest period that the filter leaves
_STANDS = 0.2  # of body weight: a foot that carries more should not move
_STEP = 1e-5  # [rad] of the slopes of coupled joints

_JOINTS = {  # key: angle, name of the torque that makes it smaller, name of the joint
    "hip": ("hip_flexion", "Hip extension torque", "Hip power"),
    "knee": ("knee_flexion", "Knee extension torque", "Knee power"),
    "ankle": ("ankle_dorsiflexion", "Ankle plantarflexion torque", "Ankle power"),
}


@dataclass(frozen=True, eq=False)
class Loads:
    """What the joints of one trace carry, after each of its T steps."""

    torque: dict[tuple[str, str], Floats]
    """By name of the angle and side, 'r' or 'l': (T,) that makes the angle grow [N m]"""
    power: dict[tuple[str, str], Floats]
    """(T,) of that torque [W]"""
    slip: Floats
    """(T, 2) speed along the ground of the point of each foot that the ground presses on [m/s]; 0 of a foot that
    does not stand"""


def loads_by_walk(strides: Strides, angles: Sequence[Angle]) -> dict[int, Loads]:
    """Return what the joints carry in each trace with strides that count, by its number."""
    sagittal = [angle for angle in angles if angle.name in {name for name, _, _ in _JOINTS.values()}]
    walks = dict.fromkeys(stride.trace for stride in strides.kept)
    return {number: loads_of(strides.walks[number].trace, sagittal) for number in walks}


def load_rows(strides: Strides, loads: Mapping[int, Loads]) -> dict[str, Rows]:
    """Return torques [N m/kg] and powers [W/kg] stride by stride, by JOINT_torque, then JOINT_power.

    A torque that extends the leg is positive, and a power that a joint gives. Joints that a model lacks are missing.
    """
    known = {key for one in loads.values() for key in one.torque}
    own = {id(strides.walks[number]): one for number, one in loads.items()}
    torques, powers = {}, {}
    for joint, (angle, torque, power) in _JOINTS.items():
        sides = [s for s in (0, 1) if (angle, "rl"[s]) in known]
        if sides:
            reads: dict[int, Values] = {s: _over_mass(own, "torque", (angle, "rl"[s]), -1.0) for s in sides}
            torques[f"{joint}_torque"] = Rows(torque, "N m/kg", sides_over_cycle(strides, reads))
            reads = {s: _over_mass(own, "power", (angle, "rl"[s]), 1.0) for s in sides}
            powers[f"{joint}_power"] = Rows(power, "W/kg", sides_over_cycle(strides, reads))
    return torques | powers


def _over_mass(loads: Mapping[int, Loads], quantity: str, key: tuple[str, str], sign: float) -> Values:
    def read(walk: Walk) -> Floats:
        values: Floats = getattr(loads[id(walk)], quantity)[key]
        return sign * values / walk.trace.human.mass

    return read


def loads_of(trace: Trace, angles: Sequence[Angle]) -> Loads:
    """Return what the joints of a trace carry about some angles, and how fast its feet slip."""
    steps = len(trace.qpos)
    every = max(1, round(1 / (_SAMPLES_HZ * trace.dt)))
    at = np.arange(0, steps, every)
    smooth = partial(low_pass, rate=1 / trace.dt, hz=CUTOFF_HZ)
    qvel = smooth(trace.qvel)
    qacc = np.gradient(qvel, trace.dt, axis=0)
    pressure = np.nan_to_num(trace.pressure)
    moment = np.cross(pressure, trace.ground_force) + trace.ground_moment  # about the origin of the world
    wrench = smooth(np.concatenate([trace.ground_force, moment], axis=-1).reshape(steps, -1)).reshape(steps, 2, 6)
    forces = _inverse(trace, at, qvel, qacc, wrench)
    torque, power = {}, {}
    whole = np.arange(steps)
    for angle in angles:
        ways = directions(trace, trace.qpos[at], angle)
        own = np.interp(whole, at, (forces * ways).sum(axis=1))
        torque[angle.name, angle.side] = own
        power[angle.name, angle.side] = own * (qvel @ angle.direction)
    slip = _slip(trace, at)
    return Loads(torque, power, np.stack([np.interp(whole, at, slip[:, side]) for side in (0, 1)], axis=-1))


def directions(trace: Trace, qpos: Floats, angle: Angle) -> Floats:
    """Return (n, nv) speeds at poses (n, nq) at which an angle grows by 1 rad/s, coupled joints moving along."""
    coupling = trace.human.coupling
    found = np.tile(angle.direction, (len(qpos), 1))
    moved = [dof for dof in np.flatnonzero(angle.direction) if coupling.qpos_adr[dof] >= 0]
    for dof in moved:
        ahead, back = qpos.copy(), qpos.copy()
        ahead[:, coupling.qpos_adr[dof]] += _STEP
        back[:, coupling.qpos_adr[dof]] -= _STEP
        slope = (coupling.consistent(ahead) - coupling.consistent(back)) / (2 * _STEP)
        follow = np.flatnonzero(coupling.coupled & (coupling.driver == dof))
        found[:, follow] = angle.direction[dof] * slope[:, coupling.qpos_adr[follow]]
    return found


def _inverse(trace: Trace, at: NDArray[np.int_], qvel: Floats, qacc: Floats, wrench: Floats) -> Floats:
    """Generalised forces (n, nv) of the joints at steps (n,). wrench: (T, 2, 6) force and moment about the origin."""
    model = trace.human.model
    data = mujoco.MjData(model)
    feet = [foot_body(trace.human, side) for side in (0, 1)]
    origin, found = np.zeros(3), np.zeros((len(at), model.nv))
    jacobian = np.zeros((6, model.nv))
    for k, step in enumerate(at):
        data.qpos[:], data.qvel[:], data.qacc[:] = trace.qpos[step], qvel[step], qacc[step]
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_comVel(model, data)
        mujoco.mj_rne(model, data, 1, found[k])
        for side, foot in enumerate(feet):
            mujoco.mj_jac(model, data, jacobian[:3], jacobian[3:], origin, foot)
            found[k] -= wrench[step, side] @ jacobian
    return found


def _slip(trace: Trace, at: NDArray[np.int_]) -> Floats:
    """(n, 2) speed along the ground of the point that the ground presses on, as one of the foot's bodies moves it.

    Of a foot that bends the body that stands is the one whose point is slowest.
    """
    human, model = trace.human, trace.human.model
    data, jacobian = mujoco.MjData(model), np.zeros((3, model.nv))
    stands = trace.ground_force[:, :, 2] > _STANDS * human.mass * GRAVITY
    found = np.zeros((len(at), 2))
    for k, step in enumerate(at):
        if not stands[step].any():
            continue
        data.qpos[:] = trace.qpos[step]
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        for side in np.flatnonzero(stands[step]):
            speeds = []
            for body in human.feet[side]:
                mujoco.mj_jac(model, data, jacobian, None, trace.pressure[step, side], body)
                speeds.append(float(np.linalg.norm(jacobian[:2] @ trace.qvel[step])))
            found[k, side] = min(speeds)
    return found


def slip_distance(strides: Strides, loads: Mapping[int, Loads]) -> dict[str, float]:
    """Return how far a standing foot moves along the ground in a stride [m], mean over the strides of each side."""
    found = {}
    for side, label in enumerate(SIDES):
        own = [
            float(loads[s.trace].slip[s.start : s.end, side].sum()) * strides.walks[s.trace].trace.dt
            for s in strides.of(side)
        ]
        if own:
            found[label] = float(np.mean(own))
    return found
