"""The text format of marker files, .trc: five lines of a header, then a row of places for every frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.motions.recording import wrong
from soleus.motions.storage import text_lines

Floats = NDArray[np.float64]

_HEADER = 5  # lines
_LEAST = 3  # frames
_WHAT = "marker file"


@dataclass(frozen=True, eq=False)
class RawMarkers:
    """What a file says, as it says it."""

    names: tuple[str, ...]
    unit: str
    times: Floats
    """(K,) [s]"""
    places: Floats
    """(K, n, 3) in that unit, NaN where there is none"""
    lines: list[int]
    """(K,) where the frames are in the file"""
    place: str
    """What `lines` counts: line or frame"""


def read_trc(path: Path) -> RawMarkers:
    """Read a file; raises UserError, one line with the file and its line, for what is none of its kind."""
    lines = text_lines(path, _WHAT, "a text file")
    if len(lines) < _HEADER or not lines[0].startswith("PathFileType"):
        raise UserError(f"{_WHAT} '{path}': expected a first line with PathFileType, got '{lines[0][:40]}'")
    said = dict(zip(lines[1].split(), lines[2].split(), strict=False))
    if "Units" not in said:
        raise UserError(f"{_WHAT} '{path}': expected Units in line 2 and the unit in line 3, got none")
    names = _names(path, lines[3])
    rows = [(k, _cells(line)) for k, line in enumerate(lines[_HEADER:], _HEADER + 1) if line.strip()]
    _check_count(path, said, "NumMarkers", len(names), "markers")
    _check_count(path, said, "NumFrames", len(rows), "frames")
    if len(rows) < _LEAST:
        raise UserError(f"{_WHAT} '{path}': expected {_LEAST} frames or more below the header, got {len(rows)}")
    table = np.array([_row(path, line, cells, names) for line, cells in rows])
    return RawMarkers(
        names, said["Units"], table[:, 0], table[:, 1:].reshape(len(table), -1, 3), [line for line, _ in rows], "line"
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()


def _names(path: Path, line: str) -> tuple[str, ...]:
    cells = _cells(line)
    if [cell.lower() for cell in cells[:2]] != ["frame#", "time"]:
        raise wrong(path, 4, "Frame#, Time and names of markers", f"'{line.strip()[:40]}'", what=_WHAT)
    names = [cell for cell in cells[2:] if cell]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise wrong(path, 4, "every marker once", f"'{twice}' twice", what=_WHAT)
    return tuple(names)


def _check_count(path: Path, said: dict[str, str], key: str, count: int, kind: str) -> None:
    if said.get(key, str(count)) != str(count):
        raise UserError(
            f"{_WHAT} '{path}': expected {said[key][:40]} {kind}, as {key} says, got {count}: the file may have been"
            " cut off"
        )


def _row(path: Path, line: int, cells: list[str], names: tuple[str, ...]) -> list[float]:
    """Time and places of a frame; cells that are empty, or lacking at the end of the line, are NaN."""
    width = 2 + 3 * len(names)
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) > width:
        raise wrong(path, line, f"{width} cells, three of each of {len(names)} markers", str(len(cells)), what=_WHAT)
    values = []
    for k, cell in enumerate((cells + [""] * width)[1:width]):
        try:
            value = float(cell) if cell else np.nan
        except ValueError:
            value = np.inf
        if abs(value) == np.inf or (k == 0 and np.isnan(value)):
            column = "the time" if k == 0 else f"marker '{names[(k - 1) // 3]}'"
            raise wrong(path, line, f"a number for {column}", f"'{cell[:40]}'", what=_WHAT)
        values.append(value)
    return values
