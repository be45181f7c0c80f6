"""The commands on environments that are not ours: train, evaluate, resume, with every collector."""

import json
from pathlib import Path

import pytest
import yaml

from soleus.cli import main
from soleus.config import load_config
from soleus.run.log import is_documented, read_metrics

SMALL = ["--num-envs", "4", "--train.rollout_steps", "32", "--ppo.batch_size", "64", "--train.eval_episodes", "3"]
SMALL += ["--train.learner_threads", "1"]


def rows(run: Path) -> list[dict[str, float]]:
    """Iterations without what the clock says."""
    kept = []
    for row in read_metrics(run):
        if "episode/count" in row:
            clocks = ("time/", "system/", "collect/")
            kept.append({key: value for key, value in row.items() if key == "time/steps" or not key.startswith(clocks)})
    return kept


def test_sequential_is_parallel_with_one_worker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same rows from the main process and one worker; with two, networks see other batches and round otherwise."""
    for name, flags in {
        "inline": ["--collector", "inline", "--num-workers", "1"],
        "one": ["--collector", "workers", "--num-workers", "1"],
        "two": ["--collector", "workers", "--num-workers", "2", "--threads-per-worker", "1"],
    }.items():
        arguments = ["train", "--env", "gymnasium:CartPole-v1", *SMALL, *flags, "--steps", "512"]
        assert main([*arguments, "--run-dir", str(tmp_path / name)]) == 0
        out = capsys.readouterr().out
        assert out.startswith("inline: 4 environments" if name == "inline" else "workers: ")
        assert "evaluation: return " in out
    assert rows(tmp_path / "inline") == rows(tmp_path / "one")
    assert len(rows(tmp_path / "one")) == 4
    for one, two in zip(rows(tmp_path / "one"), rows(tmp_path / "two"), strict=True):
        assert two == pytest.approx(one, rel=1e-3, abs=1e-6)


def test_a_run_of_workers_says_what_it_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    flags = ["--collector", "workers", "--num-workers", "2", "--steps", "512", "--run-dir", str(run)]
    assert main(["train", "cartpole", *SMALL, *flags]) == 0
    capsys.readouterr()
    recorded = read_metrics(run)
    assert [key for row in recorded for key in row if not is_documented(key)] == []
    wanted = {
        "collect_steps_per_s",
        "learn_steps_per_s",
        "collect_share",
        "learn_share",
        "publish_share",
        "waiting_share",
    }
    assert {f"time/{key}" for key in wanted} <= set(recorded[1])
    assert {"system/memory_mb", "system/cpu", "system/cpu_worker_0", "system/cpu_worker_1"} <= set(recorded[1])
    # Shares of one iteration's time; how much of it saving and recording take depends on the machine.
    shares = {key: recorded[1][f"time/{key}_share"] for key in ("collect", "learn", "publish", "waiting")}
    assert all(0 <= share <= 1 for share in shares.values())
    assert min(shares["collect"], shares["learn"]) > 0
    assert shares["collect"] + shares["learn"] <= 1.001
    summary = json.loads((run / "summary.json").read_text())
    assert summary["parallel"] == {
        "collector": "workers",
        "num_workers": 2,
        "num_envs_per_worker": 2.0,
        "threads_per_worker": 1,
    }
    assert summary["updates"] == 4 * 2 * 20
    assert summary["peak_memory_mb"] > 200
    assert main(["evaluate", str(run), "--episodes", "5", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {"episodes", "mean_return", "std_return", "mean_length", "share_truncated"}


def test_a_run_goes_on_with_other_workers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(["train", "cartpole", *SMALL, "--collector", "inline", "--steps", "256", "--run-dir", str(run)]) == 0
    more = ["--collector", "workers", "--num-workers", "2", "--steps", "512"]
    assert main(["train", "--resume", str(run), *more]) == 0
    assert [row["time/steps"] for row in rows(run)] == [128, 256, 384, 512]
    assert load_config(run / "config.yaml").parallel.num_workers == 2
    capsys.readouterr()


def test_a_file_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.yaml"
    content = {
        "base": "gymnasium",
        "env": {
            "id": "gymnasium:CartPole-v1",
            "wrappers": [{"TimeLimit": {"max_episode_steps": 20}}],
            "frame_stack": 2,
            "time_limit": "terminates",
        },
        "parallel": {"num_workers": 1, "num_envs_per_worker": 8},
        "training": {"n_steps": 16, "batch_size": 64, "n_epochs": 2, "total_timesteps": 256},
    }
    file.write_text(yaml.safe_dump(content))
    run = tmp_path / "run"
    assert main(["train", str(file), "--run-dir", str(run)]) == 0
    resolved = load_config(run / "config.yaml")
    assert (resolved.train.num_envs, resolved.train.rollout_steps, resolved.ppo.epochs) == (8, 16, 2)
    assert max(row["episode/length"] for row in rows(run) if "episode/length" in row) <= 20
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--env", "gymnasium:NoSuch-v0"], "env.id: expected an environment that can be made, but gymn"),
        (["train", "--env", "CartPole-v1"], "env.id: expected gymnasium:ID, envpool:ID, procgen:ID, got 'CartPole"),
        (
            ["train", "cartpole", "--collector", "native"],
            "cartpole: parallel.collector: expected workers, inline, step",
        ),
        (["train", "cartpole", "--collector", "worker"], "cartpole: parallel.collector: expected "),
        (["train", "cartpole", "--num-workers", "9"], "parallel.num_workers: expected at most one for each of the 8"),
        (
            ["train", "cartpole", "--ppo.batch_size", "100", "--num-workers", "1"],
            "cartpole: ppo.batch_size: expected a",
        ),
        (["train", "walk2d", "--collector", "workers"], "walk2d: parallel.collector: expected native, stepping or r"),
        (["train", "walk2d", "--env", "gymnasium:CartPole-v1"], "walk2d: expected a model or env, got both"),
        (["bench", "rollout", "cartpole"], "bench rollout: expected a preset with a model, got one of 'gymnasium:C"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}"), error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("runs/*")), "no folder is left of a run that never was"
