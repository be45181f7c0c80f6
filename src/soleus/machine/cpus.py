"""The CPUs that this process may use: by its affinity, and by the quota of its control groups."""

import math
import os
import sys
from pathlib import Path


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
