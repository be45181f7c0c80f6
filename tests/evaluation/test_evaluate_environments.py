import numpy as np
import pytest
import torch

from rounds import config_of, ready
from soleus.collect.policy import TorchPolicy
from soleus.config import EnvRunConfig
from soleus.evaluation.environments import evaluate_env


def evaluation(env: object, episodes: int, **overrides: object) -> dict[str, float]:
    config = config_of(env, **overrides)
    assert isinstance(config, EnvRunConfig)
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


@pytest.mark.parametrize(("limit", "length", "cut"), [(10_000, 5, 0.0), (5, 5, 0.0), (3, 3, 1.0)])
@pytest.mark.parametrize("time_limit", ["truncates", "terminates"])
def test_returns_are_of_one_kind_whatever_ends_an_episode(limit: int, length: int, cut: float, time_limit: str) -> None:
    """They are as the environment gives them below a wrapper that scales rewards, in episodes cut short too."""
    env = {"id": "gymnasium:counting_env:Scaled-v0", "max_evaluation_steps": limit, "evaluation_envs": 2}
    result = evaluation(env | {"time_limit": time_limit}, 7)
    assert result == {
        "episodes": 7,
        "mean_return": length * (length + 1) / 2,
        "std_return": 0.0,
        "mean_length": length,
        "share_truncated": cut,
    }


def test_an_episode_that_is_cut_tells_of_its_last_step() -> None:
    env = {"id": "gymnasium:wayward_env:Wayward-v0", "max_evaluation_steps": 3}
    assert evaluation(env, 4)["info/ignored"] == 1.0


@pytest.mark.parametrize("deterministic", [True, False])
def test_it_repeats(deterministic: bool) -> None:
    env = {"id": "gymnasium:CartPole-v1", "deterministic_evaluation": deterministic}
    first = evaluation(env, 40)
    assert first == evaluation(env, 40)
    assert first["std_return"] > 0
    assert np.isfinite(list(first.values())).all()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_policy_that_is_given_is_the_one_that_acts(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"id": "gymnasium:counting_env:Counting-v0", "options": {"length": 3, "seen": "image"}}
    config = config_of(env, ppo__precision=precision, train__seed=5)
    assert isinstance(config, EnvRunConfig)
    _, ppo = ready(config)
    for parameter in ppo.policy.parameters():
        parameter.data.mul_(1.5)
    met = []

    class Watched(TorchPolicy):
        def likeliest(self, observations: np.ndarray) -> np.ndarray:
            met.append((observations.copy(), self.parameters(observations).copy()))
            return super().likeliest(observations)

    monkeypatch.setattr("soleus.evaluation.environments.TorchPolicy", Watched)
    evaluate_env(config, ppo.policy_state(), 2, seed=1, num_threads=1)
    images, parameters = met[1]  # the first is black, which every policy takes alike
    with torch.inference_mode():
        np.testing.assert_array_equal(parameters, ppo.policy(torch.from_numpy(images)).numpy())
