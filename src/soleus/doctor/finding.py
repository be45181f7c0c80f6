"""What `soleus doctor` says of one thing that it looked at."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: State
    """note: nothing is wrong, but something is not there that a user may want."""
    text: str


def plural(count: int, noun: str) -> str:
    """Return "1 CPU" or "2 CPUs"."""
    return f"{count} {noun}{'s' * (count != 1)}"
