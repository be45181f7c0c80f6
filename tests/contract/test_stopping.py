"""A run that is asked to stop, or that cannot write any more, ends with its work saved."""

import os
import resource
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from own_process import SOLEUS
from soleus.run import checkpoint
from soleus.run.log import read_metrics

TRAIN = [
    *("train", "cartpole", "--duration", "10m", "--num-threads", "1", "--num-envs", "8", "--collector", "inline"),
    *("--num-workers", "1", "--train.eval-episodes", "1"),
]


def _start(run: Path, *arguments: str, **options: object) -> subprocess.Popen[str]:
    options.setdefault("preexec_fn", lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))  # who runs the tests may not
    defaults = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    command = [*SOLEUS, *TRAIN, "--run-dir", str(run), *arguments]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, **{**defaults, **options})  # type: ignore[call-overload, no-any-return]


def _wait_for_rows(run: Path, process: subprocess.Popen[str], rows: int = 2) -> None:
    deadline = time.monotonic() + 60
    while len(read_metrics(run)) < rows and process.poll() is None:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _steps(run: Path) -> int:
    return int(checkpoint.read(run / "checkpoints/latest.pt")["counters"]["steps"])


def _assert_saved(run: Path) -> None:
    last = read_metrics(run)[-1]["time/steps"]
    assert _steps(run) == last > 0, "nothing that was recorded is lost"
    assert not (run / ".lock").exists()


def test_a_closed_terminal_ends_a_run_as_sigterm_does(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = _start(run)
    _wait_for_rows(run, process)
    process.send_signal(signal.SIGHUP)
    out, error = process.communicate(timeout=300)
    assert (process.returncode, error) == (0, "")
    assert f"go on with: soleus train --resume {run}" in out
    _assert_saved(run)


def test_under_nohup_a_run_outlives_its_terminal(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = _start(run, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    _wait_for_rows(run, process)
    process.send_signal(signal.SIGHUP)
    rows = len(read_metrics(run))
    _wait_for_rows(run, process, rows + 3)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=300)


@pytest.mark.parametrize("ctrl_c", [False, True], ids=["head", "tee"])
def test_an_output_that_nobody_reads_any_more_ends_a_run_with_a_checkpoint(tmp_path: Path, ctrl_c: bool) -> None:
    """`| head -1` goes away by itself; at Ctrl-C the terminal ends `| tee` too, before the run says its last."""
    run = tmp_path / "run"
    process = _start(run)
    _wait_for_rows(run, process)
    assert process.stdout is not None
    process.stdout.close()
    if ctrl_c:
        process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    error = process.stderr.read()
    assert process.wait(60) == 0
    assert error.count("\n") == 1
    assert error.startswith("the output could not be written (nobody reads it any more): the run stops and is saved; ")
    _assert_saved(run)


def test_a_run_goes_on_from_where_it_was_stopped(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = _start(run)
    _wait_for_rows(run, process)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=300)
    steps = _steps(run)
    again = [*SOLEUS, "train", "--resume", str(run), "--steps", str(steps + 256)]
    assert subprocess.run(again, capture_output=True, check=False, timeout=60).returncode == 0
    assert _steps(run) >= steps + 256


def test_a_full_disk_ends_a_run_in_one_line_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: metrics.jsonl is the first to reach it."""
    run, limit = tmp_path / "run", 60_000
    small = ("--policy.hidden", "[4]", "--ppo.value_hidden", "[4]")  # a checkpoint of them is a third of the limit

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = _start(run, *small, "--train.checkpoint_interval", "2560", preexec_fn=limited)
    _, error = process.communicate(timeout=300)
    lines = error.strip().splitlines()
    assert process.returncode == 2, error
    assert "Traceback" not in error
    assert lines[-1].startswith("error: "), error
    assert f"go on with: soleus train --resume {run}" in lines[-1]
    assert _steps(run) > 0


def test_an_output_on_a_full_disk_ends_a_run_with_a_checkpoint_and_an_error(tmp_path: Path) -> None:
    run = tmp_path / "run"
    # An engine that is named is not told: the first line is of an iteration.
    what = ("train", "test-walk2d-small", "--num-threads", "1", "--duration", "10m", "--control.engine", "lanes")
    with open("/dev/full", "w") as full:
        command = [*SOLEUS, *what, "--run-dir", str(run)]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    again = f"the run is saved, go on with: soleus train --resume {run}"
    assert (ended.returncode, ended.stderr) == (
        2,
        f"error: the output could not be written (No space left on device); {again}\n",
    )
    _assert_saved(run)


@pytest.mark.parametrize("what", ["presets", "terms", "train"])
def test_without_an_output_at_all(tmp_path: Path, what: str) -> None:
    rest = [*TRAIN[1:2], "--steps", "256", "--run-dir", str(tmp_path / "run"), *TRAIN[4:]] if what == "train" else []
    command = f"{shlex.join([*SOLEUS, what, *rest])} >&-"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=str)
def test_a_signal_while_a_run_is_being_made_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    run = tmp_path / "run"
    process = _start(run)
    deadline = time.monotonic() + 60
    while not (run / ".lock").exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(number)
    _, error = process.communicate(timeout=300)
    if (run / "checkpoints/latest.pt").exists():  # it was made already
        assert process.returncode == 0
    else:
        assert (process.returncode, error) == (130, "interrupted\n")
        assert not run.exists()
