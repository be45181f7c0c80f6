"""The noise in actions: as wide as the policy says, and new at every step."""

import numpy as np
import pytest
from native import rollout, scenario, simulation

from soleus.bench.parts import random_state
from soleus.exchange.weights import policy_tensors

SPREAD = 0.3


def test_noise_is_new_at_every_step_and_as_likely_as_is_said() -> None:
    made = simulation(scenario("walk2d"), humans=64)
    state = random_state(policy_tensors(made.policy_spec), 1)
    quiet = {name: np.log(SPREAD) * np.ones_like(v) if name == "log_std" else 0 * v for name, v in state.items()}
    made.load_policy({name: 1 + v if name == "normalizer.std" else v for name, v in quiet.items()})
    buffers = rollout(made, steps=200)
    noise = buffers["actions"].astype(np.float64) / SPREAD
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert buffers.done[:-1].sum() > 500
    assert np.mean(noise[:-1] * noise[1:]) == pytest.approx(0.0, abs=0.02)
    constant = np.log(SPREAD) + 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(buffers["log_probs"], -(0.5 * noise**2 + constant).sum(2), rtol=1e-4, atol=1e-4)
