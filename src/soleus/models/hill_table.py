"""Hill-type muscles whose paths are polynomials of coordinates, as data by names; an NPZ file holds them beside an MJCF
file. docs/models.md lists its arrays.
"""

import io
import zipfile
from dataclasses import dataclass, fields
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ENDING = ".npz"
FORMAT = 1
MOST_VARIABLES, MOST_DEGREE = 6, 12  # of WidePolynomials in the core


@dataclass(frozen=True, eq=False)
class HillParameters:
    """(nm,) of each muscle, named as in OpenSim."""

    max_isometric_force: Floats
    """[N]"""
    optimal_fiber_length: Floats
    """[m]"""
    tendon_slack_length: Floats
    """[m]"""
    pennation_angle_at_optimal: Floats
    """[rad]"""
    max_contraction_velocity: Floats
    """[optimal fibre lengths/s]"""
    activation_time_constant: Floats
    """[s]"""
    deactivation_time_constant: Floats
    """[s]"""
    min_control: Floats
    """least excitation"""
    max_control: Floats


@dataclass(frozen=True, eq=False)
class PathPieces:
    """Polynomials of muscles' lengths, np of them: a muscle has one for each cell that its coordinates are cut into.

    x = (q - centre) / half goes from -1 to 1 over the box that a polynomial was fitted in. The length is the polynomial
    in x, or where `squared` holds the offset and the square root of the polynomial.
    """

    muscle: Ints
    """(np,)"""
    coordinate_adr: Ints
    """(np + 1,) where the coordinates of each begin in what follows"""
    coordinate: Ints
    """index into the table's coordinates"""
    centre: Floats
    """of each of them [rad] or [m]"""
    half: Floats
    low: Floats
    """the polynomial speaks for low <= q < high; infinite at the ends of the range"""
    high: Floats
    squared: NDArray[np.bool_]
    """(np,)"""
    offset: Floats
    """(np,) [m]"""
    coefficient_adr: Ints
    """(np + 1,)"""
    coefficient: Floats
    """of the monomials by total degree, then in lexicographic order: 1, x0, x1, x0 x0, x0 x1, x1 x1, ..."""

    def __len__(self) -> int:
        return len(self.muscle)

    def coordinates_of(self, piece: int) -> slice:
        """Where the coordinates of a piece are."""
        return slice(int(self.coordinate_adr[piece]), int(self.coordinate_adr[piece + 1]))

    def coefficients_of(self, piece: int) -> slice:
        """Where the coefficients of a piece are."""
        return slice(int(self.coefficient_adr[piece]), int(self.coefficient_adr[piece + 1]))


@dataclass(frozen=True, eq=False)
class HillTable:
    """Musculotendon units by name, over coordinates by name."""

    path: Path
    names: tuple[str, ...]
    coordinates: tuple[str, ...]
    """Joints of the model; their values are those of qpos."""
    parameters: HillParameters
    pieces: PathPieces


_PARAMETERS = tuple(one.name for one in fields(HillParameters))
_PIECES = tuple(one.name for one in fields(PathPieces))
_ADDRESSES = {"coordinate_adr": "coordinate", "coefficient_adr": "coefficient"}
_OF_COORDINATES = ("centre", "half", "low", "high")
_POSITIVE = tuple(name for name in _PARAMETERS if "angle" not in name and "control" not in name)


def to_bytes(table: HillTable) -> bytes:
    """Return the content of a file that read_hill reads back to the same numbers."""
    arrays: dict[str, Any] = {"format": np.array(FORMAT), "names": np.array(table.names)}
    arrays["coordinates"] = np.array(table.coordinates)
    arrays |= {name: getattr(table.parameters, name) for name in _PARAMETERS}
    arrays |= {f"piece_{name}": getattr(table.pieces, name) for name in _PIECES}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def read_hill(path: Path) -> HillTable:
    """Read a table. Raises UserError naming the file and what was expected there."""
    try:
        if not zipfile.is_zipfile(path):
            if not path.is_file():
                raise ValueError("there is no such file")
            raise ValueError("it is no archive of arrays")
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        table = _table(path, arrays)
        _check(table)
    except KeyError as error:
        raise UserError(f"{path}: expected muscles that `soleus import` wrote, but it has no array {error}") from None
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        said = " ".join(str(error).split())
        raise UserError(f"{path}: expected muscles that `soleus import` wrote, but {said}") from None
    return table


def _table(path: Path, arrays: dict[str, NDArray[Any]]) -> HillTable:
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"its format is {int(arrays['format'])}, not {FORMAT}")

    def read(name: str, kind: type) -> NDArray[Any]:
        values = arrays[name]
        allowed = "iu" if kind is np.int64 else "b" if kind is np.bool_ else "fiu"
        if values.ndim != 1 or values.dtype.kind not in allowed:
            raise ValueError(f"{name} is no row of {'whole numbers' if kind is np.int64 else 'numbers'}")
        return values.astype(kind)

    whole = {"muscle", "coordinate", "coordinate_adr", "coefficient_adr"}
    kinds = {name: np.int64 if name in whole else np.bool_ if name == "squared" else np.float64 for name in _PIECES}
    return HillTable(
        path,
        tuple(str(name) for name in arrays["names"]),
        tuple(str(name) for name in arrays["coordinates"]),
        HillParameters(**{name: read(name, np.float64) for name in _PARAMETERS}),
        PathPieces(**{name: read(f"piece_{name}", kind) for name, kind in kinds.items()}),
    )


def _check(table: HillTable) -> None:
    """Raise ValueError where arrays do not fit one another."""
    count, pieces = len(table.names), table.pieces
    if not count or len(set(table.names)) < count:
        raise ValueError("its muscles have no names of their own")
    for name in _PARAMETERS:
        values = getattr(table.parameters, name)
        if len(values) != count:
            raise ValueError(f"{name} has {len(values)} entries for {count} muscles")
        bad = ~np.isfinite(values) | (values < 0) | ((values == 0) if name in _POSITIVE else False)
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            raise ValueError(f"{name} of '{table.names[k]}' is {values[k]:g}")
    if np.any(table.parameters.pennation_angle_at_optimal >= np.pi / 2):
        raise ValueError("pennation_angle_at_optimal is a right angle or more")
    _check_pieces(pieces, count, len(table.coordinates))
    without = set(range(count)) - set(pieces.muscle.tolist())
    if without:
        raise ValueError(f"'{table.names[min(without)]}' has no path")


def _check_pieces(pieces: PathPieces, muscles: int, coordinates: int) -> None:
    for name, of in _ADDRESSES.items():
        adr, end = getattr(pieces, name), len(getattr(pieces, of))
        if len(adr) != len(pieces) + 1 or adr[0] != 0 or np.any(np.diff(adr) < 1) or adr[-1] != end:
            raise ValueError(f"piece_{name} does not rise from 0 to {end}")
    for name in _OF_COORDINATES:
        if len(getattr(pieces, name)) != len(pieces.coordinate):
            raise ValueError(f"piece_{name} does not have an entry for each of piece_coordinate")
    for name, end in (("muscle", muscles), ("coordinate", coordinates)):
        if np.any((getattr(pieces, name) < 0) | (getattr(pieces, name) >= end)):
            raise ValueError(f"piece_{name} counts beyond the {end} that there are")
    if len(pieces.squared) != len(pieces) or len(pieces.offset) != len(pieces):
        raise ValueError("piece_squared and piece_offset do not have an entry for each piece")
    for name in ("centre", "half", "offset", "coefficient"):
        if not np.all(np.isfinite(getattr(pieces, name))):
            raise ValueError(f"piece_{name} is not finite")
    if not (np.all(pieces.half > 0) and np.all(pieces.low < pieces.high)):
        raise ValueError("a piece has no range")
    for piece in range(len(pieces)):
        own, terms = pieces.coordinate[pieces.coordinates_of(piece)], np.diff(pieces.coefficient_adr)[piece]
        if len(own) > MOST_VARIABLES or len(set(own.tolist())) < len(own):
            raise ValueError(f"piece {piece} is not one of 1 to {MOST_VARIABLES} coordinates")
        if terms not in {comb(len(own) + degree, degree) for degree in range(MOST_DEGREE + 1)}:
            raise ValueError(f"piece {piece} has {terms} coefficients, which are not those of a degree")
