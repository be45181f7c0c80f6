"""Poses from one clip to one lap: closed, headed along x, evenly resampled."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.motions.laps import Lap
from soleus.motions.posing import root_slots
from soleus.motions.rotations import about_z, conjugate, continuous, exp, log, multiply, rotated, turn_of

Floats = NDArray[np.float64]

_STANDS = 0.1  # [m] a lap shorter than this goes nowhere: where it faces counts


def loop(qpos: Floats, human: Human, straight: float = 0.0) -> tuple[Floats, Lap]:
    """Make F poses (F, nq) one lap of K = F - 1 (K, nq), heading along x from x = y = 0, and say how the next one lies.

    The last pose is the first of the next lap. What keeps it from being so, but for a shift in the plane and a turn
    about the vertical, is taken off evenly over the lap; so is a turn below `straight` [rad]. A
    root of slides and hinges keeps its heading.
    """
    slots = root_slots(human)
    if slots.quaternion < 0:
        return _loop_slides(qpos, human.model, slots.shift[:2])
    place, at = list(slots.shift), slice(slots.quaternion, slots.quaternion + 4)
    closed, turn = _close(qpos, human.model, slots.shift[2], at, straight)
    displacement = (closed[-1, place] - closed[0, place]) * [1.0, 1.0, 0.0]
    heading = displacement
    if np.linalg.norm(displacement) < _STANDS:
        heading = rotated(multiply(closed[:-1, at], human.root_align), np.array([1.0, 0.0, 0.0])).mean(axis=0)
    straighten = about_z(-float(np.arctan2(heading[1], heading[0])))
    closed[:, at] = multiply(straighten, closed[:, at])
    closed[:, place] = rotated(straighten, closed[:, place] - closed[0, place] * [1.0, 1.0, 0.0])
    start = closed[0, place].copy()
    return closed[:-1], Lap(start, rotated(straighten, displacement), turn)


def headed(qpos: Floats, human: Human) -> Floats:
    """Copy of poses (F, nq) that face along x on average, from x = y = 0; a root of slides keeps its heading."""
    slots, result = root_slots(human), qpos.copy()
    if slots.quaternion < 0:
        for adr in slots.shift[:2]:
            if adr >= 0:
                result[:, adr] -= qpos[0, adr]
        return result
    place, at = list(slots.shift), slice(slots.quaternion, slots.quaternion + 4)
    forward = rotated(multiply(qpos[:, at], human.root_align), np.array([1.0, 0.0, 0.0])).mean(axis=0)
    straighten = about_z(-float(np.arctan2(forward[1], forward[0])))
    result[:, at] = continuous(multiply(straighten, qpos[:, at]))
    result[:, place] = rotated(straighten, qpos[:, place] - qpos[0, place] * [1.0, 1.0, 0.0])
    return result


def _loop_slides(qpos: Floats, model: mujoco.MjModel, plane: tuple[int, int]) -> tuple[Floats, Lap]:
    """As `loop`, of a root whose slides along x and y are at these addresses, -1 where there is none."""
    closed, displacement = qpos.copy(), np.zeros(3)
    _close_joints(closed, qpos, model, plane)
    for axis, adr in enumerate(plane):
        if adr >= 0:
            displacement[axis] = qpos[-1, adr] - qpos[0, adr]
            closed[:, adr] -= qpos[0, adr]
    return closed[:-1], Lap(np.zeros(3), displacement, 0.0)


def _close(qpos: Floats, model: mujoco.MjModel, height: int, at: slice, straight: float) -> tuple[Floats, float]:
    """Copy of poses (F, nq) whose last is the first but for the root's place in the plane and a turn [rad]."""
    closed, share = qpos.copy(), np.linspace(0.0, 1.0, len(qpos))
    _close_joints(closed, qpos, model)
    closed[:, height] -= share * (qpos[-1, height] - qpos[0, height])
    turn = turn_of(multiply(qpos[-1, at], conjugate(qpos[0, at])))
    turn = turn if abs(turn) >= straight else 0.0
    closed[:, at] = _without(qpos[:, at], multiply(about_z(turn), qpos[0, at]), share)
    return closed, turn


def _close_joints(closed: Floats, qpos: Floats, model: mujoco.MjModel, but: tuple[int, ...] = ()) -> None:
    """End hinges, slides and balls of poses (F, nq) as they began, in `closed`; not those at the addresses `but`."""
    share = np.linspace(0.0, 1.0, len(qpos))
    for joint in range(model.njnt):
        adr, kind = int(model.jnt_qposadr[joint]), model.jnt_type[joint]
        if kind == mujoco.mjtJoint.mjJNT_BALL:
            ball = slice(adr, adr + 4)
            closed[:, ball] = _without(qpos[:, ball], qpos[0, ball], share)
        elif kind != mujoco.mjtJoint.mjJNT_FREE and adr not in but:
            closed[:, adr] -= share * (qpos[-1, adr] - qpos[0, adr])


def _without(q: Floats, wanted: Floats, share: Floats) -> Floats:
    """Quaternions (F, 4) that end at the wanted one (4,), the way there taken by shares (F,) of it."""
    gap = log(multiply(conjugate(wanted), q[-1]))
    return continuous(multiply(q, exp(-share[:, None] * gap)))


def resample(qpos: Floats, lap: Lap, human: Human, frames: int) -> Floats:
    """Poses (frames, nq) spread evenly over a lap of K poses (K, nq), by cubics through them (Catmull and Rom 1974)."""
    count, slots = len(qpos), root_slots(human)
    # The neighbours of a lap's ends lie in the laps beside it.
    around = np.array([lap.poses(qpos[k % count], k // count, slots) for k in range(-1, count + 2)])
    addresses = quaternions(human.model)
    for adr in addresses:
        around[:, adr : adr + 4] = continuous(around[:, adr : adr + 4])
    times = np.arange(frames) * count / frames
    first = np.minimum(times.astype(int), count - 1)
    u = (times - first)[:, None]
    a, b, c, d = (around[first + k] for k in range(4))
    # Written about b, so that at the time of a pose it is that very pose.
    result: Floats = b + 0.5 * u * ((c - a) + u * ((2 * a - 5 * b + 4 * c - d) + u * (3 * (b - c) + d - a)))
    for adr in addresses:
        result[:, adr : adr + 4] /= np.linalg.norm(result[:, adr : adr + 4], axis=1, keepdims=True)
    return result


def quaternions(model: mujoco.MjModel) -> list[int]:
    """Addresses in qpos of the quaternions of free and ball joints."""
    kinds = ((mujoco.mjtJoint.mjJNT_FREE, 3), (mujoco.mjtJoint.mjJNT_BALL, 0))
    return [int(model.jnt_qposadr[j]) + skip for kind, skip in kinds for j in np.flatnonzero(model.jnt_type == kind)]
