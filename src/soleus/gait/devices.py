"""Torques and powers of an exoskeleton over the gait cycle, beside those of the person who wears it."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from soleus.gait.curves import Curve, Rows, Side, Values, sides_over_cycle
from soleus.gait.cycles import Strides
from soleus.models.sides import bare_name
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]

_Read = Callable[[Trace, int], Floats]
"""Of a trace and the number of a device, (T,)"""


def _torque(trace: Trace, k: int) -> Floats:
    return np.asarray(trace.device_torque[:, k])


def _beside(trace: Trace, k: int) -> Floats:
    return np.asarray(trace.joint_torque[:, k])


def _power(trace: Trace, k: int) -> Floats:
    return np.asarray(trace.qvel[:, trace.devices[k].dof] * trace.device_torque[:, k])


_QUANTITIES: dict[str, tuple[str, str, _Read]] = {
    "torque": ("torque of the device", "N m/kg", _torque),
    "beside": ("torque of the person", "N m/kg", _beside),
    "power": ("power of the device", "W/kg", _power),
}
"""What is shown of each joint with devices: label, unit over body mass, how it is read"""


def device_curves(strides: Strides) -> dict[str, Curve]:
    """Return torques and powers over body mass by JOINT_torque, JOINT_beside and JOINT_power; none without devices.

    Both legs have the sense of the right coordinate. A joint in the middle is seen over the cycle of the right foot.
    """
    devices = strides.walks[0].trace.devices
    joints: dict[str, dict[int, int]] = {}
    for k, device in enumerate(devices):
        joints.setdefault(bare_name(device.joint), {})["rl".index(device.side)] = k
    found = {}
    for joint, own in joints.items():
        for key, (label, unit, read) in _QUANTITIES.items():
            # A power has no sense of its own.
            reads = {s: _over_mass(read, k, 1.0 if key == "power" else devices[k].sign) for s, k in own.items()}
            rows = Rows(f"{joint}: {label}", unit, sides_over_cycle(strides, reads))
            found[f"{joint}_{key}"] = rows.curve()
    return found


def _over_mass(read: _Read, k: int, sign: float) -> Values:
    return lambda walk: sign * read(walk.trace, k) / walk.trace.human.mass


def device_summary(sides: Mapping[str, Side]) -> dict[str, dict[str, float]]:
    """Return what curves come to over the cycle, by side."""
    return {
        side: {
            "least": float(values.mean.min()),
            "most": float(values.mean.max()),
            "mean": float(values.mean[:-1].mean()),  # the last instant is the first
        }
        for side, values in sides.items()
    }
