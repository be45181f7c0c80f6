"""What a run that was killed could have left behind: workers without their run, and memory with a name.

Workers end when their run does, whatever ended it, and their memory has no name: normally there is nothing. A worker
that is stopped or hangs in an environment's native code cannot end by itself, and an environment may make segments.
"""

import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from soleus.collect.processes.memory import NAME

PROC, SHARED = Path("/proc"), Path("/dev/shm")
SEGMENTS = ("soleus", "psm_", "torch_")
"""Beginnings of the names: our own, Python's multiprocessing.shared_memory, torch's."""
_MEMORY = f"/memfd:{NAME} (deleted)"
_SPAWNED = "--multiprocessing-fork"  # on the command line of every process that multiprocessing spawns
_YOUNG = 10.0  # [s] a segment may be about to be mapped
_GRACE = 5.0  # [s] for the kernel to end a process

File = tuple[int, int]
"""Device and inode."""


@dataclass(frozen=True)
class Process:
    """A process that maps our memory."""

    pid: int
    parent: int
    spawned: bool
    """Whether it is a worker, rather than a run."""
    memory: frozenset[File]


@dataclass(frozen=True)
class Leftovers:
    """What is there."""

    runs: dict[int, int]
    """Numbers of workers by the process number of their run: what is under way, and no leftover."""
    orphans: tuple[int, ...]
    """Process numbers of workers whose run is gone."""
    segments: tuple[Path, ...]
    """Files in /dev/shm that no process maps or has open, as far as this user can see."""


def find(proc: Path = PROC, shared: Path = SHARED) -> Leftovers:
    """Look among the processes and segments of this user. proc, shared: where /proc and /dev/shm are mounted."""
    processes = [found for pid in _own(proc) if (found := _process(proc, pid)) is not None]
    runs, orphans = {one.pid: 0 for one in processes if not one.spawned}, []
    for one in processes:
        if not one.spawned:
            continue
        parent = next((other for other in processes if other.pid == one.parent and other.memory & one.memory), None)
        if parent is None:
            orphans.append(one.pid)
        else:
            runs[parent.pid] = runs.get(parent.pid, 0) + 1
    return Leftovers(runs, tuple(orphans), _unmapped(proc, shared))


def clean(found: Leftovers, proc: Path = PROC, shared: Path = SHARED) -> Leftovers:
    """End the orphans and remove the segments that are still such; return what is left."""
    still = find(proc, shared)
    ended = [pid for pid in found.orphans if pid in still.orphans]
    for pid in ended:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)  # they do not hear SIGTERM, and what is stopped hears nothing else
    for segment in set(found.segments) & set(still.segments):
        with suppress(OSError):
            segment.unlink()
    deadline = time.monotonic() + _GRACE
    while (left := find(proc, shared)).orphans and set(left.orphans) & set(ended) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _own(proc: Path) -> Iterator[int]:
    """Process numbers of this user."""
    for folder in proc.iterdir() if proc.is_dir() else ():
        if folder.name.isdigit():
            with suppress(OSError):
                if folder.stat().st_uid == os.getuid():
                    yield int(folder.name)


def _mapped(proc: Path, pid: int) -> Iterator[tuple[File, str]]:
    """Device, inode and name of every file that a process maps; nothing for one that is gone or keeps it secret."""
    try:
        lines = (proc / str(pid) / "maps").read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split(maxsplit=5)  # addresses, permissions, offset, device, inode, name: proc_pid_maps(5)
        if len(fields) == 6 and fields[4] != "0":
            major, minor = (int(part, 16) for part in fields[3].split(":"))
            yield (os.makedev(major, minor), int(fields[4])), fields[5]


def _process(proc: Path, pid: int) -> Process | None:
    memory = frozenset(file for file, name in _mapped(proc, pid) if name == _MEMORY)
    if not memory:
        return None
    try:
        arguments = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
        # The name in parentheses may itself hold spaces and parentheses: the parent is the second behind the last.
        parent = int((proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return Process(pid, parent, _SPAWNED.encode() in arguments, memory)


def _unmapped(proc: Path, shared: Path) -> tuple[Path, ...]:
    candidates: dict[File, Path] = {}
    for path in shared.iterdir() if shared.is_dir() else ():
        if not path.name.startswith(SEGMENTS):
            continue
        with suppress(OSError):
            about = path.lstat()
            if stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid() and time.time() - about.st_mtime > _YOUNG:
                candidates[about.st_dev, about.st_ino] = path
    if not candidates:
        return ()
    for folder in proc.iterdir():
        if folder.name.isdigit():
            for file in _in_use(proc, int(folder.name)):
                candidates.pop(file, None)
    return tuple(sorted(candidates.values()))


def _in_use(proc: Path, pid: int) -> Iterator[File]:
    """What a process maps or has open."""
    for file, _ in _mapped(proc, pid):
        yield file
    with suppress(OSError):
        for link in (proc / str(pid) / "fd").iterdir():
            with suppress(OSError):
                about = link.stat()
                yield about.st_dev, about.st_ino
