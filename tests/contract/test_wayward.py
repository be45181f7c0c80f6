"""What environments do to those who collect from them ends in one line, with the training saved."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from own_process import SOLEUS
from ports import free_ports
from soleus.cli import main
from soleus.run.checkpoint import read

COMMON = (
    *("--env", "gymnasium:wayward_env:Wayward-v0", "--num-envs", "2", "--train.rollout_steps", "16"),
    *("--ppo.minibatches", "1", "--train.eval_episodes", "2", "--train.learner_threads", "1"),
)
INLINE = ("--collector", "inline")
WORKERS = ("--collector", "workers", "--num-workers", "1")  # a process that starts for a second or two
TWO_WORKERS = ("--collector", "workers", "--num-workers", "2")
CREWS = {
    "inline": INLINE,
    "workers": WORKERS,
    "sync": ("--collector", "stepping"),
    "async": ("--collector", "stepping", "--parallel.vectorization", "async"),
}
WHENS = ("init", "reset", "step")
# Workers are processes that start slowly: two moments more with them are slow.
EVERYWHERE = pytest.mark.parametrize(
    ("crew", "when"),
    [
        pytest.param(
            crew, when, marks=[pytest.mark.slow] if name == "workers" and when != "step" else [], id=f"{name}-{when}"
        )
        for name, crew in CREWS.items()
        for when in WHENS
    ],
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*arguments: Any, steps: int = 96) -> int:
    return main(["train", *COMMON, "--steps", str(steps), "--run-dir", "run", *map(str, arguments)])


def rows() -> list[dict[str, float]]:
    lines = Path("run/metrics.jsonl").read_text().splitlines()
    return [json.loads(line, parse_constant=pytest.fail) for line in lines]


@pytest.mark.parametrize("crew", CREWS.values(), ids=CREWS)
def test_what_is_not_of_the_space_ends_a_run_at_once(crew: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*crew, "--env.options.does", "reward", "--env.options.after", 40, steps=960) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    said = (
        r"error: gymnasium:wayward_env:Wayward-v0: expected a reward that is one number, got None of environment [01]; "
    )
    assert re.fullmatch(said + "the run is saved, go on with: soleus train --resume run", last)
    assert read(Path("run/checkpoints/latest.pt"))["counters"]["steps"] == 64


@EVERYWHERE
def test_leaving_ends_in_one_line(crew: tuple[str, ...], when: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(*crew, "--env.options.does", f"exits in {when}") == 2
    said = capfd.readouterr().err.splitlines()
    assert "SystemExit: enough" in said[-1]
    assert said[-1].startswith("error: ")
    if crew == INLINE:
        assert len(said) == 1
    if when != "init":
        assert said[-1].endswith("the run is saved, go on with: soleus train --resume run")


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("crew", ["inline", "async"])
def test_an_interrupt_of_its_own_is_an_error_of_the_environment(
    crew: str, when: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody pressed Ctrl-C: the run is saved, and does not end as if somebody had."""
    assert train(*CREWS[crew], "--env.options.does", f"interrupts in {when}") == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "KeyboardInterrupt" in last
    assert when == "init" or last.endswith("the run is saved, go on with: soleus train --resume run")


def test_a_process_of_a_vector_environment_that_dies_is_named_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert train(*CREWS["async"], "--env.options.does", "dies in step", "--env.options.after", 40) == 2
    said = capfd.readouterr().err.splitlines()
    expected = "expected processes of environments that go on, but that of environment [01] ended with exit code 3"
    saved = "the run is saved, go on with: soleus train --resume run"
    assert len(said) == 1
    assert re.fullmatch(f"error: gymnasium:wayward_env:Wayward-v0: {expected}; {saved}", said[0])
    assert read(Path("run/checkpoints/latest.pt"))["counters"]["steps"] == 64


@EVERYWHERE
def test_going_elsewhere_changes_nothing(crew: tuple[str, ...], when: str, folder: Path) -> None:
    (folder / "w.yaml").write_text("base: gymnasium\nenv: gymnasium:wayward_env:Wayward-v0\n")
    assert train(*crew, "--env.options.does", f"goes in {when}") == 0
    assert Path.cwd() == folder
    assert {"checkpoints", "config.yaml", "metrics.jsonl", "summary.json"} <= set(os.listdir(folder / "run"))
    assert main(["evaluate", "run", "--episodes", "2"]) == 0


@pytest.mark.parametrize("what", ["reward", "observation"])
def test_evaluation_is_as_strict(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*INLINE, "--env.evaluation.does", what) == 2
    got = (
        "expected a reward that is one number, got None"
        if what == "reward"
        else "expected finite observations, got nan"
    )
    said = f"gymnasium:wayward_env:Wayward-v0: {got} of environment 2 in evaluation"
    last = capsys.readouterr().err.splitlines()
    assert last == [f"error: {said}; the run is saved, go on with: soleus train --resume run"]
    assert read(Path("run/checkpoints/latest.pt"))["counters"]["steps"] == 96
    summary = json.loads(Path("run/summary.json").read_text(), parse_constant=pytest.fail)
    assert (summary["steps"], summary["evaluation"]) == (96, {})
    assert main(["evaluate", "run", "--json"]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


@pytest.mark.parametrize("crew", CREWS.values(), ids=CREWS)
def test_numbers_of_the_last_info_are_metrics(crew: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    info = "{is_success: true, fuel: 3, time/steps: 7, words: no number}"
    assert train(*crew, "--env.options.info", info) == 0
    told = [row for row in rows() if "episode/return" in row]
    wanted = {"info/is_success": 1.0, "info/fuel": 3.0, "info/time/steps": 7.0}
    for row in told:
        assert {name: value for name, value in row.items() if name.startswith("info/")} == wanted
    assert [row["time/steps"] for row in told] == [32, 64, 96]
    evaluation = json.loads(Path("run/summary.json").read_text())["evaluation"]
    assert {name: value for name, value in evaluation.items() if name.startswith("info/")} == wanted
    capsys.readouterr()
    assert main(["evaluate", "run", "--episodes", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["info/is_success"] == 1.0


def test_more_names_than_are_followed_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    info = "{" + ", ".join(f"k{i}: {i}" for i in range(100)) + "}"
    assert train(*INLINE, "--env.options.info", info) == 0
    said = "warning: info: expected at most 64 numbers by name, got 'k64' besides; it is not recorded\n"
    assert capsys.readouterr().err == said
    assert sum(name.startswith("info/") for name in rows()[0]) == 64


def test_no_evaluation_where_none_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--train.eval_episodes", 0, "--train.eval_interval", 32, "--env.evaluation.does", "exits in init")
    assert train(*INLINE, *flags) == 0
    assert "evaluation" not in capsys.readouterr().out
    summary = json.loads(Path("run/summary.json").read_text())
    assert (summary["evaluation"], summary["best_evaluation"]) == ({}, {})
    assert not Path("run/checkpoints/best.pt").exists()
    assert main(["train", "--resume", "run", "--steps", "128"]) == 0
    assert main(["compare", "run", "run", "--out", "compared"]) == 0
    assert main(["doctor", "run", "--quick"]) in (0, 1)


@pytest.mark.parametrize("crew", [INLINE, TWO_WORKERS, CREWS["sync"]], ids=["inline", "workers", "sync"])
def test_environments_are_told_their_number(crew: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*crew, "--env.numbered.port", free_ports(4), "--env.numbered.name", "sim-{number}") == 0
    assert main(["evaluate", "run", "--episodes", "2"]) == 0
    capsys.readouterr()


def test_one_port_for_all_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*INLINE, "--env.options.port", free_ports()) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: env.id: expected an environment that can be made, but gymnasium:wayward_env")
    assert said.endswith("Address already in use; env.numbered gives each environment a port of its own\n")


def test_one_environment_may_be_evaluated_alone() -> None:
    """In no more environments than asked for."""
    port = free_ports(2)
    flags = ("--num-envs", 1, "--env.options.port", port, "--env.evaluation.port", port + 1, "--env.evaluation_envs", 1)
    assert train(*INLINE, *flags) == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--env.numbered.port", "true"), "env.numbered.port: expected a whole number or a text with {number} in it"),
        (("--env.numbered.name", "sim"), "env.numbered.name: expected a whole number or a text with {number} in it"),
        (("--env.numbered.port", "1", "--env.options.port", "2"), "env.numbered.port: expected an option that neither"),
    ],
)
def test_bad_numbers_are_one_line(flags: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*flags) == 2
    assert capsys.readouterr().err.startswith(f"error: gymnasium: {said}")


@pytest.mark.parametrize(
    ("crew", "does"),
    [
        pytest.param(INLINE, "hangs", id="inline-hangs"),
        pytest.param(WORKERS, "hangs", id="workers-hangs"),
        # Each waits for processes to start and for 8 s of patience.
        pytest.param(CREWS["sync"], "hangs", id="sync-hangs", marks=pytest.mark.slow),
        pytest.param(CREWS["async"], "hangs", id="async-hangs", marks=pytest.mark.slow),
        pytest.param(INLINE, "deaf", id="inline-deaf", marks=pytest.mark.slow),
    ],
)
def test_one_sigterm_ends_a_run_that_hangs(crew: tuple[str, ...], does: str, folder: Path) -> None:
    flags = (
        "--env.options.does",
        does,
        "--env.options.after",
        "30",
        "--env.options.tell",
        "stuck",
        "--duration",
        "100s",
        "--run-dir",
        "run",
    )
    run = subprocess.Popen(
        [*SOLEUS, "train", *COMMON, *crew, *flags],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "support")},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not Path("stuck").exists():
        assert time.monotonic() < deadline, "no environment hangs"
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGTERM)
    out, err = run.communicate(timeout=30)
    if does == "hangs":
        assert (run.returncode, err) == (0, "")
        assert out.endswith("stopped early; go on with: soleus train --resume run\n")
    else:
        assert run.returncode == 2
        said = "expected environments to return within 8 s; the run is saved, go on with: soleus train --resume run"
        assert err == f"error: {said}\n"
    assert read(Path("run/checkpoints/latest.pt"))["counters"]["steps"] == 32
