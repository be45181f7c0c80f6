import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from soleus.machine.memory import available_memory_mb, proportional_memory_mb
from soleus.machine.usage import Usage, cpu_seconds, waited_seconds

linux = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").is_file(), reason="a kernel without smaps_rollup")
TICK = os.sysconf("SC_CLK_TCK")
OWN = os.getpid()


def put(proc: Path, pid: int, cpu_s: float | None = None, pss_kb: int | None = None, pages: int | None = None) -> None:
    """Write what /proc says of a process."""
    folder = proc / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    if cpu_s is not None:
        ticks = round(cpu_s * TICK)
        numbers = ["S", "1", *["7"] * 9, str(ticks - ticks // 4), str(ticks // 4), *["9"] * 37]
        (folder / "stat").write_text(f"{pid} (a (worker) of 3) R) {' '.join(numbers)}\n")
    if pss_kb is not None:
        rollup = f"00400000-7ffd (deleted) [rollup]\nRss: {3 * pss_kb} kB\nPss: {pss_kb} kB\nPss_Dirty: 4 kB\n"
        (folder / "smaps_rollup").write_text(rollup)
    if pages is not None:
        (folder / "statm").write_text(f"900000 {pages} 10 1 0 5 0\n")


def test_memory_is_the_sum_of_proportional_shares(tmp_path: Path) -> None:
    put(tmp_path, 5, pss_kb=2048)
    put(tmp_path, 6, pss_kb=512, pages=10**6)
    assert proportional_memory_mb([5, 6], tmp_path) == 2.5


def test_memory_falls_back_to_resident_pages_and_to_nothing(tmp_path: Path) -> None:
    put(tmp_path, 5, pages=2**20 // os.sysconf("SC_PAGE_SIZE") * 3)
    assert proportional_memory_mb(iter([5, 6]), tmp_path) == 3.0


def test_without_proc_this_process_is_what_is_known(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert proportional_memory_mb([OWN, 5], nowhere) > 10
    assert proportional_memory_mb([5], nowhere) == 0.0
    assert cpu_seconds(OWN, nowhere) == pytest.approx(time.process_time(), abs=0.1)
    assert math.isnan(cpu_seconds(5, nowhere))


def test_available_memory_is_the_least_that_anybody_tells(tmp_path: Path) -> None:
    assert available_memory_mb(tmp_path) == math.inf
    group = tmp_path / "sys/fs/cgroup"
    for folder in (tmp_path / "proc/self", group):
        folder.mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal:  9000000 kB\nMemFree: 5 kB\nMemAvailable:    4096 kB\n")
    assert available_memory_mb(tmp_path) == 4.0
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text(f"{2**20}\n")
    assert available_memory_mb(tmp_path) == 4.0
    (group / "memory.max").write_text(f"{3 * 2**20}\n")
    assert available_memory_mb(tmp_path) == 2.0
    (group / "memory.current").write_text(f"{4 * 2**20}\n")
    assert available_memory_mb(tmp_path) == 0.0


@pytest.mark.parametrize("version", [1, 2])
def test_available_memory_is_that_of_the_control_group_that_the_process_is_in(tmp_path: Path, version: int) -> None:
    """In a container or a job of Slurm the limit is not at the top, and that of every group above binds too."""
    top = tmp_path / ("sys/fs/cgroup" if version == 2 else "sys/fs/cgroup/memory")
    own = top / "slurm/job_7"
    own.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    hierarchy = "0:" if version == 2 else "9:memory"
    (tmp_path / "proc/self/cgroup").write_text(f"{hierarchy}:/slurm/job_7\n3:pids:/x\n")
    (tmp_path / "proc/meminfo").write_text("MemAvailable: 40960 kB\n")
    limit, used = ("max", "current") if version == 2 else ("limit_in_bytes", "usage_in_bytes")
    (own / f"memory.{limit}").write_text(f"{9 * 2**20}\n")
    (own / f"memory.{used}").write_text(f"{2 * 2**20}\n")
    assert available_memory_mb(tmp_path) == 7.0
    (own.parent / f"memory.{limit}").write_text(f"{6 * 2**20}\n")
    (own.parent / f"memory.{used}").write_text(f"{3 * 2**20}\n")
    assert available_memory_mb(tmp_path) == 3.0


def test_what_threads_waited_for_a_cpu(tmp_path: Path) -> None:
    for thread, nanoseconds in ((5, 2_000_000_000), (6, 500_000_000)):
        folder = tmp_path / f"5/task/{thread}"
        folder.mkdir(parents=True)
        (folder / "schedstat").write_text(f"9 {nanoseconds} 3\n")
    assert waited_seconds(5, tmp_path) == 2.5
    assert math.isnan(waited_seconds(7, tmp_path))


@pytest.mark.skipif(not Path("/proc/self/schedstat").is_file(), reason="a kernel without schedstat")
def test_two_that_share_a_cpu_wait_for_one_another() -> None:
    code = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nfor _ in range(10**10): pass"
    cpu = str(min(os.sched_getaffinity(0)))
    others = [subprocess.Popen([sys.executable, "-c", code, cpu]) for _ in range(2)]
    try:
        usage = Usage(lambda: [one.pid for one in others])
        time.sleep(2.5)
        sample = usage.sample(2.5)
        assert sample["system/cpu_waited"] > 0.5
        assert usage.mean_cpu_waited == pytest.approx(sample["system/cpu_waited"])
    finally:
        for one in others:
            one.kill()
            one.wait()


def test_cpu_time_is_read_behind_a_name_with_spaces_and_parentheses(tmp_path: Path) -> None:
    put(tmp_path, 5, cpu_s=2.5)
    assert cpu_seconds(5, tmp_path) == 2.5
    assert math.isnan(cpu_seconds(6, tmp_path))
    (tmp_path / "5" / "stat").write_text("")
    assert math.isnan(cpu_seconds(5, tmp_path))


@linux
def test_this_process_as_the_kernel_sees_it() -> None:
    def burn() -> None:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass

    before = cpu_seconds(OWN)
    threads = [threading.Thread(target=burn) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cpu_seconds(OWN) - before >= 0.2 - 2 / TICK  # of threads that have ended
    assert cpu_seconds(OWN) == pytest.approx(time.process_time(), abs=0.1)
    assert 10 < proportional_memory_mb([OWN]) < 100_000


@linux
def test_pages_that_processes_share_count_once() -> None:
    """A child holds the parent's 64 MB without writing to them: together they take them once, resident twice."""
    code = (
        "import os, sys\n"
        "block = b'x' * 2**26\n"
        "ready, release = os.pipe(), os.pipe()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.write(ready[1], b'.'); os.read(release[0], 1); os._exit(0)\n"
        "os.read(ready[0], 1)\n"
        "from pathlib import Path\n"
        "from soleus.machine.usage import proportional_memory_mb as memory\n"
        "both = memory([os.getpid(), child])\n"
        "resident = sum(int(Path(f'/proc/{pid}/statm').read_text().split()[1]) for pid in (os.getpid(), child))\n"
        "os.write(release[1], b'.'); os.waitpid(child, 0)\n"
        "print(both, resident * os.sysconf('SC_PAGE_SIZE') / 2**20)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    both, resident = map(float, result.stdout.split())
    assert 64 < both < resident - 56


def test_usage_counts_workers_that_come_and_go(tmp_path: Path) -> None:
    put(tmp_path, OWN, cpu_s=10.0, pss_kb=1024)
    put(tmp_path, 5, cpu_s=1.0, pss_kb=1024)
    workers = [5]
    usage = Usage(lambda: workers, tmp_path)
    assert math.isnan(usage.mean_cpu)

    put(tmp_path, OWN, cpu_s=10.5)
    put(tmp_path, 5, cpu_s=2.0)
    assert usage.sample(1.0) == {"system/memory_mb": 2.0, "system/cpu": 1.5}

    (tmp_path / "5" / "stat").unlink()  # killed; another takes its place
    put(tmp_path, 6, cpu_s=0.25, pss_kb=1024)
    workers[:] = [6]
    put(tmp_path, OWN, cpu_s=11.0)
    assert usage.sample(0.5)["system/cpu"] == 1.5

    put(tmp_path, 6, cpu_s=0.1)  # another one again, by chance under the same number
    assert usage.sample(0.5)["system/cpu"] == pytest.approx(0.2)

    workers.append(5)  # listed, but gone
    assert usage.sample(0.5)["system/cpu"] == 0.0
    assert usage.mean_cpu == pytest.approx((1.5 + 0.75 + 0.1) / 2.5)


def test_memory_is_read_every_two_seconds_and_its_peak_kept(tmp_path: Path) -> None:
    put(tmp_path, OWN, cpu_s=1.0, pss_kb=1024)
    usage = Usage(tuple, tmp_path)
    seen = []
    for number in range(6):
        put(tmp_path, OWN, pss_kb=1024 * (number + 1 if number < 3 else 1))
        seen.append(usage.sample(1.0)["system/memory_mb"])
    assert seen == [1.0, 1.0, 3.0, 3.0, 1.0, 1.0]
    assert usage.peak_memory_mb == 3.0


def test_start_leaves_out_what_lies_between(tmp_path: Path) -> None:
    put(tmp_path, OWN, cpu_s=1.0)
    usage = Usage(tuple, tmp_path)
    put(tmp_path, OWN, cpu_s=7.0)  # an evaluation
    usage.start()
    put(tmp_path, OWN, cpu_s=8.0)
    assert usage.sample(2.0)["system/cpu"] == 0.5
    assert usage.sample(0.0).keys() == {"system/memory_mb"}
    assert usage.mean_cpu == 0.5
