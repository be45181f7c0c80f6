"""Tables of a sweep as files: .npz, .csv, .parquet and .h5."""

import csv
import importlib
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from soleus.errors import UserError, described
from soleus.machine.files import write_bytes
from soleus.sweep.rows import Table

_PACKAGES = {".parquet": "pyarrow", ".h5": "h5py"}
ENDINGS = (".npz", ".csv", *_PACKAGES)
"""Kinds of tables, by ending."""


def check_table(path: Path) -> None:
    """Raise UserError for a file that no table can be written to, or read from, here."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UserError(f"--out: expected a file ending in {', '.join(ENDINGS)}, got {path}")
    if not path.parent.is_dir():
        raise UserError(f"--out: expected a file in an existing folder, got the folder {path.parent}")
    if path.is_dir():
        raise UserError(f"--out: expected a file, got the folder {path}")
    if ending in _PACKAGES:
        _package(path)


def write_table(path: Path, table: Table) -> None:
    """Write a table whole or not at all. Curves are arrays of each row; in a .csv file a column for each point of the
    cycle, NAME_000 to NAME_100. Raises UserError where the disk refuses.
    """
    write_bytes(path, _WRITERS[path.suffix.lower()](path, table))


def read_table(path: Path) -> Table:
    """Return what write_table wrote. Raises UserError for a file that is none."""
    if not path.is_file():
        came = "a folder" if path.is_dir() else "nothing there"
        raise UserError(f"{path}: expected the table of a sweep, got {came}")
    try:
        table = _READERS[path.suffix.lower()](path)
    except UserError:
        raise
    except Exception as error:  # each package has its own for a file that is none
        raise UserError(f"{path}: expected the table of a sweep, got {described(error)}") from None
    if not {"point", "success"} <= table.keys():
        raise UserError(f"{path}: expected the table of a sweep, got one without the columns point and success")
    return table


def _package(path: Path) -> ModuleType:
    name = _PACKAGES[path.suffix.lower()]
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError(
            f"{path}: expected {name} for a {path.suffix} file, got none: pip install 'soleus[tables]'"
        ) from None


def npz_bytes(table: Table) -> bytes:
    """Return a table as the content of an .npz file."""
    buffer, arrays = io.BytesIO(), dict[str, Any](table)
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npz_table(file: Any) -> Table:
    """Return the table that an .npz file holds: a path, or bytes."""
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _csv(path: Path, table: Table) -> bytes:
    columns: dict[str, list[Any]] = {}
    for name, values in table.items():
        if values.ndim == 2:
            columns |= {f"{name}_{k:03d}": column.tolist() for k, column in enumerate(values.T)}
        else:
            columns[name] = values.tolist()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def _of_csv(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        columns = list(zip(*rows, strict=True)) or [()] * len(header)
    table: Table = {}
    for name, values in zip(header, columns, strict=True):
        stem, _, number = name.rpartition("_")
        if len(number) == 3 and number.isdigit():
            curve = np.array(values, dtype=np.float64)[:, None]
            table[stem] = np.hstack([table[stem], curve]) if number != "000" else curve
        elif name == "success":
            table[name] = np.array([value == "True" for value in values])
        elif name == "side":
            table[name] = np.array(values, dtype=np.str_)
        else:
            table[name] = np.array(values, dtype=np.int64 if name in ("point", "episode") else np.float64)
    return table


def _parquet(path: Path, table: Table) -> bytes:
    pyarrow = _package(path)
    parquet = importlib.import_module("pyarrow.parquet")
    columns = {
        name: pyarrow.FixedSizeListArray.from_arrays(values.ravel(), values.shape[1]) if values.ndim == 2 else values
        for name, values in table.items()
    }
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def _of_parquet(path: Path) -> Table:
    _package(path)
    table: Table = {}
    read = importlib.import_module("pyarrow.parquet").read_table(path)
    for name, column in zip(read.column_names, read.columns, strict=True):
        values = column.to_pylist()
        table[name] = np.array(values, dtype=np.str_) if name == "side" else np.array(values)
    return table


def _h5(path: Path, table: Table) -> bytes:
    h5py = _package(path)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in table.items():
            if values.dtype.kind == "U":
                file.create_dataset(name, data=values.astype(object), dtype=h5py.string_dtype())
            else:
                file.create_dataset(name, data=values, compression="gzip")
    return buffer.getvalue()


def _of_h5(path: Path) -> Table:
    with _package(path).File(path, "r") as file:
        return {
            name: np.asarray(data.asstr()[:], dtype=np.str_) if data.dtype.kind == "O" else data[:]
            for name, data in file.items()
        }


_WRITERS: dict[str, Callable[[Path, Table], bytes]] = {
    ".npz": lambda path, table: npz_bytes(table),
    ".csv": _csv,
    ".parquet": _parquet,
    ".h5": _h5,
}
_READERS: dict[str, Callable[[Path], Table]] = {
    ".npz": npz_table,
    ".csv": _of_csv,
    ".parquet": _of_parquet,
    ".h5": _of_h5,
}
