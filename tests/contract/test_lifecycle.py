"""Workers come and go without a trace: after a normal end, Ctrl-C, SIGTERM, and when the main process is killed."""

import contextlib
import gc
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from own_process import SOLEUS
from rounds import config_of, ready
from soleus.cli import main
from soleus.collect.processes.workers import WorkersCollector
from soleus.machine.usage import cpu_seconds
from soleus.run.log import read_metrics

TRAIN = [
    *("train", "--env", "gymnasium:CartPole-v1", "--collector", "workers", "--num-workers", "2"),
    *("--train.eval_episodes", "2", "--train.learner_threads", "1"),
]


def start(run: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SOLEUS, *TRAIN, "--run-dir", str(run), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def children(pid: int) -> list[int]:
    """Processes below a process."""
    try:
        below = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return below + [deeper for child in below for deeper in children(child)]


def sleeps(pid: int) -> int:
    """How often the main thread of a process has gone to sleep."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition: object, seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def memory_names() -> set[str]:
    """Names of shared memory that no process has mapped or opened: what has an owner may be that of other tests."""
    names = {str(path) for path in Path("/dev/shm").iterdir()}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            held = {line.split(maxsplit=5)[5].strip() for line in (process / "maps").open() if "/dev/shm/" in line}
            held |= {os.readlink(one) for one in (process / "fd").iterdir()}
            names -= held
    return names


@pytest.mark.parametrize(
    "how",
    [
        signal.SIGINT,
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),  # three processes start, as for each of these
        pytest.param(None, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_run_leaves_nothing_behind(how: signal.Signals | None, tmp_path: Path) -> None:
    names = memory_names()
    limits = ["--steps", "4096"] if how is None else ["--duration", "10m"]
    run = start(tmp_path / "run", *limits)
    until(lambda: len(read_metrics(tmp_path / "run")) > 1 or run.poll() is not None)
    below = children(run.pid)
    if how is None:
        out, error = run.communicate(timeout=300)
        assert run.returncode == 0, error
    else:
        assert len(below) >= 2
        if how is signal.SIGINT:
            os.killpg(run.pid, how)  # as a terminal does: the workers hear it too
        else:
            run.send_signal(how)
        out, error = run.communicate(timeout=300)
        if how is not signal.SIGKILL:
            assert (run.returncode, error) == (0, "")
            assert "stopped early; go on with: soleus train --resume" in out
            assert (tmp_path / "run/checkpoints/latest.pt").is_file()
    until(lambda: not any(is_running(pid) for pid in below))
    until(lambda: memory_names() <= names)


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    env = "gymnasium:soleus.bench.slow:Slow-v0"
    run = start(tmp_path / "run", "--duration", "10m", "--env", env, "--train.rollout_steps", "4096")
    until(lambda: (tmp_path / "run/checkpoints/latest.pt").is_file() or run.poll() is not None)
    below = children(run.pid)
    before = sum(map(cpu_seconds, below))
    until(lambda: sum(map(cpu_seconds, below)) > before + 0.5)  # its workers step their environments
    os.killpg(run.pid, signal.SIGINT)
    slept = sleeps(run.pid)
    until(lambda: sleeps(run.pid) > slept + 2)  # it has heard the first, and waits for its workers again
    os.killpg(run.pid, signal.SIGINT)
    _, error = run.communicate(timeout=300)
    assert (run.returncode, error) == (130, "interrupted\n")
    until(lambda: not any(is_running(pid) for pid in below))


def test_the_third_failure_ends_the_run_with_a_checkpoint(tmp_path: Path) -> None:
    run = start(tmp_path / "run", "--duration", "10m")
    for count in range(3):
        seen = len(read_metrics(tmp_path / "run"))
        until(lambda seen=seen: len(read_metrics(tmp_path / "run")) > seen + 1 or run.poll() is not None)  # type: ignore[misc]
        workers = [pid for pid in children(run.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(workers[count % 2], signal.SIGKILL)
    _, error = run.communicate(timeout=300)
    assert run.returncode == 2
    last = error.strip().splitlines()[-1]
    assert last.startswith("error: worker ")
    assert "killed by SIGKILL; that makes 3 failures of workers within 600 s; the run is saved, go on with: " in last
    steps = read_metrics(tmp_path / "run")[-1]["time/steps"]
    assert main([*TRAIN, "--run-dir", str(tmp_path / "run")]) == 2  # refused: the folder is in use
    here = ["--collector", "inline", "--num-workers", "1"]
    assert main(["train", "--resume", str(tmp_path / "run"), "--duration", "0.001s", *here]) == 0
    assert json.loads((tmp_path / "run/summary.json").read_text())["steps"] >= steps


def held() -> tuple[int, int, int]:
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd")), len(children(os.getpid()))


def cycles(count: int) -> None:
    """Start and stop so many times; nothing may be more than after the first."""
    config = config_of(parallel__collector="workers", parallel__num_workers=2)
    before, names = None, memory_names()
    for number in range(count):
        collector, ppo = ready(config)
        assert isinstance(collector, WorkersCollector)
        if number % 10 == 0:
            collector.collect()
        collector.close()
        ppo.close()
        del collector, ppo
        before = before or held()
    assert held() == before
    until(lambda: memory_names() <= names)


def test_starting_and_stopping_leaves_nothing() -> None:
    cycles(2)


@pytest.mark.slow  # workers start twenty times
def test_starting_and_stopping_many_times_leaves_nothing() -> None:
    """SOLEUS_CYCLES=200 for a thorough run."""
    cycles(int(os.environ.get("SOLEUS_CYCLES", "20")))


def returns(run: Path) -> float:
    rows = [row["episode/return"] for row in read_metrics(run) if "episode/return" in row]
    return float(np.mean(rows[-10:]))


@pytest.mark.slow  # two trainings of minutes
def test_twenty_kills_do_not_keep_a_run_from_learning(tmp_path: Path) -> None:
    """CartPole, 150,000 steps, a worker killed at a random moment twenty times: it still learns to balance."""
    limits = ("--steps", "150000", "--parallel.max_failures", "100", "--train.rollout_steps", "128")
    run = start(tmp_path / "run", *limits)
    rng, killed = np.random.default_rng(0), 0
    while run.poll() is None and killed < 20:
        time.sleep(rng.uniform(0.2, 2.0))
        below = [pid for pid in children(run.pid) if is_running(pid)]
        workers = []
        for pid in below:
            with contextlib.suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    workers.append(pid)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(rng.choice(workers)), signal.SIGKILL)
                killed += 1
    _, error = run.communicate(timeout=500)
    assert run.returncode == 0, error
    assert killed == 20
    assert error.count("killed by SIGKILL") == 20
    assert json.loads((tmp_path / "run/summary.json").read_text())["steps"] >= 150_000
    undisturbed = start(tmp_path / "calm", *limits)
    _, error = undisturbed.communicate(timeout=500)
    assert undisturbed.returncode == 0, error
    assert returns(tmp_path / "run") > 0.5 * returns(tmp_path / "calm")
