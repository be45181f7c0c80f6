"""What a checkpoint has of Adam, compared with what it is to go on with."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from soleus.checkpoint import flaw_of


def flaw_of_adam(state: Any, parameters: Sequence[Tensor], groups: int) -> str | None:
    """Say what of Adam's state_dict does not fit so many groups of these parameters; None where it does.

    torch takes any, and fails in its first step.
    """
    name = "optimizer"
    if not isinstance(state, Mapping) or {*state} != {"state", "param_groups"}:
        return f"{name}: expected state and param_groups, got others"
    lists, steps = state["param_groups"], state["state"]
    if not isinstance(lists, list) or len(lists) != groups or not all(isinstance(one, Mapping) for one in lists):
        return f"{name}.param_groups: expected {groups}, got others"
    for number, group in enumerate(lists):
        for key in ("lr", "eps", "weight_decay"):
            if flaw := flaw_of(group.get(key), 0.0, f"{name}.param_groups.{number}.{key}"):
                return flaw
        betas = group.get("betas")
        if not isinstance(betas, list | tuple) or len(betas) != 2 or any(flaw_of(one, 0.0) for one in betas):
            return f"{name}.param_groups.{number}.betas: expected two numbers, got {betas!r}"
    numbers = [one for group in lists for one in (group.get("params") or ())]
    if numbers != list(range(len(parameters))):
        return f"{name}.param_groups: expected {len(parameters)} parameters in order, got others"
    if not isinstance(steps, Mapping) or (steps and {*steps} != {*numbers}):
        return f"{name}.state: expected one for each of {len(parameters)} parameters, or none, got others"
    for number, one in steps.items():
        like = parameters[number].detach().cpu()
        expected = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(like)}
        expected["exp_avg_sq"] = expected["exp_avg"]
        if flaw := flaw_of(one, expected, f"{name}.state.{number}"):
            return flaw
    return None
