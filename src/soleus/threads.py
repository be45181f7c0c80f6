"""How many threads: the CPUs that this process may use, by affinity and by its control group's quota."""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""What libraries read their number of threads from, when they are imported."""


def _quota(folder: Path) -> float | None:
    """CPUs that one control group allows: cgroup v2's cpu.max, or v1's cpu.cfs_quota_us over cpu.cfs_period_us."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if quota == "max" or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def control_groups(root: Path, controller: str, process: int | None = None) -> list[Path]:
    """Folders of a process's control groups for "cpu" or "memory", and of all that hold them: every limit binds."""
    try:
        lines = (root / "proc" / str(process or "self") / "cgroup").read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        hierarchy, controllers, path = line.split(":", 2)
        if hierarchy == "0":
            top = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            top = root / "sys/fs/cgroup" / controllers
            top = top if top.is_dir() else root / "sys/fs/cgroup" / controller
        else:
            continue
        inner = top / path.strip("/")
        folders += [inner, *(up for up in inner.parents if up == top or top in up.parents)]
    return folders


def affinity_set() -> set[int]:
    """Numbers of the CPUs that this process may be scheduled on."""
    return set(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


def affinity_cpus() -> int:
    """CPUs that this process may be scheduled on."""
    return len(affinity_set())


def quota_cpus(root: Path = Path("/"), process: int | None = None) -> float:
    """CPUs whose time the control groups of a process, by default this one, allow, inf where none limits it.

    root: where /proc and /sys are mounted.
    """
    folders = control_groups(root, "cpu", process)
    return min((quota for folder in folders if (quota := _quota(folder)) is not None), default=math.inf)


def whole_cpus(allowed: int, quota: float) -> int:
    """CPUs to count with, at least 1, of so many that are allowed under a quota; one of 1.5 CPUs counts as 2."""
    return max(1, min(allowed, math.ceil(quota) if math.isfinite(quota) else sys.maxsize))


def available_cpus(root: Path = Path("/")) -> int:
    """CPUs that this process may use (whole_cpus). root: where /proc and /sys are mounted."""
    return whole_cpus(affinity_cpus(), quota_cpus(root))


def collector_threads(asked: int | None) -> int:
    """Return the number of threads for a collector: as asked, or the CPUs there are; warn of more than those."""
    cpus = available_cpus()
    if asked is None:
        return cpus
    if asked > cpus:
        print(f"warning: {asked} threads asked for, but this process may use {cpus} CPUs", file=sys.stderr)
    return asked


def set_learner_threads(asked: int | None, collector: int) -> int:
    """Set torch's threads, by default as many as the collector's: the two take turns and never run at once."""
    import torch  # here alone: stepping environments takes no torch

    count = asked or min(collector, available_cpus())
    torch.set_num_threads(count)
    return count


@contextmanager
def computing_with(count: int) -> Iterator[None]:
    """While it lasts, torch splits operations of this thread over so many."""
    import torch

    outside = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(outside)


def wait_asleep() -> None:
    """Let torch's threads sleep when they wait, not spin; has to come before torch is imported.

    Spinning threads take CPUs from the collector's pool, and from whoever else is on the machine: there a learner of
    two threads came down to a tenth of its speed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
