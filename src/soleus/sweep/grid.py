"""Grids of conditions: values that are asked for, and all combinations of them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.conditions import Conditions
from soleus.conditions.conditions import check_name
from soleus.errors import UserError

Floats = NDArray[np.float64]

MOST = 1_000_000
"""Points of a grid"""


@dataclass(frozen=True)
class Axis:
    """A condition and the values that it takes, from the least to the greatest, evenly."""

    name: str
    low: float
    high: float
    count: int

    @property
    def values(self) -> Floats:
        """(count,)"""
        return np.linspace(self.low, self.high, self.count)


@dataclass(frozen=True, eq=False)
class Grid:
    """G points: all combinations of the values of some conditions; the last one varies fastest."""

    axes: tuple[Axis, ...]
    points: Floats
    """(G, n) values of all the run's conditions"""
    names: tuple[str, ...]
    """(n,) of these"""


def make_grid(axes: Sequence[Axis], held: Mapping[str, float], conditions: Conditions | None) -> Grid:
    """Return a grid over the conditions of a run; those that are not varied are held at values or their defaults.

    Raises UserError for conditions that the run does not have, values out of their ranges, or too many points.
    """
    if conditions is None:
        raise UserError(f"--over: expected a run with conditions, got one without any, and {axes[0].name}")
    names = [axis.name for axis in axes]
    for name in (*names, *held):
        check_name(name, conditions.names)
    if twice := next((name for name in [*names, *held] if [*names, *held].count(name) > 1), None):
        raise UserError(f"--over: expected every condition once, got '{twice}' twice")
    count = int(np.prod([float(axis.count) for axis in axes]))
    if count > MOST:
        raise UserError(f"--over: expected a grid of up to {MOST:,} points, got {count:,}")
    combined = itertools.product(*(axis.values for axis in axes))
    points = [conditions.at({**held, **dict(zip(names, map(float, each), strict=True))}) for each in combined]
    return Grid(tuple(axes), np.array(points), conditions.names)
