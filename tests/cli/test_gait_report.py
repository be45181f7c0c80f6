import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from run_folders import sequential
from soleus.cli import main
from soleus.cli.report import player_of
from soleus.models import Human
from soleus.motions.coordinates import coordinates_of
from soleus.motions.storage import storage_text
from soleus.sim.trace import Trace
from walker import still, walked


@dataclass
class Episodes:
    traces: list[Trace]
    residual_sums: tuple[float, float] = (0.0025, 1.0)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[list[Trace]], list[Any]]:
    """Put traces where the policy of a run would be; return what was asked for."""
    monkeypatch.chdir(tmp_path)
    sequential(Path("run"))

    def put(traces: list[Trace]) -> list[Any]:
        asked: list[Any] = []

        def player_of(*given: Any) -> tuple[dict[str, Any], Callable[[int], Episodes]]:
            asked.append(given)

            def one_round(number: int) -> Episodes:
                asked.append(number)
                return Episodes(traces)

            return {"name": given[0], "folder": given[0], "checkpoint": "best.pt", "steps": 400}, one_round

        monkeypatch.setattr("soleus.cli.report.player_of", player_of)
        return asked

    return put


def test_a_report_in_the_run(play: Callable[..., list[Any]], walk2d: Human, capsys: pytest.CaptureFixture[str]) -> None:
    asked = play([walked(walk2d, strides=13, seed=s).trace for s in (0, 1)])
    assert main(["report", "run", "--checkpoint", "latest", "--episodes", "2", "--seconds", "15"]) == 0
    assert asked == [("run", "latest", 2, 15.0, 0, None, None, {}), 0]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1.28 m/s, 110 steps/min, steps of 0.70 m, stance 61 %"
    assert lines[1].startswith("cost of transport 4.4")
    assert lines[1].endswith(", torque residual 0.050")
    assert lines[2].startswith("Means are over 24 strides of the right foot and 2")
    assert lines[3:] == [
        f"run/gait-report/{name}"
        for name in (
            "report.html", "report.json", "angles.png", "forces.png", "loads.png", "timing.png", "activations.png",
            "muscles.png", "curves.png",
        )
    ]  # fmt: skip
    assert all(Path(line).is_file() for line in lines[3:])


def test_json_is_that_of_the_file(
    play: Callable[..., list[Any]], walk2d: Human, capsys: pytest.CaptureFixture[str]
) -> None:
    play([walked(walk2d, strides=6).trace])
    assert main(["report", "run", "--out", "out", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said.pop("files")[0] == "out/report.html"
    assert said == json.loads(Path("out/report.json").read_text())
    assert said["strides"]["enough"] is True  # five rounds of it
    assert said["episodes"] == 5


def test_several_runs_are_laid_over_one_another(
    play: Callable[..., list[Any]], walk2d: Human, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = play([walked(walk2d, strides=13, seed=s).trace for s in (0, 1)])
    assert main(["report", "run", "runs/b/x", "runs/c/x", "--out", "both"]) == 0
    assert [one[0] for one in asked[:3]] == ["run", "runs/b/x", "runs/c/x"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines[:9:3]] == ["run", "b/x", "c/x"]
    assert lines[0].endswith(": 1.28 m/s, 110 steps/min, steps of 0.70 m, stance 61 %")
    assert lines[9:] == [
        f"both/{name}" for name in ("report.html", "report.json", "angles.png", "forces.png", "activations.png")
    ]
    assert main(["report", "run", "runs/b/x", "--out", "both", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said.pop("files")[0] == "both/report.html"
    assert said == json.loads(Path("both/report.json").read_text())
    assert [one["label"] for one in said["gaits"]] == ["run", "x"]


def test_conditions_are_laid_over_one_another(
    play: Callable[..., list[Any]], walk2d: Human, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = play([walked(walk2d, strides=13, seed=s).trace for s in (0, 1)])
    at = ["--at", "default", "--at", "speed=1.2,slope=90deg"]
    assert main(["report", "run", *at, "--out", "both", "--json"]) == 0
    assert [one[-1] for one in asked[:2]] == [{}, {"speed": 1.2, "slope": pytest.approx(1.5708, abs=1e-4)}]
    said = json.loads(capsys.readouterr().out)
    assert [one["label"] for one in said["gaits"]] == ["default", "speed=1.2,slope=90deg"]
    assert said["gaits"][1]["run"]["at"] == "speed=1.2,slope=90deg"
    assert main(["report", "run", "other", *at, "--out", "both", "--json"]) == 0
    labels = [one["label"] for one in json.loads(capsys.readouterr().out)["gaits"]]
    assert labels == [f"{run} at {one}" for run in ("run", "other") for one in ("default", "speed=1.2,slope=90deg")]


def test_which_of_several_does_not_walk(
    play: Callable[..., list[Any]], walk2d: Human, capsys: pytest.CaptureFixture[str]
) -> None:
    play([still(walk2d)])
    assert main(["report", "a", "b", "--out", "both"]) == 2
    error = capsys.readouterr().err
    assert error == "error: a: expected a person who walks, got no stride in 2 episodes of 10.0 s together\n"
    assert not Path("both").exists()


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "expected one run folder or more to report on, got none; see soleus report --help"),
        (["run", "--at", "default", "--at", "speed=1"], "--out: expected a folder for the report of 2 gaits, got none"),
        (["run", "--at", "speed"], "--at: expected NAME=VALUE such as speed=1.2, or default, got 'speed'"),
        (
            ["run", "--at", "a=1", "--at", "a=1", "--out", "x"],
            "--at: expected every gait once, got 'a=1' twice",
        ),
        (["run", "other"], "--out: expected a folder for the report of 2 gaits, got none"),
        (["s3://bucket/run"], "--out: expected a folder for the report of a run at a URL, got none beside s3://"),
    ],
)
def test_runs_that_make_no_report(
    runs: list[str], message: str, play: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    play([])
    assert main(["report", *runs]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_who_does_not_walk(play: Callable[..., list[Any]], walk2d: Human, capsys: pytest.CaptureFixture[str]) -> None:
    play([still(walk2d)])
    assert main(["report", "run"]) == 2
    error = capsys.readouterr().err
    assert error == "error: expected a person who walks, got no stride in 2 episodes of 10.0 s together\n"
    assert not Path("run/gait-report").exists()


def test_a_walk_beside_a_recording(
    play: Callable[..., list[Any]], walk2d: Human, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = walked(walk2d, strides=6).trace
    play([trace])
    poses = coordinates_of(walk2d, trace.qpos[::4])
    Path("poses.mot").write_text(storage_text("poses", trace.times[::4], poses, walk2d.name))
    assert main(["report", "run", "--against", "poses.mot", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["beside"]
    assert found["name"] == "poses.mot"
    assert found["matches"]["angles"]["knee_flexion"]["right"]["r"] > 0.99
    Path("forces.mot").write_text("none\n")
    assert main(["report", "run", "--against", "poses.mot", "--forces", "forces.mot"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: motion table 'forces.mot': expected a line 'endheader'")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--forces", "f.mot"], "--forces: expected it beside the poses of --against, got it alone"),
        (["--emg", "e.csv"], "--emg: expected it beside the poses of --against, got it alone"),
        (["--against", "none.mot"], "--against: expected a file, got none.mot, which is none"),
        (
            ["--at", "a=1", "--at", "a=2", "--against", "x.mot"],
            "--against: expected one gait to put beside a recording",
        ),
        (["--episodes", "0"], "--episodes: expected 1 or more, got 0"),
        (["--seconds", "1"], "--seconds: expected 2 to 600, got 1"),
        (["--seconds", "nan"], "--seconds: expected a time such as 90s, 15m, 1h30m or 90 (seconds), got 'nan'"),
        (["--seed", "-1"], "--seed: expected 0 or more and less than 2**62, got -1"),
        (["--num-threads", "0"], "--num-threads: expected 1 or more, got 0"),
        (["--out", "/proc/x"], "--out: expected a folder that can be written to, got /proc/x"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], message: str, play: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    play([])
    assert main(["report", "run", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_of_a_policy_that_has_hardly_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way, from a training of seconds: it does not walk, and that is said."""
    monkeypatch.chdir(tmp_path)
    assert main(["train", "test-walk2d-small", "--run-dir", "small", "--num-threads", "1"]) == 0
    known, play = player_of("small", "latest", 2, 3.0, 0, 1)
    assert (known["name"], known["folder"], known["checkpoint"]) == ("small", "small", "latest.pt")
    assert known["steps"] > 0
    first, again, other = play(0), play(0), play(1)
    assert len(first.traces) == 2
    trace = first.traces[0]
    assert trace.human.name == "walk2d"
    assert (trace.qpos == again.traces[0].qpos).all()
    assert trace.qpos.shape != other.traces[0].qpos.shape or (trace.qpos != other.traces[0].qpos).any()
    capsys.readouterr()
    assert main(["report", "small", "--episodes", "2", "--seconds", "3", "--num-threads", "1"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: expected a person who walks, got no stride in 4 episodes of ")
    assert error.count("\n") == 1
