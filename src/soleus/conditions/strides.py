"""Lengths of strides that conditions of the gait may ask for, and the factors at which motions are made for them."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from soleus import _core
from soleus.conditions.names import GAIT

_COUNT = 9  # motions over the range of strides: what lies between two is between their poses
_LEAST, _MOST = 0.3, 1.8
_LEGS = (0.7, 1.4)  # legs of other lengths walk a speed with other strides


def stride_factors(
    ranges: Mapping[str, tuple[float, float]], speeds: Sequence[float], lengths: bool
) -> NDArray[np.float64]:
    """Return factors on the stride, rising, that span what speed [m/s], stride and cadence may ask of motions of these
    speeds; none where the strides stay as they are. lengths: whether legs may be longer or shorter.
    """
    if not ranges:
        return np.zeros(0)
    asked = [
        _stride_of(dict(zip(ranges, corner, strict=True)), speed, legs)
        for corner in itertools.product(*ranges.values())
        for speed in speeds
        for legs in (_LEGS if lengths and "speed" in ranges else (1.0,))
    ]
    low, high = max(min(asked), _LEAST), min(max(asked), _MOST)
    if high - low < 1e-9 and abs(low - 1) < 1e-9:
        return np.zeros(0)
    return np.linspace(low - 1e-6, high + 1e-6, _COUNT)


def _stride_of(values: Mapping[str, float], speed: float, legs: float) -> float:
    asked = {name: values.get(name, 0.0) for name in GAIT}
    return float(_core.gait_of(**asked, of_speed=speed, legs=legs)[0])
