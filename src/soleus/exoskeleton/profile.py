"""A torque over the gait cycle as cubics."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Floats = NDArray[np.float64]


def cubics(points: Sequence[tuple[float, float]]) -> Floats:
    """Return the curve through points of per cent and torque [N m], which comes round, as cubics (points, 5).

    Rows: where each begins, as a share of the cycle in [0, 1), and c_0 to c_3 of c_0 + c_1 x + c_2 x^2 + c_3 x^3, x the
    share since then. The curve is smooth and between two points never beyond them (Fritsch and Carlson 1980, SIAM J.
    Numerical Analysis 17:238): a torque that is 0 at two points is 0 between them.
    """
    at, torque = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    if at[0] == 0 and at[-1] == 100:  # the same instant
        at, torque = at[:-1], torque[:-1]
    if len(at) == 1:
        return np.array([[0.0, torque[0], 0.0, 0.0, 0.0]])
    share, count = at / 100, len(at)
    around = PchipInterpolator(np.concatenate([share - 1, share, share + 1]), np.tile(torque, 3))
    return np.column_stack([share, around.c[::-1, count : 2 * count].T])
