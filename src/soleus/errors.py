"""The one error that users see: a single line that names what was expected and what came."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user gave is wrong; the message is one line, printed as ``error: ...`` with exit code 2."""


def described(error: BaseException) -> str:
    """Return the type and the first line of an error that somebody else's code raised."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known word nearest to `word`, or "" where none is near.

    A dotted key whose last part is the word is near too.
    """
    words = list(known)
    near = difflib.get_close_matches(word, words, n=1) or [one for one in words if one.endswith(f".{word}")]
    near = near or [one for one in words if one.lower() == word.lower()]
    return f" (did you mean '{near[0]}'?)" if near else ""
