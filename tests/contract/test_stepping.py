"""Stepping humans from Python gives the batch of the native rollout, bit for bit, also after a resume."""

import numpy as np
import pytest

from soleus.collect.base import Collector
from soleus.config import load_config
from soleus.errors import UserError
from soleus.learn.ppo import Ppo
from soleus.training import make_collector

SMALL = {"train.num_envs": 6, "train.rollout_steps": 40}


def both(**overrides: object) -> tuple[Collector, Collector, Ppo]:
    given = {**SMALL, **{key.replace("__", "."): value for key, value in overrides.items()}}
    native = make_collector(load_config("test-walk2d-small", given), 2)
    config = load_config("test-walk2d-small", {**given, "parallel.collector": "stepping"})
    return native, make_collector(config, 1), Ppo(config.ppo, config.policy, native.layout)


def test_stepping_equals_the_native_rollout() -> None:
    native, stepping, ppo = both()
    assert native.layout == stepping.layout
    ended = 0
    for _ in range(4):
        for one in (native, stepping):
            one.load_policy(ppo.policy_state())
        a, b = native.collect(), stepping.collect()
        for name in ("observations", "actions", "log_probs", "rewards", "terminated", "truncated"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
        done = a.terminated | a.truncated
        ended += int(done.sum())
        np.testing.assert_array_equal(a.final_observations[done], b.final_observations[done])
        np.testing.assert_allclose(a.episode_returns, b.episode_returns, rtol=1e-5)
        np.testing.assert_allclose(a.episode_lengths, b.episode_lengths, rtol=1e-6)
        ppo.learn(a)
    assert ended > 5


def test_stepping_goes_on_after_a_resume() -> None:
    _, whole, ppo = both()
    _, resumed, _ = both()
    whole.load_policy(ppo.policy_state())
    resumed.load_policy(ppo.policy_state())
    whole.collect()
    resumed.load_state({name: np.array(value) for name, value in whole.state().items()})
    a, b = whole.collect(), resumed.collect()
    for name in ("observations", "actions", "rewards", "episode_returns"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def test_a_muscle_network_learns_from_native_rollouts_alone() -> None:
    with pytest.raises(UserError, match=r"parallel.collector: expected native for coordination.method network"):
        both(coordination__method="network")
