import json
from pathlib import Path
from typing import Any

import pytest

from soleus.cli import main
from soleus.config import EnvRunConfig, RunConfig

SLOW = "gymnasium:soleus.bench.slow:Slow-v0"
ENTRY = {
    "collect_steps_per_s": 1000.0,
    "learn_steps_per_s": 2000.0,
    "steps_per_s": 666.7,
    "collect_share": 0.67,
    "learn_share": 0.33,
    "publish_share": 0.0002,
    "waiting_share": 0.0,
    "cpu": 1.1,
    "collect_speed_up": 1.0,
    "collect_efficiency": 1.0,
    "train_speed_up": 1.0,
    "train_efficiency": 1.0,
}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[RunConfig, Any, int]]:
    """What sweeps are asked for; each is as fast as its first entry."""
    monkeypatch.chdir(tmp_path)
    calls: list[tuple[RunConfig, Any, int]] = []

    def bench_scaling(config: EnvRunConfig, workers: list[int], rounds: int) -> dict[str, Any]:
        calls.append((config, workers, rounds))
        crews = [("inline", 1), *(("workers", count) for count in workers)]
        entries = [{"collector": kind, "num_workers": count, **ENTRY} for kind, count in crews]
        facts = {"env": config.env.id, "num_envs": 8, "rollout_steps": 256, "learner_threads": 1, "rounds": rounds}
        return {**facts, "entries": entries}

    monkeypatch.setattr("soleus.bench.scaling.bench_scaling", bench_scaling)
    monkeypatch.setattr("soleus.machine.cpus.available_cpus", lambda: 2)
    return calls


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["bench", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    ("arguments", "subject", "num_envs", "workers"),
    [
        ([], "procgen:coinrun", 32, [1, 2]),
        (["--workers", "4,1,4"], "procgen:coinrun", 32, [1, 4]),
        (["cartpole", "--workers=2"], "gymnasium:CartPole-v1", 8, [2]),
        (["--env", SLOW, "--num-envs", "16"], SLOW, 16, [1, 2]),
        (["--env", SLOW, "--env.options.step_ms", "2", "--train.num_envs", "4"], SLOW, 4, [1, 2]),
        (["--threads-per-worker", "2"], "procgen:coinrun", 32, [1, 2]),
    ],
)
def test_what_is_measured(
    asked: list[tuple[RunConfig, Any, int]], arguments: list[str], subject: str, num_envs: int, workers: list[int]
) -> None:
    assert main(["bench", "scaling", *arguments, "--rounds", "3"]) == 0
    ((config, counts, rounds),) = asked
    assert (config.subject, config.train.num_envs, counts, rounds) == (subject, num_envs, workers, 3)
    assert config.parallel.threads_per_worker == (2 if "--threads-per-worker" in arguments else 1)


@pytest.mark.usefixtures("asked")
def test_screen_json_record_and_picture(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("docs").mkdir()
    files = ["--plot", "scaling.png", "--record", "docs/b.md"]
    for arguments in (["--workers", "1,2"], ["--workers", "1,2", "--json", *files], ["--workers", "1,2", *files]):
        monkeypatch.setattr("sys.argv", ["soleus", "bench", "scaling", *arguments])
        assert main(["bench", "scaling", *arguments]) == 0
        out = capsys.readouterr().out
        if "--json" in arguments:
            result = json.loads(out)
            assert set(result) == {"bench", "command", "machine", "results"}
            assert [entry["num_workers"] for entry in result["results"]["entries"]] == [1, 1, 2]
        else:
            assert "inline   1 worker   2 workers\n" in out
    assert Path("scaling.png").read_bytes().startswith(b"\x89PNG")
    text = Path("docs/b.md").read_text()
    assert text.count("## `soleus bench scaling --workers 1,2`\n") == 1
    assert "| rounds | 5 |\n\n| figure | inline | 1 worker | 2 workers |\n| --- | --- | --- | --- |\n" in text
    assert text.endswith("\n\n![scaling](../scaling.png)\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scaling", "--workers", "1;2"], "--workers: expected numbers such as 1,2,4, got '1;2'"),
        (["scaling", "--workers", "0,1"], "--workers: expected numbers such as 1,2,4, got '0,1'"),
        (["scaling", "--plot", "x.jpg"], "--plot: expected a PNG file in a folder that can be written to, got x.jpg"),
        (["scaling", "--plot", "no/x.png"], "--plot: expected a PNG file in a folder that can be written to, got no/x"),
        (["scaling", "--num-workers", "2"], "--num-workers: expected none for bench scaling (they are those of"),
        (["scaling", "--collector", "inline"], "--collector: expected none for bench scaling (it goes through inline"),
        (["scaling", "walk2d"], "bench scaling: expected a preset with env, or --env, got one of the model 'walk2d'"),
        (["scaling", "--num-envs", "x"], "procgen-coinrun: train.num_envs: expected a valid integer, got 'x'"),
        (["train", "--workers", "2"], "--workers: expected it for bench scaling alone, got it for bench train"),
        (["sync", "--plot", "x.svg"], "--plot: expected a PNG file in a folder that can be written to, got x.svg"),
        (["rollout", "--env", SLOW], f"bench rollout: expected a preset with a model, got one of '{SLOW}'"),
        (
            ["learn", "--env", SLOW, "--ppo.backend", "torch", "--train.device", "gpu9"],
            "train.device: expected cpu or cuda, got 'gpu9'",
        ),
        (["scaling", "--env", "gym:X"], "env.id: expected gymnasium:ID, envpool:ID, procgen:ID, got 'gym:X'"),
    ],
)
def test_wrong_usage_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert error_of(capsys, *arguments).startswith(message)


def test_training_in_environments_is_measured_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--train.rollout_steps", "32", "--ppo.epochs", "1", "--env.options.step_ms", "0", "--rounds", "1"]
    assert main(["bench", "train", "--env", SLOW, "--collector", "inline", "--num-workers", "1", "--json", *few]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert (results["model"], results["num_envs"]) == (SLOW, 8)
    assert results["steps_per_s"] > 0
    assert 0 < results["collect_share"] < 1


def test_any_benchmark_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, record = tmp_path / "body.png", tmp_path / "b.md"
    given = ["bench", "body", "walk2d", "--rounds", "1", "--plot", str(picture), "--record", str(record)]
    assert main(given) == 0
    assert "stable_pd_us" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert record.read_text().endswith("\n\n![body](body.png)\n")


def test_a_sweep_from_end_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--train.rollout_steps", "32", "--ppo.epochs", "1", "--env.options.step_ms", "0.1", "--rounds", "1"]
    assert main(["bench", "scaling", "--env", SLOW, "--workers", "2", "--json", *few]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    sequential, two = json.loads(captured.out)["results"]["entries"]
    assert (sequential["collector"], two["collector"], two["num_workers"]) == ("inline", "workers", 2)
    assert two["collect_speed_up"] > 0
    assert two["cpu"] > 0


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
@pytest.mark.parametrize("what", ["sync", "init", "train", "rollout"])
def test_figures_of_humans_say_what_moved_them(what: str, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--rounds", "1", "--num-envs", "2", "--num-threads", "1", "--json", "--control.engine", engine]
    assert main(["bench", what, "test-walk2d-small", *few]) == 0
    assert json.loads(capsys.readouterr().out)["results"]["engine"] == engine


def test_what_conditions_cost(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--rounds", "1", "--num-threads", "1", "--json", "--train.steps", "1000", "--train.num_envs", "4"]
    own = ["--conditions.length.femur_both", "[0.9, 1.1]"]
    assert main(["bench", "conditions", "test-walk2d-small", *few, *own]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert results["ratio"] == pytest.approx(results["steps_per_s_without"] / results["steps_per_s"])
    assert results["draw_us"] > 0
    assert main(["bench", "conditions", "test-walk2d-small", *few]) == 2
    assert "expected a configuration with conditions, got one without any" in capsys.readouterr().err


def test_updates_are_measured_against_torch(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--rounds", "1", "--num-envs", "2", "--num-threads", "1", "--json", "--coordination.method", "network"]
    assert main(["bench", "learn", "test-walk2d-small", *few]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    for figures in (results["ppo"], results["muscle"]):
        assert figures["ratio"] == pytest.approx(figures["torch_ms"] / figures["native_ms"])
        assert figures["samples"] > 0
        assert 0 < figures["of_peak"] < 1
