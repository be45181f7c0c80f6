"""What the processes of a run use: CPUs and memory, from /proc on Linux and from the resource module elsewhere."""

import math
import os
import resource
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from soleus.machine.memory import proportional_memory_mb

_PROC = Path("/proc")
_MEMORY_INTERVAL = 2.0  # [s] the kernel walks all pages of a process for its proportional memory: milliseconds each


def cpu_seconds(pid: int, proc: Path = _PROC) -> float:
    """Return the CPU time of a process since its start [s]: user and system, of all its threads, ended ones too.

    nan for a process that is gone, and without /proc for any but this one. proc: where /proc is mounted.
    """
    if not proc.is_dir():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime if pid == os.getpid() else math.nan
    try:
        stat = (proc / str(pid) / "stat").read_text(errors="replace")
        # Field 2, the name in parentheses, may itself hold spaces and parentheses: fields count from behind the last.
        fields = stat.rpartition(")")[2].split()
        user, kernel = int(fields[14 - 3]), int(fields[15 - 3])  # utime and stime of proc_pid_stat(5)
    except (OSError, ValueError, IndexError):
        return math.nan
    return (user + kernel) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int, proc: Path = _PROC) -> float:
    """Return how long the threads of a process were ready to run and had no CPU [s], since they began.

    That is the second number of /proc/PID/task/TID/schedstat. nan where the kernel does not tell it. proc: where /proc
    is mounted.
    """
    waited = math.nan
    try:
        threads = list((proc / str(pid) / "task").iterdir())
    except OSError:
        return math.nan
    for thread in threads:
        try:
            nanoseconds = int((thread / "schedstat").read_text().split()[1])
        except (OSError, ValueError, IndexError):  # it has just ended
            continue
        waited = (0.0 if math.isnan(waited) else waited) + nanoseconds / 1e9
    return waited


class Usage:
    """CPUs and memory that this process and its workers use, from sample to sample and over a whole run."""

    def __init__(self, workers: Callable[[], Iterable[int]], proc: Path = _PROC) -> None:
        """workers: returns the process ids of the workers of the moment. proc: where /proc is mounted."""
        self._workers = workers
        self._proc = proc
        self._sampled_s = 0.0
        self._used_s = 0.0
        self._memory_mb = 0.0
        self._memory_age_s = math.inf
        self._waited_before = self._waited()
        self._waited_s, self._waited_of_s, self._waiting = 0.0, 0.0, math.nan
        self.peak_memory_mb = 0.0
        """Highest proportional memory [MB] that a sample saw; 0 before the first."""
        self.start()

    @property
    def mean_cpu(self) -> float:
        """CPUs in use over all samples together; nan before the first."""
        return self._used_s / self._sampled_s if self._sampled_s > 0 else math.nan

    @property
    def mean_cpu_waited(self) -> float:
        """CPUs that were wanted over all samples besides those in use, and that others had; nan where nobody tells."""
        return self._waited_s / self._waited_of_s if self._waited_of_s > 0 else math.nan

    def start(self) -> None:
        """Begin an interval now: what was used since the last sample, by an evaluation say, is left out."""
        self._before = self._cpu_seconds()

    def sample(self, elapsed_s: float) -> dict[str, float]:
        """Return "system/memory_mb" and "system/cpu" [CPUs in use] of the interval since the last sample, or start().

        "system/cpu_waited" are CPUs that were wanted besides, and that others had. elapsed_s: the interval's wall time
        [s]; of none there is no system/cpu. The memory and what was waited for are read at most every 2 s
        of such time and repeated in between. A worker that is new counts from its start, as one CPU at the most: it may
        have started long before it was known. What the one
        that is gone used since the last sample is lost.
        """
        now = self._cpu_seconds()
        # A process id used again starts below where its predecessor was.
        known = {pid: self._before[pid] for pid, at in now.items() if at >= self._before.get(pid, math.inf)}
        used = sum(at - known[pid] if pid in known else min(at, elapsed_s) for pid, at in now.items())
        self._before = now
        self._memory_age_s += elapsed_s
        if self._memory_age_s >= _MEMORY_INTERVAL:
            self._sample_waiting()
            self._memory_mb = proportional_memory_mb(self._pids(), self._proc)
            self._memory_age_s = 0.0
            self.peak_memory_mb = max(self.peak_memory_mb, self._memory_mb)
        sample = {"system/memory_mb": self._memory_mb}
        if math.isfinite(self._waiting):
            sample["system/cpu_waited"] = self._waiting
        if elapsed_s > 0:
            self._sampled_s += elapsed_s
            self._used_s += used
            sample["system/cpu"] = used / elapsed_s
        return sample

    def _sample_waiting(self) -> None:
        before, self._waited_before = self._waited_before, self._waited()
        elapsed = self._waited_before[0] - before[0]
        waited = sum(
            max(0.0, now - before[1][pid]) for pid, now in self._waited_before[1].items() if pid in before[1]
        )  # threads that ended take theirs with them
        if self._waited_before[1] and elapsed > 0:
            self._waiting = waited / elapsed
            self._waited_s += waited
            self._waited_of_s += elapsed

    def _waited(self) -> tuple[float, dict[int, float]]:
        """The clock [s], and what the threads of each process have waited until now [s]."""
        found = {pid: waited_seconds(pid, self._proc) for pid in self._pids()}
        return time.monotonic(), {pid: waited for pid, waited in found.items() if math.isfinite(waited)}

    def _pids(self) -> list[int]:
        return [os.getpid(), *self._workers()]

    def _cpu_seconds(self) -> dict[int, float]:
        """CPU time since its start of each process that is there [s]."""
        found = {pid: cpu_seconds(pid, self._proc) for pid in self._pids()}
        return {pid: seconds for pid, seconds in found.items() if math.isfinite(seconds)}
