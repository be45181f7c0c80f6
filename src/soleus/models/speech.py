"""What MuJoCo says while it reads and compiles models: in our words, a line each, once, and no file of its own."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import mujoco

# MuJoCo tells all of this in sentences alone; tests/models/test_speech.py holds them against those of the library.
_WHEN = re.compile(r"\s*Time = [-\d.einfa]+\.?$")
_WHERE = re.compile(r",? line \d+(?= |$)")
_ADVICE = re.compile(r" ?The visual elements of the spec.*")
_said: set[str] = set()


def _say(message: str) -> None:
    text = _WHEN.sub("", " ".join(message.split()))
    if text and text not in _said:
        _said.add(text)
        print(f"warning: MuJoCo: {text}", file=sys.stderr)


def install() -> None:
    """Let MuJoCo's warnings be ours: by itself it writes paragraphs, and a file MUJOCO_LOG.TXT where one works."""
    mujoco.set_mju_user_warning(_say)


def one_line(error: Exception) -> str:
    """MuJoCo's message, without the lines of a file that is none of the user's, and its advice behind it."""
    return _ADVICE.sub("", _WHERE.sub("", " ".join(str(error).split())))


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what libraries within MuJoCo (qhull, of a mesh) print on the standard error stream off the screen.

    MuJoCo raises an error all the same, which says what is wrong.
    """
    sys.stderr.flush()
    try:
        before = os.dup(2)
    except OSError:  # a process without one
        yield
        return
    with tempfile.TemporaryFile() as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
