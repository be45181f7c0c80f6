"""A run goes on differently where that means something and says why where not; a new one begins with its weights."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from soleus.cli import main
from soleus.config import builtin, fixed_keys, known_keys, load_config
from soleus.run import checkpoint
from soleus.run.live import Counters
from soleus.run.log import read_metrics

SMALL = ("--num-envs", "4", "--train.rollout-steps", "16", "--ppo.batch_size", "16", "--train.eval-episodes", "1")
WALK = ("test-walk2d-small", "--num-threads", "1", *SMALL)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("walked") / "run"
    assert main(["train", *WALK, "--steps", "256", "--run-dir", str(run)]) == 0
    return run


@pytest.fixture
def run(walked: Path, tmp_path: Path) -> Path:
    import shutil

    shutil.copytree(walked, tmp_path / "run")
    return tmp_path / "run"


def _resume(run: Path, *flags: str) -> int:
    return main(["train", "--resume", str(run), "--steps", "384", *flags])


def _latest(run: Path) -> dict[str, Any]:
    return checkpoint.read(run / "checkpoints/latest.pt")


def test_another_rate(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _resume(run, "--ppo.learning_rate", "1e-5", "--ppo.schedule", "constant") == 0
    assert "going on with ppo.learning_rate 1e-05 (was 0.0003), ppo.schedule constant (was " in capsys.readouterr().out
    assert [row["ppo/learning_rate"] for row in read_metrics(run) if "ppo/kl" in row][-1] == 1e-5


@pytest.mark.parametrize("count", [2, 8])
def test_another_number_of_humans(run: Path, count: int) -> None:
    """Those that go on do so bit for bit; those that are new begin an episode."""
    before = _latest(run)["collector"]["humans"].numpy()
    steps = 256 + count * 16
    assert main(["train", "--resume", str(run), "--steps", str(steps), "--num-envs", str(count)]) == 0
    after = _latest(run)
    assert after["collector"]["humans"].shape[0] == count
    assert after["counters"]["steps"] == steps
    fitted = _started(run, before, count)
    np.testing.assert_array_equal(fitted[: min(4, count)], before[: min(4, count)])


def _started(run: Path, saved: np.ndarray, count: int) -> np.ndarray:
    from soleus.collect.native import NativeCollector
    from soleus.run.resuming import fitted_state

    config = load_config(run / "config.yaml")
    collector = NativeCollector(config, 1)  # type: ignore[arg-type]
    observations = np.zeros((len(saved), collector.layout.observation.shape[0]), np.float32)
    state = fitted_state({"humans": saved, "observations": observations}, collector.state(), count)
    collector.load_state(state)
    return collector.state()["humans"]


def test_another_reward_makes_the_best_of_before_no_best(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    best = _latest(run)["counters"]["best_evaluation"]
    assert best
    assert _resume(run, "--task.reward.terms.pose.weight", "0.001") == 0
    assert "task.reward.terms.pose.weight 0.001 (was " in capsys.readouterr().out
    counters = _latest(run)["counters"]
    assert counters["best_evaluation"] == counters["evaluation"]
    assert counters["best_evaluation"]["mean_return"] < best["mean_return"]
    assert json.loads((run / "summary.json").read_text())["best_evaluation"] == counters["best_evaluation"]


def test_episodes_of_another_length(run: Path) -> None:
    assert _resume(run, "--task.episode_seconds", "0.5") == 0
    assert load_config(run / "config.yaml").task.episode_seconds == 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--policy.hidden", "8,8"), "policy.hidden: expected [32, 32] as the run began, got [8, 8]: the learnt"),
        (("--policy.activation", "relu"), "policy.activation: expected tanh as the run began, got relu: the learnt"),
        (("--model", "myolegs"), "model: expected walk2d as the run began, got myolegs: the policy has learnt on this"),
        (("--control.mode", "torque"), "control.mode: expected muscle as the run began, got torque: the policy has"),
        (("--task.observation.phase", "null"), "task.observation.phase: expected {} as the run began, got none: the"),
        (("--seed", "3"), "train.seed: expected 0 as the run began, got 3: the random numbers of a run go on from its"),
        (("--train.start_from", "x"), "train.start_from: expected none as the run began, got "),
        (("--policy.initial_std", "1"), "policy.initial_std: expected "),
        (("--task.reward.costs", "held"), "task.reward.costs: expected always as the run began, got held: the saved"),
    ],
)
def test_what_cannot_be_changed_says_why(
    run: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], said: str
) -> None:
    before = _latest(run)["counters"]
    assert _resume(run, *flags) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said}")
    assert error.count("\n") == 1
    assert _latest(run)["counters"] == before


def test_fixed_keys_are_keys() -> None:
    fixed = fixed_keys()
    assert set(fixed) <= set(known_keys())
    assert {"model", "env.id", "policy.hidden", "task.observation"} <= set(fixed)


@pytest.mark.parametrize("which", ["", "checkpoints/latest.pt", "step"])
def test_a_new_run_begins_with_learnt_weights(walked: Path, tmp_path: Path, which: str, capsys: Any) -> None:
    source = sorted(walked.glob("checkpoints/step-*.pt"))[-1] if which == "step" else walked / which
    flags = ("--run-dir", str(tmp_path / "new"), "--train.start_from", str(source), "--ppo.learning_rate", "1e-9")
    assert main(["train", *WALK, "--ppo.schedule", "constant", "--steps", "64", *flags]) == 0
    assert f"starting from {source if which else walked / 'checkpoints/best.pt'}" in capsys.readouterr().out
    theirs, mine = checkpoint.read(source if which else walked / "checkpoints/best.pt"), _latest(tmp_path / "new")
    for name in ("net.0.weight", "net.4.bias", "log_std"):
        np.testing.assert_allclose(mine["policy"][name], theirs["policy"][name], atol=1e-6)
    assert mine["counters"]["steps"] == 64
    first = next(row for row in read_metrics(tmp_path / "new") if "ppo/kl" in row)
    assert first["ppo/kl"] < 1e-6
    assert main(["train", "--resume", str(tmp_path / "new"), "--steps", "128"]) == 0


def test_on_another_body_of_the_same_shape(tmp_path: Path) -> None:
    from person_files import CONFIG, write_person

    for name, mass in (("one", "7"), ("other", "9")):
        limbs = write_person(tmp_path / name / "models").parent / "parts/limbs.xml"
        limbs.write_text(limbs.read_text().replace('mass="7"', f'mass="{mass}"'))
        (tmp_path / name / "person.yaml").write_text(CONFIG)
    small = ("--num-threads", "1", *SMALL, "--steps", "64")
    one = tmp_path / "run"
    assert main(["train", str(tmp_path / "one/person.yaml"), *small, "--run-dir", str(one)]) == 0
    flags = ("--run-dir", str(tmp_path / "new"), "--train.start_from", str(one))
    assert main(["train", str(tmp_path / "other/person.yaml"), *small, *flags]) == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--train.start_from", "nowhere"), "train.start_from: "),
        (("--policy.hidden", "8"), "train.start_from: "),
        (
            ("--task.observation.phase", "null"),
            "train.start_from: expected a run with task.observation.phase none",
        ),
        (
            ("--control.mode", "torque"),
            "train.start_from: expected a run with control.mode torque, got one",
        ),
    ],
)
def test_weights_that_do_not_fit(walked: Path, tmp_path: Path, capsys: Any, flags: tuple[str, ...], said: str) -> None:
    flags = ("--train.start_from", str(walked), *flags)
    assert main(["train", *WALK, "--steps", "64", "--run-dir", str(tmp_path / "new"), *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said}")
    assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_a_policy_is_meant_where_the_file_that_names_it_has_no_such_run(
    walked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A folder of that name in the current folder is another one."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files/my.yaml").write_text("base: walk2d\ntrain: {start_from: walk2d}\n")
    (tmp_path / "walk2d").symlink_to(walked)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "files/my.yaml", *WALK[1:], "--steps", "64", "--run-dir", "new"]) == 0
    assert f"starting from {builtin.policy('walk2d') / 'checkpoints'}" in capsys.readouterr().out


def test_an_observation_in_another_order_is_another_one(walked: Path, tmp_path: Path, capsys: Any) -> None:
    """Weights would fit by their shapes, and mean nothing."""
    content = yaml.safe_load((walked / "config.yaml").read_text())
    content["task"]["observation"] = dict(reversed(content["task"]["observation"].items()))
    content["train"]["start_from"] = str(walked)
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    assert main(["train", str(tmp_path / "other.yaml"), "--run-dir", str(tmp_path / "new")]) == 2
    said = capsys.readouterr().err
    assert re.match(
        r"error: train\.start_from: expected a run with task\.observation \w+, .*, got one with \w+, ", said
    )
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), "3"])
def test_counters_that_are_no_finite_numbers_are_refused(figure: object) -> None:
    good = asdict(Counters(best_evaluation={"mean_return": 1.0, "std_return": 0.5, "episodes": 2.0}))
    assert Counters.read(good).best_evaluation["std_return"] == 0.5
    good["best_evaluation"]["std_return"] = figure
    with pytest.raises(ValueError, match=r"counters.best_evaluation: expected finite numbers, got"):
        Counters.read(good)
