"""What strides of one person come to: a mean gait, and by how much stride differs from stride."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.gait.cycles import Stride, Strides, cut
from soleus.inverse.columns import Column, read_poses
from soleus.inverse.series import series_of
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gait:
    """Strides of one person, each a row of numbers."""

    rows: Floats
    """(strides, 1 + C * TERMS): the logarithm of the cycle's duration [s], then the series of all columns"""

    @property
    def mean(self) -> Floats:
        """(1 + C * TERMS,)"""
        return np.asarray(self.rows.mean(axis=0))


def gait_of(trace: Trace, columns: Sequence[Column], most: int) -> Gait | None:
    """Return the last strides of the right foot in a trace, `most` of them; None where there are fewer."""
    strides = cut([trace])
    own = strides.of(0)[-most:]
    return Gait(np.array([_row(strides, stride, columns) for stride in own])) if len(own) == most else None


def _row(strides: Strides, stride: Stride, columns: Sequence[Column]) -> Floats:
    walk = strides.walks[stride.trace]
    trace = walk.trace
    ahead = walk.heading(stride)
    span = slice(stride.start, stride.end + 1)
    place = walk.root.place[max(stride.start - 1, 0) : stride.end + 2, :2]
    velocity = np.gradient(place, trace.dt, axis=0)[min(stride.start, 1) :][: stride.end + 1 - stride.start]
    heading = float(np.arctan2(ahead[1], ahead[0]))
    force = trace.ground_force[span] / walk.weight
    values = read_poses(columns, trace.human, trace.qpos[span], velocity, heading, force)
    whole = Stride(0, stride.side, 0, stride.end - stride.start, 0, None)
    curves = strides.over_cycle(whole, values)
    return row_of((stride.end - stride.start) * trace.dt, curves)


def row_of(duration: float, curves: Floats) -> Floats:
    """Return a stride's numbers (1 + C * TERMS,) of its duration [s] and curves (P, C) over its cycle."""
    return np.concatenate([[np.log(duration)], series_of(curves).ravel()])
