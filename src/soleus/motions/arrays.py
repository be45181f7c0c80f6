"""Poses as arrays of NumPy's in an .npz file: qpos of the model, and time or a rate."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import TableMotion
from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.recording import Recording, cut, wrong
from soleus.motions.table import columns, entries, recording_of

Floats = NDArray[np.float64]


def read_arrays(path: Path, human: Human, how: TableMotion) -> Recording:
    """Read qpos (K, nq) of the whole model, with time (K,) [s] or hz. Raises UserError, one line, for anything else."""
    arrays = _arrays(path)
    if "qpos" not in arrays or ("time" in arrays) == ("hz" in arrays):
        raise UserError(
            f"motion table '{path}': expected the array qpos and either time or hz, got {', '.join(arrays) or 'none'}"
        )
    qpos, nq = _numbers(path, arrays, "qpos"), human.model.nq
    if qpos.ndim != 2 or qpos.shape[1] != nq or len(qpos) < 3:
        raise UserError(
            f"motion table '{path}': expected qpos of 3 rows or more of {nq} numbers, one for each of qpos of"
            f" '{human.name}', got an array of shape {qpos.shape}"
        )
    rows, table = cut(
        path, list(range(len(qpos))), np.column_stack([_times(path, arrays, len(qpos)), qpos]), how, "row"
    )
    own, names = entries(human), columns(human)
    for k, column in np.argwhere(~np.isfinite(table[:, 1 + own]))[:1]:
        raise wrong(path, rows[k], f"a finite number for '{names[column]}'", f"{table[k, 1 + own[column]]}", "row")
    raw = np.tile(human.qpos_rest, (len(table), 1))
    raw[:, own] = table[:, 1 + own]
    return recording_of(path, rows, table[:, 0], raw, human, how, "row")


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {str(name): np.asarray(file[name]) for name in file}
    except OSError as error:
        raise UserError(f"motion table '{path}' cannot be read: {error.strerror or error}") from error
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError, TypeError) as error:
        said = " ".join(str(error).split())[:120]
        raise UserError(f"motion table '{path}': expected arrays of NumPy's without objects, got {said}") from error


def _numbers(path: Path, arrays: dict[str, NDArray[np.generic]], name: str) -> Floats:
    array = arrays[name]
    if array.dtype.kind not in "fiu":
        raise UserError(f"motion table '{path}': expected numbers in {name}, got {array.dtype}")
    return array.astype(np.float64)


def _times(path: Path, arrays: dict[str, NDArray[np.generic]], count: int) -> Floats:
    if "hz" in arrays:
        hz = _numbers(path, arrays, "hz").ravel()
        if hz.size != 1 or not 0 < hz[0] < np.inf:
            raise UserError(f"motion table '{path}': expected one hz above 0, got {hz[:4]}")
        times: Floats = np.arange(count) / hz[0]
        return times
    times = _numbers(path, arrays, "time")
    if times.shape != (count,):
        raise UserError(f"motion table '{path}': expected time of shape ({count},), as qpos has, got {times.shape}")
    for k in np.flatnonzero(~np.isfinite(times))[:1]:
        raise wrong(path, int(k), "a finite number for 'time'", f"{times[k]}", "row")
    return times
