from typing import Any

import pytest

from soleus.config import EnvRunConfig, load_config
from soleus.config.resolve import resolve
from soleus.errors import UserError


def picked(cpus: int, **parallel: Any) -> tuple[EnvRunConfig, str]:
    given = {f"parallel.{key}": value for key, value in parallel.items()}
    config, said = resolve(load_config("procgen-coinrun", given), cpus)
    assert isinstance(config, EnvRunConfig)
    return config, said


@pytest.mark.parametrize(
    ("cpus", "parallel", "collector", "workers", "envs"),
    [
        (2, {}, "workers", 2, 32),
        (1, {}, "inline", 1, 32),
        (16, {}, "workers", 16, 32),
        (64, {}, "workers", 32, 32),
        (16, {"num_envs_per_worker": "auto"}, "workers", 16, 128),
        (2, {"num_envs_per_worker": "auto"}, "workers", 2, 32),
        (16, {"threads_per_worker": 4}, "workers", 4, 32),
        (2, {"num_workers": 4, "num_envs_per_worker": 16}, "workers", 4, 64),
        (8, {"collector": "inline"}, "inline", 1, 32),
        (8, {"collector": "stepping"}, "stepping", 1, 32),
        (8, {"collector": "workers", "num_workers": 1}, "workers", 1, 32),
    ],
)
def test_auto_picks_from_the_cpus_in_reach(
    cpus: int, parallel: dict[str, Any], collector: str, workers: int, envs: int
) -> None:
    config, said = picked(cpus, **parallel)
    assert (config.parallel.collector, config.parallel.num_workers, config.train.num_envs) == (collector, workers, envs)
    assert config.parallel.num_envs_per_worker is None
    assert f"{cpus} CPU" in said
    assert str(workers if collector == "workers" else envs) in said
    assert resolve(config, 3)[0] == config, "what is resolved stays, on another machine too"


def test_it_says_what_it_picked() -> None:
    assert picked(2)[1] == "workers: 2 processes of 16 environments, 1 thread each; 2 CPUs in reach"
    uneven = picked(3)[1]
    assert uneven == "workers: 3 processes of 10 or 11 environments, 1 thread each; 3 CPUs in reach"
    assert picked(1)[1] == "inline: 32 environments in this process; 1 CPU in reach"


def test_humans_need_no_workers() -> None:
    config = load_config("walk2d")
    assert resolve(config, 4) == (config, "")


def test_more_workers_than_environments_are_refused() -> None:
    with pytest.raises(UserError, match="expected at most one for each of the 32 environments, got 33"):
        picked(64, num_workers=33)


def test_the_minibatch_has_to_divide_what_was_picked() -> None:
    config = load_config("procgen-coinrun", {"parallel.num_envs_per_worker": 5, "ppo.batch_size": 512})
    with pytest.raises(UserError, match=r"ppo.batch_size: expected a divisor of the 1920 samples of a round") as raised:
        resolve(config, 3)
    assert str(raised.value).endswith("got 512; the nearest that divides them is 480")
