"""A run under way, by its process number: do more of its threads want to run than it has CPUs?"""

import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from soleus import threads
from soleus.doctor.finding import Finding, plural
from soleus.doctor.machine import thread_settings
from soleus.errors import UserError

_WATCHED_S = 0.5
_LOOKS = 25  # at every thread, evenly over that time
_SLACK = 0.5  # threads more than CPUs that still are none too many: a writer of records now and then


@dataclass(frozen=True)
class Load:
    """What the threads of a process and of those below it did while they were watched."""

    threads: int
    """That there are."""
    active: int
    """That ran, or waited for a CPU, in one of the looks or used CPU time in between."""
    runnable: Mapping[int, float]
    """Threads that ran or waited for a CPU at a time, on average, by process."""

    @property
    def wanted(self) -> float:
        """CPUs that they would use if there were as many."""
        return sum(self.runnable.values())


def examine_process(pid: int, root: Path = Path("/")) -> list[Finding]:
    """Watch a process and its workers for half a second. Raises UserError where there is none.

    root: where /proc and /sys are mounted.
    """
    proc = root / "proc"
    if not (proc / str(pid) / "task").is_dir():
        raise UserError(f"--pid: expected the number of a process that runs here, got {pid}")
    members = family(pid, proc)
    reach = allowed(members, proc) or threads.affinity_set()
    cpus = threads.whole_cpus(len(reach), threads.quota_cpus(root, pid))
    return [
        *(
            replace(one, name=f"{one.name} of {pid}")
            for one in thread_settings(_environment(pid, proc), cpus)
            if one.state == "wrong"
        ),
        judge(watch(members, proc), pid, cpus),
    ]


def judge(load: Load, pid: int, cpus: int) -> Finding:
    """Say whether so many CPUs are enough, and what to set where they are not."""
    below = len(load.runnable) - 1
    who = f"process {pid}" + (f" and {below} below it" if below else "")
    text = f"{load.wanted:.1f} threads of {who} want to run at a time (of {load.threads}, {load.active} active)"
    text += f", for {plural(cpus, 'CPU')} that they may use"
    if load.wanted <= cpus + _SLACK:
        return Finding("load", "ok", text)
    busy = [one for one in load.runnable if one != pid and load.runnable[one] >= _SLACK]
    if len(busy) > cpus:
        advice = f"--num-workers {cpus}"
    elif any(load.runnable[one] > 1 + _SLACK for one in busy):
        advice = "--threads-per-worker 1"
    else:
        advice = f"--num-threads {cpus} --train.learner_threads {cpus}"
    return Finding("load", "wrong", f"{text}; they wait for one another: stop it and go on with --resume RUN {advice}")


def family(pid: int, proc: Path) -> list[int]:
    """Return a process and all below it."""
    children = defaultdict(list)
    for folder in proc.iterdir():
        if folder.name.isdigit() and (fields := _fields(folder / "stat")):
            children[int(fields[1])].append(int(folder.name))
    found = [pid]
    for one in found:  # grows meanwhile
        found += children[one]
    return found


def allowed(members: Collection[int], proc: Path) -> set[int]:
    """Return the CPUs that any thread of these processes may be scheduled on: one may be bound, others not."""
    reach: set[int] = set()
    for pid in members:
        for task in _tasks(pid, proc):
            with suppress(OSError):
                reach |= os.sched_getaffinity(int(task.name))
    return reach


def watch(members: Collection[int], proc: Path, seconds: float = _WATCHED_S) -> Load:
    """Look at every thread of these processes again and again."""
    runs: dict[int, int] = dict.fromkeys(members, 0)
    active: set[str] = set()
    used: dict[str, int] = {}
    there = 0
    begun = time.monotonic()
    for look in range(_LOOKS):
        there = 0
        for pid in members:
            for task in _tasks(pid, proc):
                if not (fields := _fields(task / "stat")):
                    continue
                there += 1
                ticks = int(fields[11]) + int(fields[12])  # utime and stime of proc_pid_stat(5)
                running = fields[0] == "R"
                runs[pid] += running
                if running or ticks > used.setdefault(task.name, ticks):
                    active.add(task.name)
        time.sleep(max(0.0, begun + seconds * (look + 1) / _LOOKS - time.monotonic()))
    return Load(there, len(active), {pid: count / _LOOKS for pid, count in runs.items()})


def _tasks(pid: int, proc: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (proc / str(pid) / "task").iterdir()


def _fields(stat: Path) -> list[str]:
    """Return the fields behind the name, which may itself hold spaces and parentheses; none of what is gone."""
    try:
        return stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _environment(pid: int, proc: Path) -> dict[str, str]:
    """Return the variables that a process was started with; none of another user's."""
    try:
        text = (proc / str(pid) / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)
