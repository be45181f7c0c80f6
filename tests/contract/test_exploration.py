"""The noise in actions: as wide as the policy says, new at every step or lasting."""

import numpy as np
import pytest
from native import rollout, scenario, simulation

from soleus.bench.parts import random_state
from soleus.config import load_config
from soleus.errors import UserError
from soleus.exchange.weights import policy_tensors
from soleus.sim.buffers import Buffers

SPREAD = 0.3


def explored(correlation: float, steps: int = 200, humans: int = 64) -> Buffers:
    """A rollout of a policy that does nothing but explore, by SPREAD."""
    made = simulation(scenario("walk2d", policy__noise_correlation=correlation), humans=humans)
    state = random_state(policy_tensors(made.policy_spec), 1)
    quiet = {name: np.log(SPREAD) * np.ones_like(v) if name == "log_std" else 0 * v for name, v in state.items()}
    made.load_policy({name: 1 + v if name == "normalizer.std" else v for name, v in quiet.items()})
    return rollout(made, steps=steps)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_noise_follows_that_of_the_step_before_within_an_episode(correlation: float) -> None:
    buffers = explored(correlation)
    noise = buffers["actions"].astype(np.float64) / SPREAD
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    goes_on = ~buffers.done[:-1]
    before, after = noise[:-1][goes_on], noise[1:][goes_on]
    assert np.mean(before * after) == pytest.approx(correlation, abs=0.02)
    anew = buffers.done[:-1]
    assert anew.sum() > 500
    assert np.mean(noise[:-1][anew] * noise[1:][anew]) == pytest.approx(0.0, abs=0.05)
    constant = np.log(SPREAD) + 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(buffers["log_probs"], -(0.5 * noise**2 + constant).sum(2), rtol=1e-4, atol=1e-4)


def test_correlations_that_are_none() -> None:
    for value in (1.0, -0.1):
        with pytest.raises(UserError, match=r"policy.noise_correlation"):
            load_config("walk2d", {"policy.noise_correlation": value})
    with pytest.raises(UserError, match=r"policy.noise_correlation: expected 0 for env .*, got 0.5"):
        load_config("cartpole", {"policy.noise_correlation": 0.5})
