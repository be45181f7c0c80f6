"""The arrays of a round, laid out (T, N, ...), and the Batch that is made of them.

Flags are 255 until they are written, so that a slot that was left out is noticed.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.collect.base import CollectorFailed
from soleus.environments.base import Slots
from soleus.environments.bounds import REWARDS
from soleus.exchange.batch import Batch, Layout
from soleus.machine.memory import check_memory

UNWRITTEN = 255
_FLAGS = ("terminated", "truncated", "valid")

Arrays = Mapping[str, npt.NDArray[Any]]


def round_table(layout: Layout, steps: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Return shape and dtype of the arrays of a round, by name. Raises UserError where there is too little memory."""
    n, seen, action = layout.num_envs, layout.observation, layout.action
    table: dict[str, tuple[tuple[int, ...], Any]] = {
        "observations": ((steps + 1, n, *seen.shape), seen.dtype),
        "final_observations": ((steps, n, *seen.shape), seen.dtype),
        "actions": ((steps, n, *action.shape), action.dtype),
        "log_probs": ((steps, n), np.float32),
        "rewards": ((steps, n), np.float32),
        **{flag: ((steps, n), np.uint8) for flag in _FLAGS},
        "episode_returns": ((steps, n), np.float32),
        "episode_lengths": ((steps, n), np.int32),
    }
    needed = sum(math.prod(map(float, shape)) * np.zeros(0, dtype).itemsize for shape, dtype in table.values())
    check_memory(f"train: a round of {steps:,} steps of {n:,} environments", needed)
    return table


def slots_of(arrays: Arrays, t: int, columns: slice) -> Slots:
    """Return where step t of some environments is written."""
    return Slots(
        arrays["observations"][t + 1, columns],
        arrays["final_observations"][t, columns],
        arrays["rewards"][t, columns],
        arrays["terminated"][t, columns],
        arrays["truncated"][t, columns],
        arrays["valid"][t, columns],
    )


def prefill(arrays: Arrays) -> None:
    """Mark every slot as unwritten."""
    for flag in _FLAGS:
        arrays[flag][:] = UNWRITTEN
    for name in ("rewards", "log_probs"):
        arrays[name][:] = np.nan


def discard(arrays: Arrays, columns: slice) -> None:
    """Mark the steps in the columns of a lost worker as invalid."""
    for name in ("observations", "final_observations", "actions", "log_probs", "rewards", "truncated", "valid"):
        arrays[name][:, columns] = 0
    arrays["terminated"][:, columns] = 1


def check(arrays: Arrays, name: str, first: int = 0) -> None:
    """Raise CollectorFailed where a slot was never written, or an environment gave a number that is not finite.

    first: number of the first environment among all of the run.
    """
    flags = np.maximum.reduce([arrays[flag] for flag in _FLAGS])
    if (flags == UNWRITTEN).any():
        step, env = np.argwhere(flags == UNWRITTEN)[0]
        raise CollectorFailed(
            f"{name}: expected step {step} of environment {first + env} to be written, but it never was"
        )
    rewards = arrays["rewards"]
    if not np.isfinite(rewards).all():
        step, env = np.argwhere(~np.isfinite(rewards))[0]
        raise CollectorFailed(f"{name}: {REWARDS}, got {rewards[step, env]} of environment {first + env}")
    for kind in ("observations", "final_observations"):
        seen = arrays[kind]
        if seen.dtype.kind != "f" or np.isfinite(seen).all():
            continue
        step, env, *place = np.argwhere(~np.isfinite(seen))[0]
        got = seen[(step, env, *place)]
        raise CollectorFailed(f"{name}: expected finite observations, got {got} of environment {first + env}")


def as_batch(
    arrays: Arrays,
    control_dt: float | None,
    stats: dict[str, float],
    metrics: dict[str, float],
    info: dict[str, tuple[float, int]] | None = None,
) -> Batch:
    """Return the batch of a round whose slots are all written."""
    valid = arrays["valid"].view(np.bool_)
    done = (arrays["terminated"] | arrays["truncated"]).view(np.bool_) & valid
    return Batch(
        observations=arrays["observations"],
        actions=arrays["actions"],
        log_probs=arrays["log_probs"],
        rewards=arrays["rewards"],
        terminated=arrays["terminated"].view(np.bool_),
        truncated=arrays["truncated"].view(np.bool_),
        final_observations=arrays["final_observations"],
        valid=None if valid.all() else valid,
        episode_returns=arrays["episode_returns"][done],
        episode_lengths=arrays["episode_lengths"][done].astype(np.float32) * np.float32(control_dt or 1.0),
        stats=stats,
        metrics=metrics,
        info=info or {},
    )
