import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from own_process import SOLEUS
from soleus.cli import main
from soleus.config import load_config
from soleus.errors import UserError
from soleus.run import log
from soleus.sim import profiling
from soleus.training import build, train

REPORT = {
    "sections": {"physics": 2.0, "muscles": 0.4, "coordination": 0.8, "torque": 0.2, "policy": 0.1, "terms": 0.1},
    "wall": 1.9,
    "busy": 3.7,
    "alone": 0.1,
}
NAMES = {"physics", "muscles", "coordination", "torque", "policy", "terms", "learner", "waiting", "other"}


def shares_of(row: dict[str, float]) -> dict[str, float]:
    return {key.removeprefix("profile/"): value for key, value in row.items() if key.startswith("profile/")}


def test_shares_that_one_can_follow_by_hand() -> None:
    collected = profiling.of_collection(REPORT, took=2.0, threads=2)
    assert collected["profile/physics"] == 0.5
    assert collected["profile/waiting"] == pytest.approx(0.05), "0.1 s alone, 0.1 s while Python is at work, of 4 s"
    assert collected["profile/other"] == pytest.approx(0.05)
    row = profiling.of_iteration({**collected, "system/x": 3.0}, collecting=0.8, learning=0.15)
    assert row["system/x"] == 3.0
    shares = shares_of(row)
    assert shares.keys() == NAMES
    assert sum(shares.values()) == pytest.approx(1.0)
    assert (shares["physics"], shares["learner"]) == (pytest.approx(0.4), 0.15)
    assert shares["other"] == pytest.approx(0.05 * 0.8 + 0.05)
    assert profiling.in_words(row).startswith("physics 40%, coordination 16%, learner 15%, other 9%, muscles 8%")


def test_a_batch_without_a_profile_stays_as_it_is() -> None:
    assert profiling.of_iteration({"system/x": 3.0}, 0.8, 0.15) == {"system/x": 3.0}
    assert profiling.in_words({"system/x": 3.0}) == ""


def learnt(folder: Path, **overrides: Any) -> list[dict[str, float]]:
    """Train a little; return what the run recorded."""
    chosen = {"train.steps": 768, "train.num_threads": 2, "train.learner_threads": 1, "train.eval_episodes": 1}
    config = load_config("test-walk2d-small", {**chosen, **overrides})
    train(build(config, folder))
    return log.read_metrics(folder)


def without_clock(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    told = [{key: value for key, value in row.items() if not key.startswith("profile/")} for row in rows]
    timed = ("time/", "system/")
    return [{k: v for k, v in row.items() if k == "time/steps" or not k.startswith(timed)} for row in told]


@pytest.mark.parametrize("method", ["static_optimization", "network"])
def test_a_profile_changes_nothing_that_is_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    plain = learnt(tmp_path / "plain", **{"coordination.method": method})
    assert "time: " not in capsys.readouterr().out
    rows = learnt(tmp_path / "profiled", **{"coordination.method": method, "train.profile": True})
    assert without_clock(rows) == without_clock(plain)
    assert not any(shares_of(row) for row in plain)
    iterations = [row for row in rows if "evaluate/mean_return" not in row]
    assert len(iterations) == 3
    for row in iterations:
        shares = shares_of(row)
        assert shares.keys() == NAMES
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-9)
        assert all(-1e-6 <= share <= 1 for share in shares.values())
        assert shares["learner"] == row["time/learn_share"]
        assert min(shares["physics"], shares["coordination"], shares["policy"]) > 0
        assert [key for key in row if not log.is_documented(key)] == []
    shown = capsys.readouterr().out
    assert "\n  time: " in shown
    assert "physics " in shown


@pytest.mark.parametrize(
    ("preset", "overrides", "message"),
    [
        ("cartpole", {}, r"train.profile: expected false for env \(the core tells it of humans alone\), got true"),
        ("walk2d", {"parallel.collector": "stepping"}, r"train.profile: expected false with the stepping collector"),
        ("walk2d", {"train.profile": "a lot"}, "train.profile: expected a valid boolean, got 'a lot'"),
    ],
)
def test_who_cannot_be_profiled(preset: str, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(preset, {"train.profile": True, **overrides})


def test_the_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "cartpole", "--profile", "--steps", "10"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: cartpole: train.profile: expected false for env")
    assert error.count("\n") == 1
    few = ["--train.eval_episodes", "1", "--num-threads", "1"]
    assert main(["train", "test-walk2d-small", "--profile", "--steps", "256", "--run-dir", "run", *few]) == 0
    assert load_config(Path("run/config.yaml")).train.profile
    resume = ["train", "--resume", "run", "--steps", "512", "--train.profile", "false"]
    assert main(resume) == 0
    first, *_, last = [row for row in log.read_metrics(Path("run")) if "evaluate/mean_return" not in row]
    assert (len(shares_of(first)), len(shares_of(last))) == (len(NAMES), 0)


def test_the_screen_where_the_output_is_ascii(tmp_path: Path) -> None:
    """The whole of a run's output, in an encoding without blocks."""
    few = ["--steps", "1024", "--train.eval_episodes", "1", "--task.episode_seconds", "0.1", "--run-dir", "run"]
    result = subprocess.run(
        [*SOLEUS, "train", "test-walk2d-small", "--profile", *few],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.decode("ascii").splitlines()
    assert set(lines[-4].split("left  ")[1]) <= set("_.:-=+*#"), lines
