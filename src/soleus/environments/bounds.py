"""What is compared at every step, of all environments of a group at once: real numbers with their bounds, rewards."""

import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import Space, spaces

from soleus.environments.base import Array, Broken
from soleus.environments.promise import described

LARGEST = float(np.finfo(np.float32).max)
"""Of what is stored: anything larger would become infinite."""

REWARDS = f"expected finite rewards of {-LARGEST:.5g} to {LARGEST:.5g}, which float32 holds"


class Bounds:
    """The bounds of observations that are vectors, (M, D) at a time.

    One that is not finite ends it. One beyond its bounds is said once: many an environment of good name oversteps its
    own now and then, and nothing is lost by that.
    """

    def __init__(self, space: Space[Any], name: str, first: int, bounded: bool = True) -> None:
        """first: number of the group's first environment among all. bounded: whether the bounds mean anything."""
        self.name, self.first, self.space = name, first, space
        sides = [np.asarray(side, np.float64) for side in _sides(space)]
        if not bounded:
            sides = [np.full_like(side, limit) for side, limit in zip(sides, (-np.inf, np.inf), strict=True)]
        self.low, self.high = (np.clip(side, -LARGEST, LARGEST).astype(np.float32) for side in sides)
        self._said = False

    def check(self, rows: Array, numbers: Any = None) -> None:
        """Compare; numbers: of the rows within the group. Raises Broken."""
        if not ((rows >= self.low) & (rows <= self.high)).all():
            self._beyond(rows, numbers)

    def _beyond(self, rows: Array, numbers: Any) -> None:
        finite = np.isfinite(rows)
        inside = finite if not finite.all() else (rows >= self.low) & (rows <= self.high)
        row, column = np.argwhere(~inside)[0]
        env = self.first + int(row if numbers is None else numbers[row])
        value = rows[row, column]
        if not finite.all():
            raise Broken(f"{self.name}: expected finite observations, got {value} of environment {env}")
        if not self._said:
            self._said = True
            said = f"expected observations of {described(self.space)}, got {value} of environment {env}"
            print(f"warning: {self.name}: {said}; they are learnt from as they are", file=sys.stderr, flush=True)


def _sides(space: Space[Any]) -> tuple[Array, Array]:
    """Return the bounds of a space's observations as vectors; choices become zeros and ones."""
    if isinstance(space, spaces.Box):
        return np.asarray(space.low, np.float64).ravel(), np.asarray(space.high, np.float64).ravel()
    if isinstance(space, spaces.Dict | spaces.Tuple):
        inner = space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces
        lows, highs = zip(*(_sides(one) for one in inner), strict=True)
        return np.concatenate(lows), np.concatenate(highs)
    size = spaces.flatdim(space)
    return np.zeros(size), np.ones(size)


def check_rewards(rewards: Any, count: int, name: str, first: int) -> npt.NDArray[np.float32]:
    """Return the rewards of a step, (M,). Raises Broken for another number of them, and for what is not finite."""
    array = np.asarray(rewards)
    if array.shape != (count,) or array.dtype.kind not in "biuf":
        raise Broken(f"{name}: expected {count} rewards, one number each, got {array.dtype} of shape {array.shape}")
    with np.errstate(over="ignore"):
        stored = array.astype(np.float32, copy=False)
    if not np.isfinite(stored).all():
        env = int(np.flatnonzero(~np.isfinite(stored))[0])
        raise Broken(f"{name}: {REWARDS}, got {shown_number(array[env])} of environment {first + env}")
    return stored


def shown_number(value: Any) -> str:
    """Return a number in a few characters; a whole one of Python's may have any number of digits."""
    if isinstance(value, int) and abs(value) >= 10**24:
        return f"{'-' * (value < 0)}1e+{int(value.bit_length() * math.log10(2))} or so"
    return str(value)
