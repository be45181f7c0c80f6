"""What is planted is found: by the verb, as a user runs it, or where /sys has to be another by what it calls."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import soleus
from soleus.config import dump_config, load_config
from soleus.doctor.finding import Finding
from soleus.doctor.machine import examine
from soleus.machine import threads

PINNED = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
MAIN = "import sys; from soleus.cli import main; sys.exit(main(sys.argv[1:]))"


def doctor(*arguments: str, code: str = MAIN, **variables: str) -> tuple[int, list[dict[str, Any]]]:
    """Run the verb in a process of its own; return its exit code and what is wrong."""
    path = os.pathsep.join([str(Path(soleus.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    decide = (*threads.VARIABLES, "OMP_PROC_BIND", "GOMP_CPU_AFFINITY", "KMP_AFFINITY", "OMP_WAIT_POLICY")
    kept = {name: value for name, value in os.environ.items() if name not in decide}
    result = subprocess.run(
        [sys.executable, "-c", code, "doctor", "--quick", "--json", *arguments],
        env={**kept, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    found = json.loads(result.stdout)["findings"]
    return result.returncode, [one for one in found if one["state"] == "wrong"]


def test_more_openmp_threads_than_cpus() -> None:
    code, wrong = doctor(OMP_NUM_THREADS="64")
    assert code == 1
    (one,) = [one for one in wrong if one["name"] == "OMP_NUM_THREADS"]
    assert one["text"].startswith("64 threads for ")
    assert one["text"].endswith("in reach, which wait for one another: unset it")


def by_name(findings: list[Finding], name: str) -> Finding:
    (one,) = [one for one in findings if one.name == name]
    return one


def test_a_quota_of_one_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("machine.cpus", "doctor.machine"):
        monkeypatch.setattr(f"soleus.{module}.affinity_set", lambda: {0, 1})
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/box\n")
    (tmp_path / "sys/fs/cgroup/box").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/box/cpu.max").write_text("100000 100000\n")
    findings = examine({"OMP_NUM_THREADS": "2"}, quick=True, root=tmp_path)
    assert by_name(findings, "CPUs").text.startswith("1 in reach: 2 of ")
    quota = by_name(findings, "quota")
    assert quota.state == "note"
    assert quota.text.startswith("the time of 1 CPU for 2 that libraries count")
    assert quota.text.endswith("runs take 1; elsewhere set OMP_NUM_THREADS=1")
    assert by_name(findings, "OMP_NUM_THREADS").state == "wrong"
    assert by_name(findings, "pool").text.startswith("1 thread ")


@pytest.fixture
def run_of_two_threads(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.yaml").write_text(dump_config(load_config("walk2d", {"train.num_threads": 2})))
    return tmp_path / "run"


def test_a_pool_larger_than_the_affinity_mask(run_of_two_threads: Path) -> None:
    code, wrong = doctor(str(run_of_two_threads), code=PINNED + MAIN)
    assert code == 1
    texts = [one["text"] for one in wrong]
    assert "train.num_threads asks for 2 threads, with 1 CPU in reach: go on with --num-threads 1" in texts


@pytest.fixture
def leaked() -> Iterator[Path]:
    """A segment of shared memory that a killed run could have left."""
    path = Path("/dev/shm") / f"psm_soleus_test_{os.getpid()}"
    path.write_bytes(b"x")
    os.utime(path, (time.time() - 60,) * 2)
    yield path
    path.unlink(missing_ok=True)


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="a system without /dev/shm")
def test_a_leaked_segment_of_shared_memory(leaked: Path) -> None:
    code, wrong = doctor()
    assert code == 1
    (one,) = [one for one in wrong if one["name"] == "segments"]
    assert str(leaked) in one["text"]
    assert one["text"].endswith("are mapped by nobody: soleus doctor --clean removes them")


def test_a_live_run_with_the_cpus_that_it_wants_is_right() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        code, wrong = doctor("--pid", str(busy.pid))
        assert [one for one in wrong if one["name"] == "load"] == []
        assert code == int(bool(wrong))
    finally:
        busy.kill()
        busy.wait()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no/such"], "error: no/such: expected a run folder (with config.yaml), got none\n"),
        (["--pid", "999999999"], "error: --pid: expected the number of a process that runs here, got 999999999\n"),
    ],
)
def test_what_cannot_be_looked_at(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    from soleus.cli import main

    assert main(["doctor", *arguments]) == 2
    assert capsys.readouterr().err == message
