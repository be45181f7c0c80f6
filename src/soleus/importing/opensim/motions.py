"""Motions of a model that is imported: files of its coordinates, or of markers, which become one."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import MARKER_ENDINGS, STORAGE_ENDINGS, Axis
from soleus.errors import UserError
from soleus.importing.opensim.coordinates import Coordinates
from soleus.importing.opensim.inverse import Solved, solve
from soleus.importing.opensim.markers import is_markers, listed, read_markers
from soleus.importing.opensim.tasks import read_tasks
from soleus.motions.plausible import check_spans
from soleus.motions.recording import check_times, wrong
from soleus.motions.storage import coordinate_of, read_storage, storage_text

Floats = NDArray[np.float64]

_ROTATION = 1  # of OpenSim's kinds of motion


@dataclass(frozen=True)
class MarkerKeys:
    """How files of markers are read."""

    tasks: Path | None = None
    """File with weights of inverse kinematics"""
    up: Axis | None = None
    """Axis of the files that points up; None: it is found"""
    start: float | None = None
    """[s] Where the part begins that is used, in the file's own time"""
    end: float | None = None
    """[s] Where that part ends"""


@dataclass(frozen=True, eq=False)
class ImportedMotion:
    """A file of coordinates in the folder of an import."""

    name: str
    source: Path
    values: Mapping[str, Floats]
    """(K,) of each coordinate [rad] or [m], by name"""
    text: str | None = None
    """Of the file that is written; None: that which was given is copied."""
    notes: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """Write the file."""
        if self.text is None:
            shutil.copyfile(self.source, path)
        else:
            path.write_text(self.text, encoding="utf-8")


def check_files(files: Sequence[Path], keys: MarkerKeys) -> None:
    """Raise UserError for motions that are none by their names, or not there, and for keys of markers without them."""
    for one in files:
        if one.suffix.lower() not in (*STORAGE_ENDINGS, *MARKER_ENDINGS):
            raise UserError(
                f"--motion: expected files of coordinates ({' or '.join(STORAGE_ENDINGS)}) or of markers"
                f" ({' or '.join(MARKER_ENDINGS)}), got '{one}'"
            )
        if not one.is_file():
            raise UserError(f"motion file '{one}' does not exist")
    given = {"--tasks": keys.tasks, "--up": keys.up, "--from": keys.start, "--to": keys.end}
    flag = next((flag for flag, value in given.items() if value is not None), None)
    if flag and not any(is_markers(one) for one in files):
        raise UserError(f"{flag}: expected it with a --motion of markers ({' or '.join(MARKER_ENDINGS)}), got none")


def name_of(file: Path) -> str:
    """Return the name that a motion gets in the folder of the import."""
    return f"{file.stem}.mot" if is_markers(file) else file.name


def read_motion(
    opensim: Any, model: Any, path: Path, coordinates: Coordinates, file: Path, keys: MarkerKeys
) -> ImportedMotion:
    """Read a motion of an opensim.Model, whose file is path. Raises UserError, one line, for one that does not fit."""
    if not is_markers(file):
        return _of_coordinates(model, coordinates, file)
    tasks = read_tasks(opensim, model, keys.tasks) if keys.tasks else None
    solved = solve(opensim, model, path, read_markers(file, keys.start, keys.end), tasks, keys.up)
    values = dict(zip(solved.names, solved.values.T, strict=True))
    return ImportedMotion(name_of(file), file, values, _text(model, solved), solved.notes)


def _of_coordinates(model: Any, coordinates: Coordinates, file: Path) -> ImportedMotion:
    storage, known = read_storage(file), coordinates.by_name
    check_times(file, storage.lines, storage.times)
    index = {coordinate_of(name): k for k, name in reversed(list(enumerate(storage.names)))}
    found = [name for name in known if name in index]
    if not found:
        raise UserError(
            f"motion table '{file}': expected columns with the names of the model's coordinates"
            f" ({listed(list(known))}), got {listed(storage.names)}"
        )
    values = storage.values[:, [index[name] for name in found]]
    for k, column in np.argwhere(~np.isfinite(values))[:1]:
        raise wrong(file, storage.lines[k], f"a finite number for '{found[column]}'", "none")
    turning = _turning(model, found)
    values = np.where(turning & (storage.unit == "degree"), np.deg2rad(values), values)
    moving = [k for k in np.flatnonzero(turning) if found[k] in coordinates.independent]
    limits = [(known[found[k]].low, known[found[k]].high) for k in moving if known[found[k]].clamped]
    ranges = np.full((len(moving), 2), np.nan)
    ranges[[known[found[k]].clamped for k in moving]] = np.array(limits).reshape(-1, 2)
    if moving:
        said = "inDegrees in the file's header"
        what, columns = f"motion table '{file}'", [found[k] for k in moving]
        check_spans(what, columns, values[:, moving], ranges, storage.unit or "radian", said)
    return ImportedMotion(file.name, file, dict(zip(found, values.T, strict=True)))


def _turning(model: Any, names: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each of these coordinates is an angle."""
    return np.array([model.getCoordinateSet().get(name).getMotionType() == _ROTATION for name in names])


def _text(model: Any, solved: Solved) -> str:
    """Text of a .mot file, angles in degrees."""
    degrees = np.where(_turning(model, solved.names), np.rad2deg(solved.values), solved.values)
    return storage_text("Coordinates", solved.times, dict(zip(solved.names, degrees.T, strict=True)))
