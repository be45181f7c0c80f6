"""The binary format of motion laboratories, .c3d, as the package ezc3d reads it."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from soleus.errors import UserError
from soleus.importing.opensim.trc import RawMarkers

_LEAST = 3  # frames


def read_c3d(path: Path) -> RawMarkers:
    """Read the points of a file, its first frame at 0 s; those that were not seen are NaN.

    Raises UserError where the package ezc3d is not installed, or the file is none of its kind or has no points.
    """
    what = f"marker file '{path}'"
    try:
        ezc3d = importlib.import_module("ezc3d")
    except ImportError as error:
        raise UserError(
            f"expected the package ezc3d to read .c3d files, but {error}: pip install 'soleus[opensim]'"
        ) from None
    try:
        with path.open("rb"):
            pass
        file = ezc3d.c3d(str(path))
        point, data = file["parameters"]["POINT"], file["data"]["points"]
    except OSError as error:
        raise UserError(f"{what} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # whatever the library throws is about the file
        raise UserError(f"{what}: expected a file of the kind c3d, but {' '.join(str(error).split())[:120]}") from None
    count = data.shape[1]
    labels = ["LABELS", *(key for key in sorted(point) if key.startswith("LABELS") and key != "LABELS")]
    names = [str(name).strip() for key in labels for name in _values(point, key)][:count]  # 255 to a parameter
    rate = [float(value) for value in _values(point, "RATE")]
    unit = [str(value) for value in _values(point, "UNITS")]
    if len(names) < count or not count:
        raise UserError(f"{what}: expected points with labels, got {count} points and {len(names)} labels")
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise UserError(f"{what}: expected every marker once, got '{twice}' twice")
    if len(rate) != 1 or not 0 < rate[0] < np.inf:
        raise UserError(f"{what}: expected one POINT:RATE above 0, got {rate}")
    if data.shape[2] < _LEAST:
        raise UserError(f"{what}: expected {_LEAST} frames or more, got {data.shape[2]}")
    places = data[:3].transpose(2, 1, 0).astype(np.float64)
    frames = list(range(len(places)))
    return RawMarkers(tuple(names), unit[0] if unit else "", np.arange(len(places)) / rate[0], places, frames, "frame")


def _values(group: Any, key: str) -> list[Any]:
    return list(group[key]["value"]) if key in group else []
