"""The numbers of an episode's last info, and their means over many episodes."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from soleus.environments.base import Episode
from soleus.exchange.batch import MOST_INFO

_LONGEST = 64  # characters of a name
_ROOM = MOST_INFO + 1  # one name more than a run follows, so that it can say so

RAW_RETURN = "soleus/raw_return"
"""Where an environment's info has the return as it was before wrappers scaled the rewards."""


def number(value: Any) -> float | None:
    """Return a finite number or a flag as a number, or None for anything else."""
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    if not isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def numbers(info: Mapping[Any, Any]) -> dict[str, float]:
    """Return what is a number in an info, by its name."""
    found: dict[str, float] = {}
    for name, value in info.items():
        if len(found) == _ROOM:
            break
        known = number(value)
        if known is not None and isinstance(name, str) and 0 < len(name) <= _LONGEST and name.isprintable():
            found[name] = known
    return found


def episode_of(info: Mapping[Any, Any]) -> Episode:
    """Return what an info says of the episode that ended with it."""
    found = numbers(info)
    return Episode(found, found.pop(RAW_RETURN, None))


class InfoSums:
    """Sums of the numbers of many episodes, and of how many each: (sum, number) by name."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[float, int]] = {}

    def add(self, info: Mapping[str, float]) -> None:
        """Count one episode."""
        self.merge({name: (value, 1) for name, value in info.items()})

    def merge(self, sums: Mapping[str, tuple[float, int]]) -> None:
        """Count what others have counted."""
        for name, (total, count) in sums.items():
            if name in self.sums or len(self.sums) < _ROOM:
                before = self.sums.get(name, (0.0, 0))
                self.sums[name] = (before[0] + total, before[1] + count)
