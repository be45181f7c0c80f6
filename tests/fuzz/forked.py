"""The command line in a process forked from this one, so that it starts at once: what it says, and how it ends."""

import io
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 60.0
"""By the clock, on a machine that does other work beside it; a quiet one needs no more than 10 s."""
_MEMORY = 16 * 2**30


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int | None
    """None where it was still there after the limit; minus the number of a signal."""
    out: str
    err: str
    seconds: float


def run(arguments: Sequence[str], folder: Path, draw: bool = True) -> Ended:
    """Run the command line in a folder. draw: the curves of a run, which takes most of the time of one that works."""
    out, err = folder / ".out", folder / ".err"
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os._exit(_child(arguments, folder, out, err, draw))
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            break
        if time.monotonic() - start > LIMIT_S:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            code = None
            break
        time.sleep(0.002)
    said = [path.read_text(errors="replace") if path.exists() else "" for path in (out, err)]
    for path in (out, err):
        path.unlink(missing_ok=True)
    return Ended(code, *said, time.monotonic() - start)


def _child(arguments: Sequence[str], folder: Path, out: Path, err: Path, draw: bool) -> int:
    os.setsid()
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", write_through=True)
    try:
        from soleus.cli import main
        from soleus.run import live

        if not draw:
            live.draw_curves = lambda folder: None
        return main(list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
