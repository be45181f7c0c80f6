import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import soleus
from soleus.doctor.live import Load, allowed, examine_process, family, judge, watch
from soleus.errors import UserError

PROC = Path("/proc")
ROLLOUTS = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from soleus.bench.parts import simulation
from soleus.config import load_human_config
from soleus.sim.buffers import Buffers
made = simulation(load_human_config("walk2d"), 32, int(sys.argv[1]))
buffers = Buffers(made, 64, samples=False)
print("ready", flush=True)
while True:
    made.reset(0, buffers["observations"][0])
    made.core.run(buffers.arrays, 64, True)
"""
WORKERS = """
import subprocess, sys
code = "while True: pass"
print("ready", flush=True)
workers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(int(sys.argv[1]))]
try:
    sys.stdin.read()
finally:
    for one in workers: one.kill()
"""


@contextmanager
def running(code: str, argument: int, **variables: str) -> Iterator[int]:
    """A process that says when it is ready; yields its number."""
    path = os.pathsep.join([str(Path(soleus.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(argument)],
        env={**os.environ, "PYTHONPATH": path, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.3)  # its workers begin
        yield process.pid
    finally:
        process.stdin.close()
        if code is ROLLOUTS:
            process.kill()
        process.wait()
        process.stdout.close()


def test_a_pool_of_four_threads_on_one_cpu_is_found() -> None:
    with running(ROLLOUTS, 4) as pid:
        assert len(allowed([pid], PROC)) == 1
        (one,) = [found for found in examine_process(pid) if found.name == "load"]
    assert one.state == "wrong", one.text
    assert ", for 1 CPU that they may use; they wait for one another: stop it and go on with" in one.text
    assert one.text.endswith("--resume RUN --num-threads 1 --train.learner_threads 1")


def test_a_pool_of_one_thread_on_one_cpu_is_none_too_many() -> None:
    with running(ROLLOUTS, 1, OMP_NUM_THREADS="64") as pid:
        variable, load = examine_process(pid)
    assert (variable.name, variable.state) == (f"OMP_NUM_THREADS of {pid}", "wrong")
    assert load.state == "ok", load.text


def test_workers_are_those_of_the_process() -> None:
    count = len(os.sched_getaffinity(0)) + 2
    with running(WORKERS, count) as pid:
        members = family(pid, PROC)
        load = watch(members, PROC)
    assert members[0] == pid
    assert len(members) == count + 1
    assert load.mean == pytest.approx(count, abs=0.7)
    assert sum(load.crowd.values()) == count
    assert load.active == count
    assert load.threads == count + 1


NUMBERS = "--num-threads 2 --train.learner_threads 2"


@pytest.mark.parametrize(
    ("looks", "state", "advice"),
    [
        ([{7: 2}] * 10, "ok", ""),
        ([{7: 1}] * 9 + [{7: 9}], "ok", ""),
        ([{7: 3}] * 10, "wrong", NUMBERS),
        ([{7: 1}] * 7 + [{7: 3}] * 3, "note", NUMBERS),
        ([{7: 1}] * 7 + [{7: 4}] * 3, "wrong", NUMBERS),
        ([{7: 1, 8: 0, 9: 0, 10: 0, 11: 0}] * 7 + [{7: 0, 8: 1, 9: 1, 10: 1, 11: 1}] * 3, "wrong", "--num-workers 2"),
        ([{7: 0, 8: 2, 9: 2}] * 10, "wrong", "--threads-per-worker 1"),
        ([{7: 3, 8: 0}] * 10, "wrong", NUMBERS),
    ],
)
def test_what_to_set(looks: list[dict[int, int]], state: str, advice: str) -> None:
    found = judge(Load(9, 4, looks), 7, cpus=2)
    assert found.state == state
    assert found.text.endswith(advice)
    assert (" and 4 below it " in found.text) == (len(looks[0]) == 5)


def test_a_quota_counts(tmp_path: Path) -> None:
    """A process whose control group has the time of one CPU."""
    pid = os.getpid()
    (tmp_path / "proc").mkdir()
    folder = tmp_path / "proc" / str(pid)
    (folder / "task").mkdir(parents=True)
    for number in (pid, pid + 1):
        (folder / "task" / str(number)).mkdir()
        (folder / "task" / str(number) / "stat").write_text(f"{number} (a (b) c) R 1 1 {'0 ' * 40}\n")
    (folder / "stat").write_text(f"{pid} (a (b) c) R 1 1 {'0 ' * 40}\n")
    (folder / "cgroup").write_text("0::/box\n")
    (folder / "environ").write_bytes(b"A=b\0OMP_PROC_BIND=true\0broken\0")
    group = tmp_path / "sys/fs/cgroup/box"
    group.mkdir(parents=True)
    (group / "cpu.max").write_text("100000 100000")
    variable, load = examine_process(pid, tmp_path)
    assert variable.name == f"OMP_PROC_BIND of {pid}"
    assert load.state == "wrong"
    says = f"2 threads of process {pid} want to run at a time (2.0 on average; 2 of 2 are active), for 1 CPU that they"
    assert load.text.startswith(says)


def test_a_process_that_is_not_there() -> None:
    with pytest.raises(UserError, match="--pid: expected the number of a process that runs here, got 999999999"):
        examine_process(999999999)
