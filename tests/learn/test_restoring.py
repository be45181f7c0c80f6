"""What a learner is given to go on from is compared with what it gave, in all its parts, before it is taken."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from soleus.config import PolicyConfig, PpoConfig
from soleus.exchange.batch import Layout
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.learn.ppo import Ppo


def _ppo(learnt: bool) -> Ppo:
    layout = Layout(4, ObservationSpec((3,)), ActionSpec.continuous(2))
    made = Ppo(PpoConfig(value_hidden=(8,)), PolicyConfig(hidden=(8,)), layout, 0)
    if learnt:
        for parameter in (*made.policy.parameters(), *made.value.parameters()):
            parameter.grad = torch.ones_like(parameter)
        made.optimizer.step()
    return made


@pytest.mark.parametrize("learnt", [False, True])
def test_its_own_state_is_taken(learnt: bool) -> None:
    state = _ppo(learnt).state_dict()
    other = _ppo(False)
    other.load_state_dict(state)
    for name, tensor in state["policy"].items():
        assert torch.equal(other.policy.state_dict()[name], tensor)


SPOILS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda s: s.pop("value"), "missing 'value'"),
    (lambda s: s.update(extra=1), "unexpected 'extra'"),
    (
        lambda s: s["policy"].update({"log_std": torch.zeros(3)}),
        r"policy.log_std: expected float32 of shape \(2,\), got",
    ),
    (lambda s: s["policy"]["net.0.weight"].fill_(float("nan")), "policy.net.0.weight: expected finite numbers"),
    (lambda s: s.update(updates="many"), "updates: expected a number, got 'many'"),
    (lambda s: s.update(observations=None), "observations: expected a mapping, got NoneType"),
    (lambda s: s["generator"].resize_(5), r"generator: expected uint8 of shape"),
    (lambda s: s["optimizer"].update(param_groups=[]), "optimizer.param_groups: expected 2, got others"),
    (lambda s: s["optimizer"]["state"].pop(0), "optimizer.state: expected one for each of 9 parameters, or none"),
    (lambda s: s["optimizer"]["state"][0].pop("exp_avg_sq"), "optimizer.state.0: missing 'exp_avg_sq'"),
    (
        lambda s: s["optimizer"]["state"][1].update(exp_avg=torch.zeros(1)),
        "optimizer.state.1.exp_avg: expected float32",
    ),
    (
        lambda s: s["optimizer"]["state"][2]["step"].fill_(7),
        "optimizer.state.2.step: expected 1 as of the other parameters, got 7",
    ),
    (
        lambda s: s["optimizer"]["state"][0]["step"].fill_(-0.5),
        "optimizer.state.0.step: expected a whole number of steps, got -0.5",
    ),
    (
        lambda s: s["optimizer"]["param_groups"][0].update(lr=float("inf")),
        "optimizer.param_groups.0.lr: expected a numb",
    ),
    (
        lambda s: s["optimizer"]["param_groups"][0].update(betas=3),
        r"optimizer.param_groups.0.betas: expected \(0.9, 0.999\)",
    ),
    (lambda s: s["rewards"].update(running=torch.zeros(4, 2)), "rewards.running: expected float64 of shape"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILS, ids=[said[:30] for _, said in SPOILS])
def test_what_is_not_as_it_was_given_is_named(spoil: Callable[[Any], Any], said: str) -> None:
    state = copy.deepcopy(_ppo(True).state_dict())
    spoil(state)
    other = _ppo(False)
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(ValueError, match=said):
        other.load_state_dict(state)
    for name, tensor in before["policy"].items():
        assert torch.equal(other.policy.state_dict()[name], tensor), "what was there before stays"


def test_another_number_of_environments_is_no_flaw() -> None:
    state = _ppo(True).state_dict()
    state["rewards"]["running"] = torch.zeros(9, dtype=torch.float64)
    _ppo(False).load_state_dict(state)
