"""What of a run's configuration a resume may change, and what starts from the beginning if it changes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.config import HumanRunConfig, RunConfig, fixed_keys
from soleus.config.fields import Mark
from soleus.config.keys import is_below, marked
from soleus.errors import UserError

Changes = Mapping[str, tuple[Any, Any]]
"""Values before and now, by dotted key; None where there is none."""

_OF_EACH_HUMAN = ("humans", "observations", "returns", "lengths")  # of a collector's state, (N, ...)


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return found


def changes(before: RunConfig, after: RunConfig) -> Changes:
    """Return what differs between two configurations: values, and the order of what the observation is made of."""
    old, new = (_flat(config.model_dump(mode="json", by_alias=True)) for config in (before, after))
    keys = [*old, *(key for key in new if key not in old)]
    found = {key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)}
    orders = zip(_observed(before).items(), _observed(after).values(), strict=False)
    return found | {
        key: (", ".join(one), ", ".join(other))
        for (key, one), other in orders
        if one != other and sorted(one) == sorted(other)
    }


def _observed(config: RunConfig) -> dict[str, list[str]]:
    """Names, in the order in which a human's observation has their numbers, by the key that they are below."""
    if not isinstance(config, HumanRunConfig):
        return {}
    return {
        "task.observation": list(config.task.observation),
        "conditions": [name for name, one in config.conditions.items() if one.observed],
    }


def check(found: Changes) -> None:
    """Raise UserError for a change that a run cannot go on with, saying why."""
    fixed = fixed_keys()
    for key, (before, now) in found.items():
        for name, why in fixed.items():
            if is_below(key, [name]):
                raise UserError(f"{key}: expected {_said(before)} as the run began, got {_said(now)}: {why}")


def _said(value: Any) -> str:
    return "none" if value is None else str(value)


def described(found: Changes) -> str:
    """Return one line about the changes that affect what is learnt; "" where there are none."""
    told = [
        f"{key} {_said(now)} (was {_said(before)})"
        for key, (before, now) in found.items()
        if not key.startswith("parallel.") and (not key.startswith("train.") or key.startswith("train.rollout"))
        if not is_below(key, marked(Mark.ASIDE))
    ]
    if "train.num_envs" in found:
        before, now = found["train.num_envs"]
        told.append(f"train.num_envs {now} (was {before})")
    return f"going on with {', '.join(told)}" if told else ""


def returns_mean_another_thing(found: Changes) -> bool:
    """Whether returns before and after cannot be compared, since the task or the environment is another one."""
    return any(is_below(key, marked(Mark.RETURN)) for key in found)


def fitted_state(
    state: Mapping[str, npt.NDArray[Any]], fresh: Mapping[str, npt.NDArray[Any]], num_envs: int
) -> dict[str, npt.NDArray[Any]]:
    """Return a collector's state for another number of humans: the first ones go on, others begin as in `fresh`.

    fresh: the collector's state at its start. If it has no humans in it, all start new episodes.
    """
    if "humans" not in state or len(state["humans"]) == num_envs:
        return dict(state)
    fitted = {}
    for name, saved in state.items():
        if name not in _OF_EACH_HUMAN:
            fitted[name] = saved
        elif name in fresh and fresh[name].shape[1:] == saved.shape[1:]:
            rows = min(num_envs, len(saved))
            fitted[name] = np.concatenate([saved[:rows], fresh[name][rows:]])
    return fitted


def source_of(run: str) -> Path:
    """Return the checkpoint file that train.start_from names: a file, or the best one of a run (shipped.find_run).

    A name is that of a policy that comes along: what is beside the file that said it is a path by now.
    """
    from soleus.config import builtin
    from soleus.run import checkpoint
    from soleus.run.shipped import find_run

    try:
        return checkpoint.locate(builtin.policy(run) if run in builtin.policies() else find_run(run), checkpoint.BEST)
    except UserError as error:
        raise UserError(f"train.start_from: {error}") from None


def check_source(source: RunConfig, config: RunConfig, file: Path) -> None:
    """Raise UserError for a run whose policy has other observations or actions than that of the new run."""
    for key, (theirs, mine) in sorted(changes(source, config).items()):
        if is_below(key, marked(Mark.INTERFACE)):
            raise UserError(
                f"train.start_from: expected a run with {key} {_said(mine)}, got one with {_said(theirs)}: {file}"
            )
