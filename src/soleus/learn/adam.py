"""Adam (Kingma and Ba, 2015), and its state in a checkpoint, compared with the optimizer that is to go on from it."""

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import torch

from soleus.exchange.state import flaw_of


class Adam(torch.optim.Adam):
    """torch's Adam, without what torch.compile has put round some of its methods.

    Their first call would import torch's compiler, which takes most of a second of every training and is never used.
    """

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))  # which has no gradient of its own there either

    add_param_group = inspect.unwrap(torch.optim.Adam.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Adam.zero_grad)
    state_dict = inspect.unwrap(torch.optim.Adam.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Adam.load_state_dict)


def flaw_of_adam(state: Any, mine: torch.optim.Adam) -> str | None:
    """Say what in a state_dict of Adam does not fit a new Adam; None where all of it fits.

    torch accepts any state, and then fails in its first step or goes on with another algorithm. Only the learning rate
    may differ.
    """
    name, own = "optimizer", mine.state_dict()
    parameters = [one for group in mine.param_groups for one in group["params"]]
    if not isinstance(state, Mapping) or {*state} != {"state", "param_groups"}:
        return f"{name}: expected state and param_groups, got others"
    lists, steps = state["param_groups"], state["state"]
    if not isinstance(lists, list) or len(lists) != len(own["param_groups"]):
        return f"{name}.param_groups: expected {len(own['param_groups'])}, got others"
    for number, (group, expected) in enumerate(zip(lists, own["param_groups"], strict=True)):
        where = f"{name}.param_groups.{number}"
        if not isinstance(group, Mapping):
            return f"{where}: expected a mapping, got {type(group).__name__}"
        if flaw := flaw_of(group.get("lr"), 0.0, f"{where}.lr"):
            return flaw
        # What another version of torch has besides, or has not, keeps its default.
        shared = [key for key in expected if key != "lr" and (key in group or key == "params")]
        other = next((key for key in shared if not _same(group.get(key), expected[key])), None)
        if other is not None:
            return f"{where}.{other}: expected {expected.get(other)}, got {group.get(other)!r}"
    if not isinstance(steps, Mapping) or (steps and {*steps} != {*range(len(parameters))}):
        return f"{name}.state: expected one for each of {len(parameters)} parameters, or none, got others"
    for number, one in steps.items():
        like = torch.zeros_like(parameters[number].detach().cpu())
        expected_state = {"step": torch.zeros(()), "exp_avg": like, "exp_avg_sq": like}
        if flaw := flaw_of(one, expected_state, f"{name}.state.{number}"):
            return flaw
    return _flaw_of_steps({number: float(one["step"]) for number, one in steps.items()}, f"{name}.state")


def _flaw_of_steps(taken: Mapping[int, float], name: str) -> str | None:
    """Say what is wrong with how many steps parameters have taken: all of them learn in every step."""
    first = next(iter(taken.values()), 0.0)
    for number, steps in taken.items():
        if not (steps >= 0 and steps.is_integer()):
            return f"{name}.{number}.step: expected a whole number of steps, got {steps:g}"
        if steps != first:
            return f"{name}.{number}.step: expected {first:g} as of the other parameters, got {steps:g}"
    return None


def _same(found: Any, expected: Any) -> bool:
    return type(found) is type(expected) and bool(found == expected)


def completed(state: Mapping[str, Any], mine: torch.optim.Adam) -> dict[str, Any]:
    """Return a copy of Adam's state_dict that has all settings: torch fills in only some that are missing."""
    groups = zip(mine.state_dict()["param_groups"], state["param_groups"], strict=True)
    return copy.deepcopy({"state": state["state"], "param_groups": [{**own, **group} for own, group in groups]})
