"""OpenSim's storage files (.mot and .sto): a header, which says the unit of angles, then a table of numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.motions.recording import TIME, wrong

Floats = NDArray[np.float64]

_LINES = re.compile(r"\r\n|\r|\n")
_SAID = re.compile(r"\s*(\w+)\s*(?:=|\s)\s*(\S+)\s*$")  # of a header: nRows=10, or datarows 10 as SIMM wrote it
_ROWS, _COLUMNS = ("nrows", "datarows"), ("ncolumns", "datacolumns")
_STATE = "value"  # of a coordinate, among its other states: /jointset/hip_r/hip_flexion_r/value
_VERSIONS = ("1", "2", "3")


@dataclass(frozen=True, eq=False)
class Storage:
    """A file's table."""

    names: list[str]
    """(n,) of the columns after time, as in the file"""
    lines: list[int]
    """(K,) of the rows, counted from 1"""
    times: Floats
    """(K,) [s]"""
    values: Floats
    """(K, n), NaN where the file has no finite number"""
    unit: Literal["degree", "radian"] | None
    """Of angles, where the header says it"""
    model: str | None = None
    """Name of the model whose poses they are, as storage_text() wrote it: files of others do not say it."""


def read_storage(path: Path) -> Storage:
    """Read a file; raises UserError, one line with the file and its line, for what is none of its kind."""
    lines = text_lines(path, "motion table", "a text file of OpenSim's")
    end = next((k for k, line in enumerate(lines) if line.strip().lower() == "endheader"), None)
    if end is None:
        raise UserError(f"motion table '{path}': expected a line 'endheader' after OpenSim's header, got none")
    said = {match[1].lower(): match[2] for line in lines[:end] if (match := _SAID.match(line))}
    unit = _unit(path, said)
    rows = [
        (number, line)
        for number, line in enumerate(lines[end + 1 :], end + 2)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if len(rows) < 4:
        raise UserError(
            f"motion table '{path}': expected a line of column names and 3 rows of numbers or more below 'endheader',"
            f" got {len(rows)} lines"
        )
    names = _names(path, *rows[0])
    table = np.array([_numbers(path, number, line, names) for number, line in rows[1:]])
    _check_counts(path, said, len(table), len(names))
    numbers = [number for number, _ in rows[1:]]
    for k in np.flatnonzero(~np.isfinite(table[:, 0]))[:1]:
        raise wrong(path, numbers[k], f"a finite number for '{names[0]}'", f"'{rows[1 + k][1].split()[0][:40]}'")
    return Storage(names[1:], numbers, table[:, 0], table[:, 1:], unit, said.get("model"))


def storage_text(title: str, times: Floats, columns: Mapping[str, Floats], model: str | None = None) -> str:
    """Return the text of a file whose angles are in degrees.

    title: its first line. times: (K,) [s]. columns: (K,) each, by name. model: the name of the model whose poses these
    are, so that who reads them need not fit them to its legs.
    """
    table = np.column_stack([times, *columns.values()])
    said = [title, "version=1", f"nRows={len(table)}", f"nColumns={table.shape[1]}", "inDegrees=yes"]
    said += [f"model={word_of(model)}"] if model else []
    rows = ["\t".join(f"{value:.8f}" for value in row) for row in table]
    return "\n".join([*said, "endheader", "\t".join([TIME, *columns]), *rows]) + "\n"


def word_of(model: str) -> str:
    """Return a model's name as a header says it, without blanks."""
    return "_".join(model.split())


def coordinate_of(column: str) -> str:
    """Return the coordinate whose values a column has, by its name: of /jointset/knee_r/knee_angle_r/value too."""
    parts = column.split("/")
    return parts[-2] if len(parts) > 2 and parts[-1] == _STATE else column


def text_lines(path: Path, what: str, kind: str) -> list[str]:
    """Return the lines of a text file, whatever ends them. Raises UserError for what is none; what, kind: in words."""
    try:
        return _LINES.split(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UserError(f"{what} '{path}' cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{what} '{path}': expected {kind}, got {error}") from error


def _unit(path: Path, said: dict[str, str]) -> Literal["degree", "radian"] | None:
    if said.get("version", "1") not in _VERSIONS:
        raise UserError(f"motion table '{path}': expected version {', '.join(_VERSIONS)}, got {said['version'][:40]}")
    if said.get("datatype", "double").lower() != "double":
        raise UserError(f"motion table '{path}': expected DataType=double, got {said['datatype'][:40]}")
    word = said.get("indegrees")
    if word is None:
        return None
    if word.lower() not in ("yes", "no"):
        raise UserError(f"motion table '{path}': expected inDegrees=yes or inDegrees=no, got inDegrees={word[:40]}")
    return "degree" if word.lower() == "yes" else "radian"


def _names(path: Path, number: int, line: str) -> list[str]:
    names = [word.strip() for word in (line.strip().split("\t") if "\t" in line.strip() else line.split())]
    if names[0].lower() != TIME:
        raise wrong(path, number, f"column names that begin with '{TIME}'", f"'{names[0][:40]}'")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise wrong(path, number, "every column once", f"'{twice}' twice")
    return names


def _numbers(path: Path, number: int, line: str, names: list[str]) -> list[float]:
    words = line.split()
    if len(words) != len(names):
        raise wrong(path, number, f"{len(names)} numbers, one a column", str(len(words)))
    return [_number(word) for word in words]


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        return np.nan
    return value if abs(value) < np.inf else np.nan


def _check_counts(path: Path, said: dict[str, str], rows: int, columns: int) -> None:
    for keys, count, what in ((_ROWS, rows, "rows"), (_COLUMNS, columns, "columns")):
        given = next((said[key] for key in keys if key in said), str(count))
        if given != str(count):
            raise UserError(
                f"motion table '{path}': expected {given[:40]} {what}, as the header says, got {count}: the file may"
                " have been cut off"
            )
