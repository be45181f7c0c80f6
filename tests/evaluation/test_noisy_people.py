"""People whose nerves are noisier or slower than in training, and what noise can be asked for."""

from pathlib import Path
from typing import Any

import pytest

import soleus
from soleus.config import HumanRunConfig, dump_config, load_config, load_human_config
from soleus.errors import UserError
from soleus.evaluation.noise import read_noise, with_noise
from soleus.sim.handover import task_data
from soleus.sim.scenario import load_scenario

ALL = {"observation": 0.05, "observation_delay": "40ms", "motor": 0.1, "motor_delay": "10ms"}


def test_noise_is_read() -> None:
    assert read_noise("observation=0.05, observation_delay=40ms,motor=1e-1,motor_delay=10ms") == ALL
    assert read_noise("none") == {}


@pytest.mark.parametrize("text", ["", "0.05", "observation", "observation=", "=0.05", "motor=0.1,", "none,motor=1"])
def test_noise_of_another_form(text: str) -> None:
    said = rf"--noise: expected NAME=VALUE,\.\.\. such as observation=0\.05,motor_delay=10ms, or none, got '{text}'"
    with pytest.raises(UserError, match=said):
        read_noise(text)


A_TIME = "expected a time such as 90s, 15m, 1h30m or 90 (seconds)"
WRONG = [
    ({"observation": -0.1}, "observation: expected greater than or equal to 0, got -0.1"),
    ({"observation": float("nan")}, "observation: expected a finite number, got nan"),
    ({"observation": "much"}, "observation: expected a valid number, got 'much'"),
    ({"motor": 11}, "motor: expected less than or equal to 10, got 11"),
    ({"observation_delay": 40}, "observation_delay: expected at most 500ms, got 40s"),
    ({"observation_delay": "40"}, "observation_delay: expected at most 500ms, got 40s"),
    ({"observation_delay": -0.02}, "observation_delay: expected greater than or equal to 0, got -0.02"),
    ({"observation_delay": "-20ms"}, f"observation_delay: {A_TIME}, got '-20ms'"),
    ({"observation_delay": "40 milliseconds"}, f"observation_delay: {A_TIME}, got '40 milliseconds'"),
    ({"motor_delay": float("nan")}, "motor_delay: expected a finite number, got nan"),
    ({"motor_delay": False}, "motor_delay: expected a valid number, got False"),
    ({"motor_delay": "600ms"}, "motor_delay: expected at most 500ms, got 0.6s"),
    ({"motor": 0.1, "motor_correlation": "1m"}, "motor_correlation: expected at most 10000ms, got 60s"),
    ({"motor_correlation": "50ms"}, "motor_correlation: expected 0 without motor noise, got 0.05s"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_noise_that_makes_no_sense(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as error:
        load_config("walk2d", {"task.noise": given})
    assert str(error.value) == f"walk2d: task.noise.{said}"
    with pytest.raises(UserError) as error:
        with_noise(load_human_config("walk2d"), given)
    assert str(error.value) == f"--noise: {said}"


def test_names_that_there_are_not() -> None:
    with pytest.raises(UserError, match=r"--noise: unknown key 'motr' \(did you mean 'motor'\?\)"):
        with_noise(load_human_config("walk2d"), {"motr": 0.1})
    with pytest.raises(UserError, match=r"--noise: expected values by name such as .*, got 'motor=0\.1'"):
        with_noise(load_human_config("walk2d"), "motor=0.1")  # type: ignore[arg-type]


def test_delays_are_told_in_simulation_steps_and_kept_to_the_last_digit(tmp_path: Path) -> None:
    given = {"observation_delay": "40ms", "motor_delay": "0.01ms"}
    config = load_human_config("walk2d", {"task.noise": given})
    told = task_data(config, load_scenario(config).human)["noise"]
    assert (told["observation_delay"], told["motor_delay"]) == (19, 1), "of 480 a second, and one at least"
    file = tmp_path / "config.yaml"
    file.write_text(dump_config(config))
    assert load_config(file) == config


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt a little with slow nerves."""
    folder = tmp_path_factory.mktemp("noisy") / "run"
    small: dict[str, Any] = {"num_envs": 4, "train": {"rollout_steps": 16, "eval_episodes": 0}, "ppo.minibatches": 1}
    keys = {"task.noise.observation_delay": "40ms", "task.noise.motor": 0.1}
    soleus.train("test-walk2d-small", steps=64, num_threads=1, run_dir=folder, **small, **keys)
    return folder


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
def test_the_same_noise_at_any_number_of_threads(run: Path, engine: str) -> None:
    how: dict[str, Any] = {"episodes": 5, "seed": 3, "engine": engine, "noise": ALL, "push": "20N,0.2s,back"}
    one, three = (soleus.evaluate(run, num_threads=threads, **how) for threads in (1, 3))
    assert one == three
    assert one["pushes"][0]["pushed"] <= 5


def test_noise_is_in_place_of_that_of_the_training(run: Path) -> None:
    how: dict[str, Any] = {"episodes": 5, "num_threads": 1}
    config = soleus.Run(run).config
    assert isinstance(config, HumanRunConfig)
    assert config.task.noise is not None
    as_trained = soleus.evaluate(run, **how)
    same = {"observation_delay": f"{config.task.noise.observation_delay}s", "motor": config.task.noise.motor}
    assert soleus.evaluate(run, noise=same, **how) == as_trained
    without, other = (soleus.evaluate(run, noise=noise, **how) for noise in ({}, {"motor_delay": "60ms"}))
    assert as_trained != without != other
    at = soleus.evaluate(run, at={}, **how)
    assert at == as_trained, "nerves are the person's, whatever else is asked for"


def test_a_run_goes_on_with_its_noise(run: Path) -> None:
    with pytest.raises(UserError, match=r"task\.noise"):
        soleus.train(resume=run, steps=128, **{"task.noise.motor": 0.2})
    soleus.train(resume=run, steps=128, num_threads=1)
