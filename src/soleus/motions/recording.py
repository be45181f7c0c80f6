"""A recording: poses row by row as a motion file gives them, and what messages about them need."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import TableMotion, Unit
from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.cutting import part_of
from soleus.motions.motion import Motion
from soleus.motions.plausible import Given, check_place, check_treading

Floats = NDArray[np.float64]

TIME = "time"
_WHAT = "motion table"
_EVEN = 0.02  # of a step
_ROUNDED_S, _MOST = 0.0011, 0.1  # of times that are rounded to thousandths, unless that is most of a step
_STEP_S = (1 / 5000, 0.25)
_LEAST = 3  # rows of a motion


@dataclass(frozen=True, eq=False)
class Recording:
    """K rows of poses of a model."""

    path: Path
    lines: list[int]
    """(K,) where the rows are in the file"""
    place: str
    """What `lines` counts: line or row"""
    times: Floats
    """(K,) [s]"""
    qpos: Floats
    """(K, nq) in metres and radians"""
    columns: list[str]
    """(nq,) of the file, "" where it has none"""
    root_columns: tuple[str, str, str]
    """Of the root's place along x, y and z of the world, "" where the file has none"""
    unit: Unit
    """That the file has its angles in"""
    unit_key: str
    """What says the unit: a key, or a line of the file's header"""
    scale: float
    """[m] of the file's unit of length"""
    notes: tuple[str, ...] = ()
    """What was made of the file, in sentences for its owner"""
    own: bool = False
    """The file says that its poses are this very model's."""

    @property
    def step(self) -> float:
        """Time [s] from row to row."""
        return float(self.times[-1] - self.times[0]) / (len(self.times) - 1)

    def rows(self, first: int, last: int) -> "Recording":
        """Return the part from one row to another, both included."""
        part = slice(first, last + 1)
        return replace(self, lines=self.lines[part], times=self.times[part], qpos=self.qpos[part])


def check_feet(recording: Recording, motion: Motion, human: Human) -> None:
    """Raise UserError where the pelvis of a recording's motion is not where its feet would have it."""
    what = f"motion table '{recording.path}'"
    given = Given(what, "motion.scale", recording.scale, recording.root_columns)
    check_place(given, motion, human)
    check_treading(given, motion, human)


def cut(path: Path, lines: list[int], table: Floats, how: TableMotion, place: str = "line") -> tuple[list[int], Floats]:
    """Return the rows that were asked for, of a table whose first column are times [s].

    Raises UserError where times do not rise from row to row, are no seconds, do not rise evenly in the rows that were
    asked for, or where the file does not have these. place: what `lines` counts.
    """
    times, part = table[:, 0], slice(None)
    if how.first is not None or how.to is not None:
        for k in np.flatnonzero(np.diff(times) <= 0)[:1]:
            raise _falling(path, lines, times, k, place)
        part = part_of(f"motion table '{path}'", times, how.first, how.to, _LEAST)
    check_times(path, lines[part], times[part], place)
    return lines[part], table[part]


def check_times(path: Path, lines: list[int], times: Floats, place: str = "line", what: str = _WHAT) -> None:
    """Raise UserError for times that do not rise evenly, or are no seconds."""
    steps = np.diff(times)
    step = float(np.median(steps))
    uneven = np.abs(steps - step) > max(_EVEN * step, min(_ROUNDED_S, _MOST * step))
    for k in np.flatnonzero(uneven | (steps <= 0))[:1]:
        if steps[k] <= 0:
            raise _falling(path, lines, times, k, place, what)
        rise = f"times that rise evenly, by {step:g} s a row"
        raise wrong(path, lines[k + 1], rise, f"{times[k]:g}, then {times[k + 1]:g}", place, what)
    if not _STEP_S[0] <= step <= _STEP_S[1]:
        raise UserError(
            f"{what} '{path}' column '{TIME}': expected seconds, {_STEP_S[0]:g} to {_STEP_S[1]:g} a row, got {step:g}"
        )


def _falling(path: Path, lines: list[int], times: Floats, k: int, place: str, what: str = _WHAT) -> UserError:
    came = f"{times[k]:g}, then {times[k + 1]:g}"
    return wrong(path, lines[k + 1], "times that rise from row to row", came, place, what)


def wrong(path: Path, line: int, expected: str, got: str, place: str = "line", what: str = _WHAT) -> UserError:
    """Return the error of a line of a file."""
    return UserError(f"{what} '{path}' {place} {line}: expected {expected}, got {got}")
