"""Memory: what processes use, and what is left for more. From /proc on Linux, from the resource module elsewhere."""

import math
import os
import resource
import sys
from collections.abc import Iterable
from pathlib import Path

from soleus.errors import UserError
from soleus.machine.cpus import control_groups

_PROC = Path("/proc")


def proportional_memory_mb(pids: Iterable[int], proc: Path = _PROC) -> float:
    """Return the memory of processes together [MB]: a page that n of all processes share counts 1/n for each.

    That is Pss in /proc/PID/smaps_rollup, or the resident memory where the kernel does not tell it. A process that is
    gone counts nothing. Without /proc: the peak resident memory of this process alone, if it is among them.
    proc: where /proc is mounted.
    """
    if not proc.is_dir():
        return own_peak_mb() if os.getpid() in pids else 0.0
    return sum(_pss_mb(proc / str(pid)) for pid in pids)


def _pss_mb(folder: Path) -> float:
    try:
        for line in (folder / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 2**10  # in kB
    except (OSError, ValueError):
        pass
    try:
        return int((folder / "statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except (OSError, ValueError, IndexError):
        return 0.0


def own_peak_mb() -> float:
    """Return the peak resident memory of this process [MB]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in kB, on macOS in bytes
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def available_memory_mb(root: Path = Path("/")) -> float:
    """Return the memory that processes started now can have [MB]: what the machine and all our control groups leave.

    inf where nobody tells. root: where /proc and /sys are mounted.
    """
    left = [math.inf]
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        left += [int(line.split()[1]) / 2**10 for line in lines if line.startswith("MemAvailable:")]  # in kB
    except (OSError, ValueError, IndexError):
        pass
    for group in control_groups(root, "memory"):
        for limit, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            try:
                left.append((int((group / limit).read_text()) - int((group / used).read_text())) / 2**20)
            except (OSError, ValueError):  # none, or no limit: "max"
                continue
    return max(0.0, min(left))


def check_memory(what: str, needed_bytes: float, reserved_bytes: float = 0.0) -> None:
    """Raise UserError where so much memory is not to be had: the system would kill the run, or swap for ever.

    reserved_bytes: of addresses, which count where those are limited (`ulimit -v`), whether they are used or not.
    """
    needed, free = needed_bytes / 2**20, available_memory_mb()
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and needed_bytes + reserved_bytes > limit / 2:
        needed, free = (needed_bytes + reserved_bytes) / 2**20, limit / 2 / 2**20
    if needed > free:
        raise UserError(
            f"{what}: expected to need at most the {free:,.0f} MB of memory that are free, got {needed:,.0f} MB"
        )
