"""Hill-type muscles, fitted to a compiled model: which coordinates each muscle crosses, and what the core is told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.models.hill_table import HillParameters, HillTable, PathPieces

Ints = NDArray[np.int32]

_OF_CORE = {
    "max_force": "max_isometric_force",
    "optimal": "optimal_fiber_length",
    "slack": "tendon_slack_length",
    "pennation": "pennation_angle_at_optimal",
    "fastest": "max_contraction_velocity",
    "activation": "activation_time_constant",
    "deactivation": "deactivation_time_constant",
    "control_low": "min_control",
    "control_high": "max_control",
}


@dataclass(frozen=True, eq=False)
class HillMuscles:
    """Muscles that MuJoCo does not know, with rigid tendons; their paths are polynomials everywhere."""

    names: tuple[str, ...]
    parameters: HillParameters
    pieces: PathPieces
    """Their coordinates are those of the human."""

    def with_numbers(self, numbers: Mapping[str, Any]) -> "HillMuscles":
        """Return muscles with other parameters (nm,), by the core's names."""
        changed = {_OF_CORE[name]: np.array(values) for name, values in numbers.items()}
        return replace(self, parameters=replace(self.parameters, **changed))

    def data(self) -> dict[str, Any]:
        """Return the parameters as the core takes them."""
        return {ours: getattr(self.parameters, theirs).tolist() for ours, theirs in _OF_CORE.items()}

    def paths(self) -> dict[str, Any]:
        """Return the polynomials as the core takes them: pieces of the same coordinates, box and cell are one group."""
        pieces = self.pieces
        groups: dict[tuple[Any, ...], list[int]] = {}
        for piece in range(len(pieces)):
            own = pieces.coordinates_of(piece)
            columns = (pieces.coordinate, pieces.centre, pieces.half, pieces.low, pieces.high)
            groups.setdefault(tuple(tuple(column[own].tolist()) for column in columns), []).append(piece)
        order = [piece for members in groups.values() for piece in members]
        names = ("coordinate", "centre", "half", "low", "high")
        data: dict[str, Any] = {
            name: [value for key in groups for value in key[column]] for column, name in enumerate(names)
        }
        coefficients = [pieces.coefficient[pieces.coefficients_of(piece)] for piece in order]
        return data | {
            "coordinate_adr": _addresses([len(key[0]) for key in groups]),
            "muscle_adr": _addresses([len(members) for members in groups.values()]),
            "muscle": pieces.muscle[order].tolist(),
            "squared": pieces.squared[order].tolist(),
            "offset": pieces.offset[order].tolist(),
            "coefficient_adr": _addresses([len(one) for one in coefficients]),
            "coefficient": np.concatenate(coefficients).tolist(),
        }


def _addresses(lengths: list[int]) -> list[int]:
    return [0, *np.cumsum(lengths).tolist()]


def fit_hill(table: HillTable, coordinate_names: list[str], actuated: Ints) -> HillMuscles:
    """Find the coordinates of a table among a person's. Raises UserError naming the file and one that is no such.

    actuated (na,): the coordinates that are not the root's.
    """
    own = {coordinate_names[c]: int(c) for c in actuated}
    for name in table.coordinates:
        if name not in own:
            raise UserError(
                f"{table.path}: expected coordinates that are joints of the person, not of its root and driven by no"
                f" other, got '{name}'{nearest(name, own)}"
            )
    index = np.array([own[name] for name in table.coordinates], dtype=np.int64)
    values = {name: getattr(table.pieces, name) for name in PathPieces.__dataclass_fields__}
    return HillMuscles(
        table.names, table.parameters, PathPieces(**values | {"coordinate": index[table.pieces.coordinate]})
    )


def hill_crossings(muscles: HillMuscles, actuated: Ints) -> tuple[Ints, Ints]:
    """Sparse rows (adr (nm+1,), index (nnz,)) of the actuated indices that each muscle crosses."""
    slot = {int(c): k for k, c in enumerate(actuated)}
    rows: list[set[int]] = [set() for _ in muscles.names]
    for piece, muscle in enumerate(muscles.pieces.muscle):
        crossed = muscles.pieces.coordinate[muscles.pieces.coordinates_of(piece)]
        rows[muscle] |= {slot[int(c)] for c in crossed}
    adr = np.array(_addresses([len(row) for row in rows]), dtype=np.int32)
    return adr, np.array([s for row in rows for s in sorted(row)], dtype=np.int32)
