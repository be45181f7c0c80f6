"""Muscles that are polylines, as data by body names; a CSV file holds them beside an MJCF file."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError

Floats = NDArray[np.float64]

_OF_MUSCLE = ("f0", "lm", "lt")
_OF_BODY = ("body", "x", "y", "z", "weight")
COLUMNS = ("muscle", *_OF_MUSCLE, *_OF_BODY, *(f"{name}2" for name in _OF_BODY))
"""A row a waypoint; f0, lm and lt on a muscle's first row. A second body, its place and weight where it is blended."""


@dataclass(frozen=True)
class Waypoint:
    """A point fixed to one body, or the weighted mean of its places on two."""

    bodies: tuple[str, ...]
    places: tuple[tuple[float, float, float], ...]
    """[m] in each body's frame"""
    weights: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class MuscleTable:
    """Musculotendon units; lengths are over the length of the whole path at qpos0."""

    path: Path
    names: tuple[str, ...]
    max_force: Floats
    """(nm,) f0, maximum isometric force [N]"""
    optimal: Floats
    """(nm,) lm, optimal fibre length"""
    slack: Floats
    """(nm,) lt, tendon slack length"""
    waypoints: tuple[tuple[Waypoint, ...], ...]


def write_table(path: Path, table: MuscleTable) -> None:
    """Write a table that read_table reads back to the same numbers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for k, name in enumerate(table.names):
            own = [repr(float(value[k])) for value in (table.max_force, table.optimal, table.slack)]
            for i, point in enumerate(table.waypoints[k]):
                cells = [
                    cell
                    for body, place, weight in zip(point.bodies, point.places, point.weights, strict=True)
                    for cell in (body, *map(repr, place), repr(weight))
                ]
                rows.writerow([name, *(own if i == 0 else [""] * 3), *cells, *[""] * (2 * len(_OF_BODY) - len(cells))])


def read_table(path: Path) -> MuscleTable:
    """Read a table. Raises UserError naming the file, the line and what was expected there."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: expected a readable CSV file, but {error}") from None
    if not lines or tuple(lines[0]) != COLUMNS:
        raise UserError(
            f"{path} line 1: expected the columns {','.join(COLUMNS)}, got {','.join(lines[0] if lines else [])}"
        )
    parameters: dict[str, list[float]] = {}
    points: dict[str, list[Waypoint]] = {}
    last = ""
    for number, line in enumerate(lines[1:], 2):
        where = f"{path} line {number}"
        if len(line) != len(COLUMNS):
            raise UserError(f"{where}: expected {len(COLUMNS)} cells, got {len(line)}")
        row = dict(zip(COLUMNS, line, strict=True))
        name = row["muscle"]
        if not name or (name != last and name in points):
            raise UserError(f"{where}: expected the rows of one muscle after another, got '{name}'")
        if name != last:
            parameters[name] = [_number(row, key, where) for key in _OF_MUSCLE]
            if min(parameters[name][:2]) <= 0:
                raise UserError(f"{where}: expected positive f0 and lm of '{name}', got {row['f0']} and {row['lm']}")
            points[name] = []
        points[name].append(_waypoint(row, where))
        last = name
    short = next((name for name, own in points.items() if len(own) < 2), None)
    if short is not None:
        raise UserError(f"{path}: expected at least two waypoints of '{short}', got one")
    if not points:
        raise UserError(f"{path}: expected at least one muscle, got none")
    values = np.array(list(parameters.values()))
    return MuscleTable(
        path, tuple(points), values[:, 0], values[:, 1], values[:, 2], tuple(tuple(own) for own in points.values())
    )


def _number(row: dict[str, str], key: str, where: str) -> float:
    try:
        value = float(row[key])
    except ValueError:
        raise UserError(f"{where}: {key}: expected a number, got '{row[key]}'") from None
    if not np.isfinite(value):
        raise UserError(f"{where}: {key}: expected a finite number, got '{row[key]}'")
    return value


def _waypoint(row: dict[str, str], where: str) -> Waypoint:
    ends = [end for end in ("", "2") if end == "" or row["body2"]]
    if not row["body"]:
        raise UserError(f"{where}: body: expected a body, got none")
    places = [tuple(_number(row, f"{axis}{end}", where) for axis in "xyz") for end in ends]
    return Waypoint(
        tuple(row[f"body{end}"] for end in ends),
        tuple((x, y, z) for x, y, z in places),
        tuple(_number(row, f"weight{end}", where) for end in ends),
    )
