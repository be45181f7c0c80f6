"""Where a path of OpenSim's jumps as it slips on or off what it wraps round, and on which side of that a pose is.

The length of such a path has two branches, with other numbers of points, each of which is smooth; between poses of
the two it may jump. No polynomial follows both. The jump is OpenSim's own: no muscle lengthens by a centimetre at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.paths.pieces import Cut, Samples

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

_JUMP = 1e-3  # [m] that a length changes by beyond what its slopes explain
_STEPS = 24  # along a line, about as long as poses are apart
_MOST = 0.99  # quantile of the jumps that is taken for the greatest, so that no single pose decides
_CUTS_WELL = 0.98  # share of the poses that are on the right side of a cut


@dataclass(frozen=True, eq=False)
class Found:
    """A jump of a path."""

    beyond: Flags
    """(n,) poses beyond it"""
    by: float
    """[m]"""


def beyond_jump(samples: Samples, low: Floats, high: Floats, points: Counts, origin: Floats) -> Found | None:
    """Return which poses are beyond a jump as seen from another, and how far the path jumps; None: no pose is.

    A pose is beyond where jumps along the straight line to it, from pose to nearest pose, do not come to nothing.
    points: of the path at each pose, (n,); origin: where it is seen from, (variables,).
    """
    from scipy.spatial import cKDTree  # it takes long to import

    smooth = np.flatnonzero(samples.smooth())
    here, count = samples.at(samples.smooth()), points[smooth]
    span = high - low
    tree = cKDTree((here.coordinates - low) / span)
    total, largest = np.zeros(len(smooth)), np.zeros(len(smooth))
    last = np.arange(len(smooth))
    for share in np.arange(1, _STEPS + 1) / _STEPS:
        _, then = tree.query((here.coordinates + share * (origin - here.coordinates) - low) / span)
        slope = (here.gradients[last] + here.gradients[then]) / 2
        explained = np.sum(slope * (here.coordinates[then] - here.coordinates[last]), axis=1)
        jump = np.where(count[last] == count[then], 0.0, here.lengths[then] - here.lengths[last] - explained)
        total += np.where(np.abs(jump) > _JUMP, jump, 0.0)
        largest = np.maximum(largest, np.abs(jump))
        last = then
    beyond = np.zeros(len(points), bool)
    beyond[smooth] = np.abs(total) > _JUMP
    if not beyond.any():
        return None
    return Found(beyond, float(np.quantile(largest[beyond[smooth]], _MOST)))


def cuts(coordinates: Floats, points: Counts) -> Iterator[Cut]:
    """Yield where a coordinate alone, of (n, variables), says how many points a path has."""
    for count in np.unique(points)[:-1]:
        few = points <= count
        for k in range(coordinates.shape[1]):
            order = np.argsort(coordinates[:, k])
            below = np.cumsum(few[order])  # of the poses up to each, how many have few points
            right = below + (~few).sum() - (np.arange(1, len(few) + 1) - below)
            for agree in (right, len(few) - right):
                at = int(np.argmax(agree[:-1])) if len(few) > 1 else 0
                if agree[at] >= _CUTS_WELL * len(few) and at + 1 < len(few):
                    yield k, float(coordinates[order[at : at + 2], k].mean())
