import numpy as np
import pytest

from rounds import config_of, ready
from soleus.config import EnvConfig
from soleus.evaluate_env import evaluate_env


def evaluation(env: object, episodes: int, **overrides: object) -> dict[str, float]:
    config = config_of(env, **overrides)
    assert isinstance(config, EnvConfig)
    _, ppo = ready(config)
    return evaluate_env(config, ppo.policy_state(), episodes, seed=1, num_threads=1)


def test_whole_episodes_are_counted() -> None:
    env = {"id": "gymnasium:counting_env:Counting-v0", "options": {"length": 4}}
    assert evaluation(env, 7) == {
        "episodes": 7,
        "mean_return": 10.0,
        "std_return": 0.0,
        "mean_length": 4.0,
        "share_truncated": 0.0,
    }


def test_it_takes_the_options_meant_for_it() -> None:
    env = {
        "id": "gymnasium:counting_env:Counting-v0",
        "options": {"length": 4},
        "evaluation": {"length": 2, "late": True},
    }
    result = evaluation(env, 40)
    assert (result["mean_return"], result["share_truncated"]) == (3.0, 1.0)


@pytest.mark.parametrize("deterministic", [True, False])
def test_it_repeats(deterministic: bool) -> None:
    env = {"id": "gymnasium:CartPole-v1", "deterministic_evaluation": deterministic}
    first = evaluation(env, 40)
    assert first == evaluation(env, 40)
    assert first["std_return"] > 0
    assert np.isfinite(list(first.values())).all()
