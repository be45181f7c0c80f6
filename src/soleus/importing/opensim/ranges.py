"""Over which range of its coordinates a muscle's path is fitted."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from soleus.models.sides import bare_name

Floats = NDArray[np.float64]

# Degrees: the ranges of the model of A. Rajagopal and others, "Full-body musculoskeletal model for muscle-driven
# simulation of human gait", IEEE Trans. Biomed. Eng. 63(10), 2016, and half of what it allows the trunk. Models whose
# hips turn by 120 degrees each way have paths there that run through bones.
_OF_PEOPLE = {
    "hip_flexion": (-30, 120),
    "hip_adduction": (-50, 30),
    "hip_rotation": (-40, 40),
    "ankle_angle": (-40, 30),
    "subtalar_angle": (-20, 20),
    "mtp_angle": (-30, 30),
    "lumbar_extension": (-45, 45),
    "lumbar_bending": (-45, 45),
    "lumbar_rotation": (-45, 45),
}
_MARGIN = np.deg2rad(5.0)  # round a motion


def fitted_range(
    name: str, low: float, high: float, default: float, motion: Mapping[str, Floats]
) -> tuple[float, float]:
    """Return the range of a coordinate: the file's, no wider than people's, but as wide as motions and the default go.

    motion: values of coordinates, by name.
    """
    people = _OF_PEOPLE.get(bare_name(name))
    if people is not None:
        narrow = max(low, float(np.deg2rad(people[0]))), min(high, float(np.deg2rad(people[1])))
        if narrow[0] < narrow[1]:
            low, high = narrow
    low, high = min(low, default), max(high, default)
    if name in motion and len(motion[name]):
        low, high = min(low, float(motion[name].min()) - _MARGIN), max(high, float(motion[name].max()) + _MARGIN)
    return low, high
