"""Small rounds from environments, for the tests of collectors."""

from typing import Any

import numpy as np

from soleus.collect.base import Collector
from soleus.config import RunConfig, load_config
from soleus.config.resolve import resolve
from soleus.exchange.batch import Batch
from soleus.learn.ppo import Ppo
from soleus.training import make_collector

ENV = "gymnasium:counting_env:Counting-v0"


def config_of(env: Any = ENV, **overrides: Any) -> RunConfig:
    given = {
        "train.num_envs": 4,
        "train.rollout_steps": 8,
        "ppo.batch_size": 16,
        "parallel.collector": "inline",
        "policy.hidden": [8],
        "ppo.value_hidden": [8],
        **{key.replace("__", "."): value for key, value in overrides.items()},
    }
    return resolve(load_config(None, {"env": env, **given}), 1)[0]


def ready(config: RunConfig) -> tuple[Collector, Ppo]:
    collector = make_collector(config, 1)
    ppo = Ppo(config.ppo, config.policy, collector.layout, 0)
    collector.load_policy(ppo.policy_state())
    return collector, ppo


def as_dict(batch: Batch) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in vars(batch).items() if isinstance(value, np.ndarray)}


def same(one: Batch, other: Batch, *without: str) -> None:
    a, b = as_dict(one), as_dict(other)
    done = one.terminated | one.truncated
    a["final_observations"], b["final_observations"] = one.final_observations[done], other.final_observations[done]
    for name in a:
        if name not in without:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)
