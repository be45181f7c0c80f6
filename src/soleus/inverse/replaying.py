"""What a network says people do, as a trace: for files and pictures."""

from collections.abc import Mapping

import mujoco
import numpy as np

from soleus.inverse.forward import Forward
from soleus.sim.trace import Trace


def trace_of(forward: Forward, at: Mapping[str, float], seconds: float | None, hz: float) -> Trace:
    """Return poses under conditions by name; muscles and the ground are still, as the network says poses alone.

    seconds: how long; None: one whole cycle, whose last pose is the first one cycle later, so that `hz` rows a second
    are rounded to whole rows a cycle. Raises UserError for a condition that is none, or out of its range.
    """
    cycle = forward.duration(at)
    count = max(3, round(cycle * hz)) if seconds is None else max(3, round(seconds * hz))
    dt = cycle / count if seconds is None else 1.0 / hz
    rows = count + 1 if seconds is None else count
    human = forward.human
    qpos = forward.poses(at, [k * dt / cycle for k in range(rows)])
    qvel = np.zeros((rows, human.model.nv))
    for k in range(rows):
        before, after = max(k - 1, 0), min(k + 1, rows - 1)
        mujoco.mj_differentiatePos(human.model, qvel[k], (after - before) * dt, qpos[before], qpos[after])
    muscles, feet = np.zeros((rows, len(human.muscle_names))), np.zeros((rows, 2, 3))
    worn = np.zeros((rows, 0))
    return Trace(human, dt, (), qpos, qvel, muscles, muscles, feet, feet, feet, np.zeros(rows), worn, worn)
