"""What the tests of groups share."""

from typing import Any

import numpy as np

from soleus.environments import Group
from soleus.environments.base import Slots


def slots_for(group: Group) -> Slots:
    """Arrays that show what was not written."""
    n, seen = group.num_envs, group.observation
    images = [np.full((n, *seen.shape), 77, seen.dtype) for _ in range(2)]
    return Slots(*images, np.full(n, np.nan, np.float32), *(np.full(n, 255, np.uint8) for _ in range(3)))


def random_actions(group: Group, rng: np.random.Generator) -> Any:
    """Any actions."""
    action, n = group.action, group.num_envs
    if action.kind == "continuous":
        return rng.normal(size=(n, *action.shape)).astype(np.float32)
    if action.kind == "discrete":
        return rng.integers(0, action.sizes[0], n, np.int32)
    high = [max(size, 2) for size in action.sizes]
    return rng.integers(0, high, (n, len(high)), np.int32)


def steps(group: Group, count: int, seed: int = 3) -> list[Slots]:
    """Reset and step with random actions; return what each step wrote."""
    first = slots_for(group)
    group.reset(seed, first.observations)
    rng, taken = np.random.default_rng(seed), [first]
    for _ in range(count):
        slots = slots_for(group)
        group.step(random_actions(group, rng), slots)
        taken.append(slots)
    return taken
