"""A trace at another rate than that of the simulation."""

import numpy as np
from numpy.typing import NDArray

from soleus.motions.looping import quaternions
from soleus.motions.rotations import continuous
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]

_EVEN = 1e-9  # of a step: as near is a sample of the trace itself


def sampled(trace: Trace, hz: float) -> Trace:
    """Return a trace of `hz` rows a second, from its first instant on, straight lines between its own."""
    last = len(trace.qpos) - 1
    count = int(np.floor(last * trace.dt * hz + _EVEN)) + 1
    at = np.minimum(np.arange(count) / (hz * trace.dt), last)
    low = np.floor(at + _EVEN).astype(int)
    share = np.where(at - low > _EVEN, at - low, 0.0)
    qpos = trace.qpos.copy()
    addresses = quaternions(trace.human.model)
    for adr in addresses:
        qpos[:, adr : adr + 4] = continuous(qpos[:, adr : adr + 4])

    def between(values: Floats) -> Floats:
        part = share.reshape(-1, *[1] * (values.ndim - 1))
        after = values[np.minimum(low + 1, last)]
        return np.asarray(np.where(part > 0, (1 - part) * values[low] + part * after, values[low]))

    poses = between(qpos)
    for adr in addresses:
        poses[:, adr : adr + 4] /= np.linalg.norm(poses[:, adr : adr + 4], axis=1, keepdims=True)
    return Trace(
        trace.human, 1.0 / hz, trace.devices, poses, between(trace.qvel), between(trace.activation),
        between(trace.tension), between(trace.ground_force), between(trace.pressure), between(trace.ground_moment),
        between(trace.metabolic), between(trace.device_torque), between(trace.joint_torque),
    )  # fmt: skip
