"""Promise 6: a human that diverges is reset, counted and named, and nobody else notices."""

import numpy as np
import pytest
from native import scenario, simulation

from soleus.collect.native import NativeCollector
from soleus.config import load_config
from soleus.sim.buffers import Buffers

VICTIM = 2


def _run(preset: str, spoil: float | None):
    made = simulation(scenario(preset), humans=5)
    buffers = Buffers(made, 6, samples=made.muscle_spec is not None)
    made.core.reset(7, buffers["observations"][0])
    if spoil is not None:
        states = made.save()
        nq = made.scenario.human.model.nq
        states[VICTIM, 1 + nq + 3] = spoil  # time, positions, then velocities
        made.restore(states)
    buffers.run(made, with_policy=True)
    return buffers


@pytest.mark.parametrize("preset", ["walk2d", "walk-myolegs-network"])
@pytest.mark.parametrize("spoil", [1e12, np.nan])
def test_nobody_else_notices(preset, spoil):
    calm, upset = _run(preset, None), _run(preset, spoil)
    assert upset["diverged"][0, VICTIM] == 1
    assert upset["terminated"][0, VICTIM] == 1
    assert upset["rewards"][0, VICTIM] == 0
    assert upset["diverged"].sum() == 1, "it went on from a fresh start"
    assert np.isfinite(upset["observations"]).all()
    assert np.isfinite(upset["final_observations"][upset.done]).all()
    others = [i for i in range(5) if i != VICTIM]
    for name in ("observations", "actions", "rewards", "terminated"):
        np.testing.assert_array_equal(calm[name][:, others], upset[name][:, others])


def test_collector_counts_and_names_it(capsys):
    collector = NativeCollector(load_config("walk2d", {"train.num_envs": 5, "train.rollout_steps": 4}), 1)
    from soleus.bench.parts import random_state
    from soleus.exchange.weights import policy_tensors

    collector.load_policy(random_state(policy_tensors(collector.simulation.policy_spec), 0))
    states = collector.simulation.save()
    states[VICTIM, 1 + collector.simulation.scenario.human.model.nq] = np.inf
    collector.simulation.restore(states)
    batch = collector.collect()
    assert batch.stats["diverged"] == 1
    assert "human 2 diverged" in capsys.readouterr().err
    assert np.isfinite(batch.observations).all()
