"""People who walk by the tables, with strikes that are known: traces to find them in again."""

from dataclasses import dataclass
from functools import cache

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus import motions
from soleus.models import Human
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]
STANCE = 0.62
DT = 1 / 480
GRAVITY = 9.81


@dataclass
class Walked:
    """A trace, and what is true of it."""

    trace: Trace
    strikes: tuple[list[int], list[int]]  # steps, of the right and of the left foot
    durations: Floats  # (strides,) [s]
    speed: float  # [m/s] between the first right strike and the last


def trace_of(
    human: Human, qpos: Floats, activation: Floats, ground_force: Floats, metabolic: float, dt: float = DT
) -> Trace:
    """A trace of poses; what nobody asks for here is 0."""
    steps = len(qpos)
    feet = np.zeros((steps, 2, 3))
    return Trace(
        human, dt, (), qpos, np.zeros((steps, human.model.nv)), activation, np.zeros_like(activation), ground_force,
        feet, feet, np.full(steps, metabolic), np.zeros((steps, 0)), np.zeros((steps, 0)),
    )  # fmt: skip


@cache
def motion_of(human: Human) -> motions.Motion:
    return motions.load("walk", human)


def walked(
    human: Human, *, strides: int = 12, seed: int = 0, varying: float = 0.0, rough: bool = False, lead_s: float = 0.3
) -> Walked:
    """A walk of `strides` strides. varying: SD of their durations, as a share; rough: contact forces with noise,
    bounces on landing, valleys in stance, and feet that graze the ground in swing."""
    rng = np.random.default_rng(seed)
    motion = motion_of(human)
    durations = motion.duration * np.clip(1 + varying * rng.standard_normal(strides), 0.75, 1.3)
    ends = lead_s + np.concatenate([[0.0], np.cumsum(durations)])
    times = np.arange(round((ends[-1] + 0.3) / DT)) * DT
    laps = np.concatenate([[-1.0], np.arange(strides + 1.0), [strides + 1.0]])
    knots = np.concatenate([[ends[0] - motion.duration], ends, [ends[-1] + motion.duration]])
    phase = np.interp(times, knots, laps)  # in strides from the first right strike
    qpos = poses(human, phase)
    strikes = tuple(
        [int(np.searchsorted(phase, k)) for k in range(-1, strides + 2) if phase[0] < k < phase[-1]]
        if side == 0
        else [int(np.searchsorted(phase, k + 0.5)) for k in range(-2, strides + 2) if phase[0] < k + 0.5 < phase[-1]]
        for side in (0, 1)
    )
    force = np.zeros((len(times), 2, 3))
    weight = human.mass * GRAVITY
    for side in (0, 1):
        own = (phase + 0.5 * side) % 1.0
        force[:, side] = stance_force(own, side) * weight
        if rough:
            roughen(force[:, side], strikes[side], weight, rng)
    activation = activations(human, phase)
    trace = trace_of(human, qpos, activation, force, 4.2)
    metres = strides * float(np.linalg.norm(motion.displacement))
    return Walked(trace, strikes, durations, metres / (ends[-1] - ends[0]))


def poses(human: Human, phase: Floats) -> Floats:
    """Poses (T, nq) of the tables at phases (T,) in strides."""
    motion = motion_of(human)
    lap = np.floor(phase).astype(int)
    at = (phase - lap) * len(motion.qpos)
    low, share = at.astype(int) % len(motion.qpos), (at - at.astype(int))[:, None]
    after = np.vstack([motion.qpos[1:], motion.qpos[:1]])
    after[-1, 0] += motion.displacement[0]
    qpos = (1 - share) * motion.qpos[low] + share * after[low]
    qpos[:, 0] += lap * motion.displacement[0]
    for joint in range(human.model.njnt):
        adr = int(human.model.jnt_qposadr[joint])
        if human.model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE:
            qpos[:, adr + 3 : adr + 7] /= np.linalg.norm(qpos[:, adr + 3 : adr + 7], axis=1, keepdims=True)
    return human.consistent(qpos)


def stance_force(phase: Floats, side: int) -> Floats:
    """(T, 3) [body weights] of a foot at phases (T,) of its own cycle: two humps, braking, then push, towards the
    midline."""
    s = np.clip(phase / STANCE, 0, 1)
    stands = phase < STANCE
    rise = np.clip(s / 0.06, 0, 1) * np.clip((1 - s) / 0.08, 0, 1)
    vertical = rise * (0.8 + 0.35 * np.exp(-(((s - 0.23) / 0.1) ** 2)) + 0.35 * np.exp(-(((s - 0.76) / 0.1) ** 2)))
    fore_aft = -0.18 * np.sin(2 * np.pi * s)
    lateral = (0.05 if side == 0 else -0.05) * rise
    return np.where(stands[:, None], np.stack([fore_aft, lateral, vertical], axis=-1), 0.0)


def roughen(force: Floats, strikes: list[int], weight: float, rng: np.random.Generator) -> None:
    """Make one foot's force (T, 3) what a simulator's is, in place."""
    steps = len(force)
    stands = force[:, 2] > 0
    force[:, 2] *= 1 + 0.05 * rng.standard_normal(steps)
    force[:, 2] += 0.01 * weight * np.abs(rng.standard_normal(steps))
    for strike in strikes:
        kind = rng.integers(4)
        if kind == 0:  # it lands with a knock and bounces off for 10 to 20 ms
            force[strike : strike + 4, 2] = 0.9 * weight
            gap = strike + 4 + int(rng.integers(5, 10))
            force[strike + 4 : gap, 2] = 0.0
        if kind == 1:  # it is all but unloaded in the middle of the stance, for 60 ms
            middle = strike + round(0.33 / DT)
            force[middle : middle + round(0.06 / DT), 2] *= 0.03
        if kind == 2:  # it chatters for the first 40 ms
            chatter = np.arange(strike, min(strike + 20, steps))
            force[chatter, 2] *= (chatter // 3) % 2
            force[strike : strike + 3, 2] = 0.3 * weight
        if kind == 3:  # it grazes the ground in the swing before
            graze = strike - round(rng.uniform(0.08, 0.25) / DT)
            if graze > 0 and not stands[graze - 30 : graze + 14].any():
                force[graze : graze + round(rng.uniform(0.01, 0.03) / DT), 2] = rng.uniform(0.1, 0.35) * weight
    np.clip(force[:, 2], 0, None, out=force[:, 2])


def activations(human: Human, phase: Floats) -> Floats:
    """(T, nm): each muscle peaks somewhere in the cycle of its leg."""
    peaks = np.linspace(0, 1, len(human.muscle_names) // 2, endpoint=False)
    centre = np.concatenate([peaks, peaks + 0.5]) if len(human.muscle_names) else np.zeros(0)
    away = (phase[:, None] - centre + 0.5) % 1 - 0.5
    return 0.05 + 0.5 * np.exp(-((away / 0.12) ** 2))


def still(human: Human) -> Trace:
    """Somebody who stands for 5 s."""
    steps = 2400
    force = np.zeros((steps, 2, 3))
    force[:, :, 2] = human.mass * GRAVITY / 2
    return trace_of(human, np.tile(human.qpos_rest, (steps, 1)), np.zeros((steps, len(human.muscle_names))), force, 1.0)
