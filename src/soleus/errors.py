"""The one error that users see: a single line that names what was expected and what came."""

import difflib
import traceback
from collections.abc import Iterable


class UserError(Exception):
    """Something the user gave is wrong; the message is one line, printed as ``error: ...`` with exit code 2."""


def described(error: BaseException) -> str:
    """Return the type and the first line of an error that somebody else's code raised."""
    line = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def trace_of(error: BaseException) -> str:
    """Return where somebody else's code raised an error, to be shown above its line; nothing for sys.exit."""
    return "" if isinstance(error, SystemExit) else "".join(traceback.format_exception(error))


def of_system(error: OSError) -> str:
    """Return in a line what the system refused, and of which file."""
    said = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {said}" if error.filename is not None else said


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known word nearest to `word`, or "" where none is near.

    A dotted key whose last part is near the word is near too.
    """
    words = list(known)
    lasts = {one.rpartition(".")[2]: one for one in reversed(words)}
    near = (
        difflib.get_close_matches(word, words, n=1)
        or [one for one in words if one.endswith(f".{word}")]
        or [lasts[one] for one in difflib.get_close_matches(word, lasts, n=1)]
        or [one for one in words if one.lower() == word.lower()]
    )
    return f" (did you mean '{near[0]}'?)" if near else ""


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
