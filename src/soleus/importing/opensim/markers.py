"""Files of markers, .trc and .c3d: where reflective markers on a person were, as cameras saw them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import MARKER_ENDINGS
from soleus.errors import UserError, nearest
from soleus.importing.opensim.c3d import read_c3d
from soleus.importing.opensim.trc import read_trc
from soleus.motions.cutting import part_of, seconds
from soleus.motions.recording import check_times

Floats = NDArray[np.float64]

LEAST = 3
"""Markers that say where a body is."""
_METRES = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
_UNITS = {
    "meters": "m", "metres": "m", "meter": "m", "metre": "m", "millimeters": "mm", "millimetres": "mm",
    "centimeters": "cm", "centimetres": "cm", "inches": "in", "inch": "in", "feet": "ft",
}  # fmt: skip
_SHOWN = 6  # names in a message


@dataclass(frozen=True, eq=False)
class Markers:
    """K frames of n markers."""

    path: Path
    names: tuple[str, ...]
    times: Floats
    """(K,) [s]"""
    places: Floats
    """(K, n, 3) in the file's axes, [m] where it says its unit, NaN where a marker was not seen"""
    unit: str
    """That the file has its lengths in, "" where it says none"""
    scale: float
    """[m] of that unit"""

    @property
    def what(self) -> str:
        """The file, in words."""
        return f"marker file '{self.path}'"


def is_markers(path: Path) -> bool:
    """Whether a file is one of markers, by its ending."""
    return path.suffix.lower() in MARKER_ENDINGS


def read_markers(path: Path, start: float | None = None, end: float | None = None) -> Markers:
    """Read the frames from one time [s] to another, by default all.

    Raises UserError, one line, for a file that is none of its kind, an unknown unit, and times that do not rise evenly.
    """
    raw = read_c3d(path) if path.suffix.lower() == ".c3d" else read_trc(path)
    what = f"marker file '{path}'"
    word = raw.unit.strip().lower()
    unit = _UNITS.get(word, word)
    if unit and unit not in _METRES:
        raise UserError(f"{what}: expected a unit of length such as m, cm or mm, got '{raw.unit[:40]}'")
    scale = _METRES[unit] if unit else 1.0  # without one, the model's own markers say which it is
    part = part_of(what, raw.times, start, end, LEAST) if start is not None or end is not None else slice(None)
    lines, times = raw.lines[part], raw.times[part]
    check_times(path, lines, times, raw.place, "marker file")
    places = scale * raw.places[part]
    # What no camera saw is written as a place of zeros by some programs.
    places[np.all(places == 0, axis=2) | np.isnan(places).any(axis=2)] = np.nan
    return Markers(path, raw.names, times, places, unit, scale)


def of_model(markers: Markers, names: list[str], model: Path) -> tuple[Markers, list[str]]:
    """Return the markers that a model has too, by the model's names, and sentences on those that only one of them has.

    A subject's name and a colon before a marker's are left out where the model has none. Raises UserError where fewer
    than three are the model's.
    """
    if not names:
        raise UserError(f"model file '{model}': expected markers, which {markers.path.name} is to move, got none")
    short = {name.rpartition(":")[2]: k for k, name in reversed(list(enumerate(markers.names)))}
    index = short | {name: k for k, name in reversed(list(enumerate(markers.names)))}
    both = [name for name in names if name in index]
    if len(both) < LEAST:
        came = f"only {listed(both)} of" if both else "none of"
        near = nearest(names[0], markers.names)
        raise UserError(
            f"{markers.what}: expected markers of model '{model}' ({listed(names)}), got {came} them:"
            f" {listed(markers.names)}{near}"
        )
    taken = {index[name] for name in both}
    foreign = [name for k, name in enumerate(markers.names) if k not in taken]
    missing = [name for name in names if name not in index]
    notes = []
    if foreign:
        notes.append(f"{markers.path.name}: the model has no markers {listed(foreign)}, which are left out")
    if missing:
        notes.append(f"{markers.path.name}: expected the model's markers {listed(missing)} too, got none of them")
    places = markers.places[:, [index[name] for name in both]]
    return replace(markers, names=tuple(both), places=places), notes


def gaps(markers: Markers) -> list[str]:
    """Return sentences on markers that were not seen all the time. Raises UserError where fewer than three were."""
    seen = ~np.isnan(markers.places[:, :, 0])
    count = seen.sum(axis=1)
    few = np.flatnonzero(count < LEAST)
    if len(few):
        raise UserError(
            f"{markers.what}: expected {LEAST} markers of the model or more at every time, got {count[few[0]]} at"
            f" {seconds(markers.times[few[0]])} s: --from and --to choose a part"
        )
    lost = {name: share for name, share in zip(markers.names, 1 - seen.mean(axis=0), strict=True) if share > 0}
    if not lost:
        return []
    worst = sorted(lost, key=lambda name: -lost[name])
    said = listed([f"{name} {100 * lost[name]:.2g} %" for name in worst])
    return [f"{markers.path.name}: markers that were not seen for a part of the time: {said}"]


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Return names in a row, the first few of many."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
