"""Which way a motion file points: its axis up, and where its person faces."""

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError

Floats = NDArray[np.float64]

AXES = ("x", "y", "z", "-x", "-y", "-z")


def vector(axis: str) -> Floats:
    """(3,) of an axis of AXES."""
    result = np.zeros(3)
    result["xyz".index(axis[-1])] = -1.0 if axis.startswith("-") else 1.0
    return result


def turned_up(up: str, to: str) -> Floats:
    """(3, 3) the least rotation that brings one axis of AXES to another; half a turn is one about x."""
    source, target = vector(up), vector(to)
    if source @ target < -0.5:
        return np.diag([1.0, -1.0, -1.0])
    axis, cosine = np.cross(source, target), float(source @ target)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation: Floats = np.round(np.eye(3) + cross + cross @ cross / (1 + cosine))
    return rotation


def facing(up: str, forward: str) -> Floats:
    """(3, 3) from a file's axes to x forward, y left, z up. Raises UserError where the two are one line."""
    ahead, above = vector(forward), vector(up)
    if ahead @ above:
        raise UserError(f"motion.forward: expected an axis across motion.up ({up}), got {forward}")
    return np.stack([ahead, np.cross(above, ahead), above])
