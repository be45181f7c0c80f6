"""What other people's environments do wrong ends in one line, with the training saved."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from own_process import SOLEUS
from soleus.cli import main
from soleus.config import EnvRunConfig, load_config
from soleus.environments.convert import observation_spec
from soleus.errors import UserError
from soleus.run.checkpoint import read

ROUND = 32
MODULE = '''
import gymnasium, numpy as np

class Bad(gymnasium.Env):
    """Ends after 8 steps; from step `after` on, counted over its life, it does what `bad` says."""

    observation_space = gymnasium.spaces.Box(-1, 1, (3,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, bad="", after=0):
        self.bad, self.after, self.steps, self.count = bad, after, 0, 0

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return np.zeros(3, np.float32), {}

    def step(self, action):
        self.steps += 1
        self.count += 1
        bad = self.bad if self.steps > self.after else ""
        if bad == "step":
            raise ValueError("it broke\\nin two lines")
        if self.count == 40:
            open("far", "w").close()  # longer than a round
        seen = np.full(3, np.nan if bad == "observation" else 0, np.float32)
        return seen, np.nan if bad == "reward" else 1.0, self.count == 8 and bad != "never", False, {}

    def close(self):
        if self.bad == "close":
            raise RuntimeError("it would not close")

gymnasium.register("Bad-v0", Bad)
'''
COMMON = (
    *("--env", "gymnasium:bad_environments:Bad-v0", "--num-envs", "2", "--train.rollout_steps", "16"),
    *("--ppo.minibatches", "1", "--train.eval_episodes", "2", "--train.learner_threads", "1"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with a module of environments, which is found there."""
    (tmp_path / "bad_environments.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    gymnasium.registry.pop("Bad-v0", None)
    sys.modules.pop("bad_environments", None)


def train(*arguments: str, steps: int = 2 * ROUND) -> int:
    return main(["train", *COMMON, "--steps", str(steps), "--run-dir", "run", *arguments])


def saved() -> int:
    return int(read(Path("run/checkpoints/latest.pt"))["counters"]["steps"])


@pytest.mark.parametrize("collection", [("inline", "sync"), ("stepping", "sync"), ("stepping", "async")])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("step", r"failed in (environment 0|its environments): ValueError: it broke; "),
        ("reward", "expected finite rewards of .*, got nan of environment [01]; "),
        ("observation", "expected finite observations, got nan of environment [01]; "),
    ],
)
def test_the_training_so_far_is_saved(
    collection: tuple[str, str], bad: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collector, vectorization = collection
    flags = ("--collector", collector, "--parallel.vectorization", vectorization)
    assert train(*flags, "--env.options.bad", bad, "--env.options.after", "20", steps=10 * ROUND) == 2
    assert saved() == ROUND
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: gymnasium:bad_environments:Bad-v0")
    assert re.search(message + "the run is saved, go on with: soleus train --resume run$", last)


def test_evaluation_comes_after_the_training_is_saved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--collector", "inline", "--env.evaluation", "{bad: step}") == 2
    failed = "error: gymnasium:bad_environments:Bad-v0 failed in evaluation: ValueError: it broke"
    assert failed in capsys.readouterr().err
    assert saved() == 2 * ROUND


@pytest.mark.parametrize("collector", ["inline", "stepping", "workers"])
def test_what_cannot_be_closed_is_said_and_left(
    collector: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--collector", collector, "--num-workers", "1", "--env.options.bad", "close") == 0
    assert "warning: an environment could not be closed: RuntimeError: it would not close" in capsys.readouterr().err


def test_an_episode_that_does_not_end_counts_as_it_stands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--collector", "inline", "--env.options.bad", "never", "--env.max_evaluation_steps", "30") == 0
    out = capsys.readouterr().out
    assert "no episode has ended yet" in out
    assert "return 30 +- 0 over 2 episodes of 30 steps" in out


@pytest.mark.parametrize(
    ("number", "stage"),
    [
        (signal.SIGINT, "training"),
        (signal.SIGTERM, "evaluation"),
        pytest.param(signal.SIGTERM, "training", marks=pytest.mark.slow),  # three processes start, as for each of these
        pytest.param(signal.SIGINT, "evaluation", marks=pytest.mark.slow),
    ],
)
def test_signals_to_all_processes_end_a_run_with_a_checkpoint(number: int, stage: str, folder: Path) -> None:
    flags: tuple[Any, ...] = ("--duration", "100s", "--collector", "stepping", "--parallel.vectorization", "async")
    if stage == "evaluation":
        flags = ("--steps", ROUND, "--env.options.bad", "never", "--env.max_evaluation_steps", 10**9)
    run = subprocess.Popen(
        [*SOLEUS, "train", *COMMON, "--run-dir", "run", *map(str, flags)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    file = folder / ("run/metrics.jsonl" if stage == "training" else "far")
    deadline = time.monotonic() + 60
    while not file.is_file() or (stage == "training" and not file.read_text().count("\n")):
        assert time.monotonic() < deadline, "it did not train"
        time.sleep(0.05)
    os.killpg(run.pid, number)
    _, errors = run.communicate(timeout=30)
    assert (run.returncode, errors) == (0, "")
    assert saved() >= ROUND


def test_flags_of_an_environment_count_beside_its_name() -> None:
    for order in (1, -1):
        flags = [("env", "procgen:maze"), ("env.options.num_levels", 500), ("env.frame_stack", 2)][::order]
        config = load_config(None, dict(flags))
        assert isinstance(config, EnvRunConfig)
        assert (config.env.id, config.env.options["num_levels"], config.env.frame_stack) == ("procgen:maze", 500, 2)


def test_an_empty_observation_is_an_error() -> None:
    with pytest.raises(UserError, match=r"X: expected observations of one number or more, got Box"):
        observation_spec(gymnasium.spaces.Box(-1, 1, (0,), np.float32), "X")
