"""What a logger is, and what it is told of the run that it records."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Known = Mapping[str, str]
"""What a logger finds its own record of a run by again."""


@dataclass(frozen=True)
class RunFacts:
    """What a logger is told of a run as it begins."""

    folder: Path
    config: Mapping[str, Any]
    """The resolved configuration: nested, of what JSON has."""
    resume_steps: int | None = None
    """Steps that the run goes on from; None where it begins."""
    known: Known | None = None
    """Of an earlier process of the run; None where this logger has no record of it."""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.absolute().name


def overlap(name: str, steps: int) -> str:
    """Return what to tell where a logger has more steps of a run than the run goes on from: it takes none back."""
    return f"note: {name} has steps up to {steps:,} of this run already, and keeps them: they are not recorded again"


class Logger(Protocol):
    """A place where a run is recorded. It is made from RunFacts, and raises whatever its library raises."""

    known: Known | None
    """What finds this record again; None where there is nothing to find."""

    def row(self, metrics: Mapping[str, float], steps: int) -> None:
        """Record finite metrics by their keys, "time/steps" among them, at so many steps."""

    def close(self, failed: bool) -> None:
        """End the record. failed: the run ended by an error."""
