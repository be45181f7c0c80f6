"""What is said once of environments that can be learnt from, but not well as they are."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from soleus.config import EnvRunConfig
from soleus.environments.base import Group
from soleus.environments.checked import is_a
from soleus.environments.layers import innermost
from soleus.environments.promise import described

_WIDE = 5.0  # standard deviations of the policy in half an action's range, or half ranges in one

_NORMALIZERS = {
    "NormalizeObservation": "ppo.normalize_observations: true",
    "NormalizeReward": "ppo.normalize_rewards: true",
}


def advise(config: EnvRunConfig, group: Group) -> None:
    """Warn of a space of actions that the policy's spread does not fit, and of every wrapper that normalises."""
    inner: Any = innermost(group)
    said = [_range(inner.action_space, config.policy.initial_std), *_wrappers(inner.wrappers)]
    for one in filter(None, said):
        print(f"warning: {config.env.id}: {one}", file=sys.stderr, flush=True)


def _range(space: Any, std: float) -> str | None:
    """Say what does not fit of a box of real numbers, where a policy begins around 0."""
    if not isinstance(space, spaces.Box) or np.dtype(space.dtype).kind != "f":
        return None
    low, high = (np.asarray(side, np.float64) for side in (space.low, space.high))
    begins = f"the policy's first actions are about 0 +- {std:g} (policy.initial_std)"
    if not (np.isfinite(low) & np.isfinite(high)).all():
        return (
            f"{begins}, and the actions of {described(space)} have no bounds that say how large they are meant to be;"
            " give the space bounds, and RescaleAction in env.wrappers fits -1 to 1 into them"
        )
    half, centre = (high - low) / 2, (high + low) / 2
    what = None
    if (half > _WIDE * std).any():
        what = "far wider"
    elif (half < std / _WIDE).any():
        what = "far narrower"
    elif (np.abs(centre) > half / 2).any():
        what = "not centred"
    if what is None:
        return None
    fits = "[{RescaleAction: {min_action: -1.0, max_action: 1.0}}]"
    return f"{begins}, and the actions of {described(space)} are {what}; env.wrappers: {fits} fits them"


def _wrappers(wrappers: Sequence[Any]) -> list[str]:
    """Say which wrappers normalise by statistics of their own."""
    return [
        f"env.wrappers: {name} goes by statistics of its own, which differ from one environment to the next and are"
        f" in no checkpoint; {key} does it for all, and for evaluation too"
        for name, key in _NORMALIZERS.items()
        if any(is_a(one, name) for one in wrappers)
    ]
