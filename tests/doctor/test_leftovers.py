import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soleus.collect.processes.memory import SharedArrays
from soleus.doctor.leftovers import PROC, Leftovers, clean, find

linux = pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="a kernel without /proc/PID/maps")
SPAWN = b"python\0-c\0from multiprocessing.spawn import spawn_main\0--multiprocessing-fork\0"
MEMORY = "/memfd:soleus (deleted)"


def put(proc: Path, pid: int, parent: int, maps: list[str], command: bytes = b"soleus\0train\0") -> None:
    """Write what /proc says of a process."""
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "maps").write_text("".join(f"{line}\n" for line in ["7f00-7f01 rw-p 00000000 00:00 0 ", *maps]))
    (folder / "cmdline").write_bytes(command)
    (folder / "stat").write_text(f"{pid} (a (worker) R) S {parent} 7 7\n")


def line(inode: int, name: str, device: int = 1) -> str:
    where = f"{os.major(device):02x}:{os.minor(device):02x}"
    return f"7f8800000000-7f8800001000 rw-s 00000000 {where} {inode}                      {name}"


def segment(shared: Path, name: str, age: float = 60.0) -> Path:
    path = shared / name
    path.write_bytes(b"x")
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("proc", "shm"):
        (tmp_path / name).mkdir()
    (tmp_path / "proc" / "meminfo").write_text("")
    return tmp_path / "proc", tmp_path / "shm"


def test_nothing_is_found_where_nothing_is(places: tuple[Path, Path]) -> None:
    put(places[0], 10, 1, [line(5, "/usr/lib/libc.so.6"), line(9, "/memfd:other (deleted)")], SPAWN)
    found = find(*places)
    assert (found.runs, found.orphans, found.segments) == ({}, (), ())
    assert find(places[0] / "nowhere", places[1] / "nowhere") == found


def test_a_worker_is_an_orphan_without_a_parent_of_the_same_memory(places: tuple[Path, Path]) -> None:
    proc, _ = places
    put(proc, 10, 1, [line(5, MEMORY)])
    put(proc, 11, 10, [line(5, MEMORY)], SPAWN)
    put(proc, 12, 10, [line(5, MEMORY)], SPAWN)
    put(proc, 20, 1, [line(6, MEMORY)], SPAWN)  # init is the parent of orphans
    put(proc, 21, 30, [line(6, MEMORY)], SPAWN)  # or a process that adopts them, here somebody's shell
    put(proc, 22, 10, [line(6, MEMORY)], SPAWN)  # or another run, by chance
    put(proc, 30, 1, [])
    (proc / "40").mkdir()  # one that ends right now
    found = find(*places)
    assert found.runs == {10: 2}
    assert set(found.orphans) == {20, 21, 22}


def test_segments_that_nobody_uses(places: tuple[Path, Path]) -> None:
    proc, shared = places
    left = [segment(shared, name) for name in ("psm_1a2b", "soleus_x", "torch_12_34_0")]
    mapped, opened = segment(shared, "psm_mapped"), segment(shared, "torch_open")
    segment(shared, "psm_new", age=1.0)
    segment(shared, "sem.other")
    (shared / "psm_folder").mkdir()
    about = mapped.stat()
    put(proc, 10, 1, [line(about.st_ino, "/dev/shm/psm_mapped", about.st_dev)])
    (proc / "10/fd/7").symlink_to(opened)
    found = find(*places)
    assert found.segments == tuple(sorted(left))

    other = segment(shared, "psm_of_others")
    os.chown(other, 12345, -1) if os.getuid() == 0 else other.unlink()
    assert clean(found, *places).segments == ()
    names = {path.name for path in shared.iterdir()} - {"psm_of_others"}
    assert names == {"psm_mapped", "torch_open", "psm_new", "sem.other", "psm_folder"}


def test_a_segment_that_has_come_into_use_stays(places: tuple[Path, Path]) -> None:
    proc, shared = places
    late = segment(shared, "psm_late")
    found = find(*places)
    put(proc, 10, 1, [line(late.stat().st_ino, str(late), late.stat().st_dev)])
    assert clean(found, *places).segments == ()
    assert late.exists()


@linux
@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no /dev/shm to write in")
def test_a_segment_of_this_machine() -> None:
    path = segment(Path("/dev/shm"), f"soleus_test_{os.getpid()}")
    try:
        assert path in find().segments
        with open(path, "r+b") as file:
            assert path not in find().segments
            memory = mmap.mmap(file.fileno(), 1)
        assert path not in find().segments
        memory.close()
        assert path in find().segments
    finally:
        path.unlink()


@pytest.fixture
def orphan() -> Iterator[int]:
    """A process of a worker's looks that is stopped; the one that started it is gone."""
    looks = (
        "import os, signal\n"
        "from soleus.collect.processes.memory import SharedArrays\n"
        "arrays = SharedArrays({'a': ((4,), 'f4')})\n"
        "print(os.getpid(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    start = (
        "import subprocess, sys\n"
        f"command = [sys.executable, '-c', {looks!r}, '--multiprocessing-fork']\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)\n"
        "print(child.stdout.readline().decode(), flush=True)\n"
    )
    result = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True)
    pid = int(result.stdout)
    yield pid
    if (PROC / str(pid)).exists():
        os.kill(pid, signal.SIGKILL)


@linux
def test_an_orphan_of_this_machine_is_ended(orphan: int) -> None:
    arrays = SharedArrays({"a": ((4,), "f4")})  # this process looks like a run meanwhile
    found = find()
    assert orphan in found.orphans
    assert os.getpid() in found.runs
    assert orphan not in clean(Leftovers({}, (orphan,), ())).orphans
    assert not (PROC / str(orphan) / "maps").is_file() or not (PROC / str(orphan) / "maps").read_text()
    arrays.close()
    assert os.getpid() not in find().runs


@linux
@pytest.mark.slow  # a run with two workers starts, and is killed
def test_a_stopped_worker_outlives_its_killed_run_until_it_is_cleaned(tmp_path: Path) -> None:
    code = (
        "from soleus.cli import main\n"
        "main(['train', '--env', 'gymnasium:soleus.bench.slow:Slow-v0', '--collector', 'workers', '--num-workers', '2',"
        f" '--duration', '10m', '--run-dir', {str(tmp_path / 'run')!r}])"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while find().runs.get(run.pid) != 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        children = (PROC / str(run.pid) / "task" / str(run.pid) / "children").read_text().split()
        workers = [int(pid) for pid in children if b"fork" in (PROC / pid / "cmdline").read_bytes()]
        os.kill(workers[0], signal.SIGSTOP)
    finally:
        run.kill()
        run.wait()
    time.sleep(1)
    found = find()
    assert set(workers) & set(found.orphans) == {workers[0]}, "the other one ended by itself"
    assert workers[0] not in clean(Leftovers({}, (workers[0],), ())).orphans
