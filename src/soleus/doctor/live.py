"""A run under way, by its process number: do more of its threads want to run than it has CPUs?"""

import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from soleus.doctor.finding import Finding, plural
from soleus.doctor.machine import thread_settings
from soleus.errors import UserError
from soleus.machine.cpus import affinity_set, quota_cpus, whole_cpus

_WATCHED_S = 0.5
_PAUSE_S = 0.008  # between two looks at every thread
_SLACK = 0.5  # threads more than CPUs, on average, that still are none too many: a writer of records now and then
_MANY = 1.1  # threads a CPU, and one more, that a well set run may have at a time


@dataclass(frozen=True)
class Load:
    """What the threads of a process and of those below it did while they were watched."""

    threads: int
    """That there are."""
    active: int
    """That ran, or waited for a CPU, in one of the looks or used CPU time in between."""
    looks: Sequence[Mapping[int, int]]
    """Threads that ran or waited for a CPU at that moment, by process, of each look at all of them."""

    @property
    def mean(self) -> float:
        """Threads at a time, on average: CPUs that they would use if there were as many."""
        return sum(sum(look.values()) for look in self.looks) / len(self.looks)

    @property
    def crowd(self) -> Mapping[int, int]:
        """The look that only a tenth of the others have more threads in."""
        order = sorted(self.looks, key=lambda look: sum(look.values()))
        return order[int(0.9 * (len(order) - 1))]


def examine_process(pid: int, root: Path = Path("/")) -> list[Finding]:
    """Watch a process and its workers for half a second. Raises UserError where there is none.

    root: where /proc and /sys are mounted.
    """
    proc = root / "proc"
    if not (proc / str(pid) / "task").is_dir():
        raise UserError(f"--pid: expected the number of a process that runs here, got {pid}")
    members = family(pid, proc)
    reach = allowed(members, proc) or affinity_set()
    cpus = whole_cpus(len(reach), quota_cpus(root, pid))
    return [
        *(
            replace(one, name=f"{one.name} of {pid}")
            for one in thread_settings(_environment(pid, proc), cpus)
            if one.state == "wrong"
        ),
        judge(watch(members, proc), pid, cpus),
    ]


def judge(load: Load, pid: int, cpus: int) -> Finding:
    """Say whether so many CPUs are enough, and what to set where they are not.

    A run collects and learns in turn, and may have too many threads for the one alone: moments count, not means only.
    """
    crowd, below = sum(load.crowd.values()), len(load.crowd) - 1
    who = f"process {pid}" + (f" and {below} below it" if below else "")
    text = f"{plural(crowd, 'thread')} of {who} want to run at a time ({load.mean:.1f} on average; {load.active} of"
    text += f" {load.threads} are active), for {plural(cpus, 'CPU')} that they may use"
    if load.mean <= cpus + _SLACK and crowd <= cpus:
        return Finding("load", "ok", text)
    busy = [one for one in load.crowd if one != pid and load.crowd[one]]
    if len(busy) > cpus:
        advice = f"--num-workers {cpus}"
    elif any(load.crowd[one] > 1 for one in busy):
        advice = "--threads-per-worker 1"
    else:
        advice = f"--num-threads {cpus} --train.learner_threads {cpus}"
    if load.mean <= cpus + _SLACK and crowd <= 1 + _MANY * cpus:  # such as a worker, a learner and a writer of records
        return Finding("load", "note", f"{text}: somewhat many; try --resume RUN {advice}")
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
    """Look at every thread of these processes again and again, at least five times."""
    looks: list[dict[int, int]] = []
    active: set[str] = set()
    used: dict[str, int] = {}
    there = 0
    begun = time.monotonic()
    while len(looks) < 5 or time.monotonic() < begun + seconds:
        there, look = 0, dict.fromkeys(members, 0)
        for pid in members:
            for task in _tasks(pid, proc):
                if not (fields := _fields(task / "stat")):
                    continue
                there += 1
                ticks = int(fields[11]) + int(fields[12])  # utime and stime of proc_pid_stat(5)
                running = fields[0] == "R"
                look[pid] += running
                if running or ticks > used.setdefault(task.name, ticks):
                    active.add(task.name)
        looks.append(look)
        time.sleep(_PAUSE_S)
    return Load(there, len(active), looks)


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
