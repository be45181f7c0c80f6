from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rounds import config_of
from soleus.config import EnvRunConfig
from soleus.environments import advise, make_group, make_vector_group

PENDULUM = "gymnasium:Pendulum-v1"


class Acts(gymnasium.Env[Any, Any]):
    observation_space = spaces.Box(-1, 1, (2,), np.float32)

    def __init__(self, low: float, high: float) -> None:
        self.action_space = spaces.Box(low, high, (2,), np.float32)


gymnasium.register("Acts-v0", Acts)


def said_of(env: Any, capsys: pytest.CaptureFixture[str], vector: bool = False) -> str:
    config = config_of(env, policy__initial_std=0.5)
    assert isinstance(config, EnvRunConfig)
    group = make_vector_group(config.env, 2, "sync", 1) if vector else make_group(config.env, 2)
    advise(config, group)
    group.close()
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-1, 1, None),
        (-2, 2, None),
        (-0.4, 0.4, None),
        (-1, 1.5, None),
        (-100, 100, "are far wider"),
        (-0.01, 0.01, "are far narrower"),
        (0, 1, "are not centred"),
        (-5, -4, "are not centred"),
        (-np.inf, np.inf, "have no bounds"),
        (0, np.inf, "have no bounds"),
    ],
)
def test_actions_that_the_policy_does_not_fit(
    low: float, high: float, word: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_of({"id": "gymnasium:Acts-v0", "options": {"low": low, "high": high}}, capsys)
    if word is None:
        assert not said
        return
    assert said.count("\n") == 1
    assert said.startswith("warning: gymnasium:Acts-v0: the policy's first actions are about 0 +- 0.5")
    assert word in said
    assert "RescaleAction" in said


def test_the_wrapper_that_is_named_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    wrappers = [{"RescaleAction": {"min_action": -1.0, "max_action": 1.0}}]
    options = {"low": -100, "high": 100}
    assert not said_of({"id": "gymnasium:Acts-v0", "options": options, "wrappers": wrappers}, capsys)


@pytest.mark.parametrize("vector", [False, True])
@pytest.mark.parametrize(
    ("wrapper", "key"),
    [
        ("NormalizeObservation", "ppo.normalize_observations: true"),
        ("NormalizeReward", "ppo.normalize_rewards: true"),
        ({"TransformReward": {"func": float}}, None),
    ],
)
def test_wrappers_with_statistics_of_their_own(
    wrapper: Any, key: str | None, vector: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_of({"id": PENDULUM, "wrappers": [wrapper, "FlattenObservation"]}, capsys, vector)
    if key is None:
        assert not said
        return
    assert said.count("\n") == 1
    assert said.startswith(f"warning: {PENDULUM}: env.wrappers: {wrapper} goes by statistics of its own")
    assert key in said
