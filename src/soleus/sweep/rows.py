"""The rows of a sweep: what each stride of a person came to, as columns of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.gait.curves import Rows, activation_rows, angle_rows, force_rows
from soleus.gait.cycles import POINTS, SIDES, Stride, Strides, cut
from soleus.gait.measures import LABELS, cost_over, figures_of
from soleus.motions.anatomy import angles_of
from soleus.paths.function import Function
from soleus.sim.trace import Trace

Table = dict[str, NDArray[np.generic]]
"""Columns of R rows by name: (R,) numbers, text or truth values, or (R, POINTS) curves over the cycle"""

CONDITION = "condition."
"""What the names of columns of conditions begin with"""
_COST = "cost_of_transport"


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode at a point of the grid."""

    trace: Trace
    number: int
    """From 0"""
    success: bool
    """It lasted for its whole time."""


def rows_of(episodes: Sequence[Episode], functions: list[Function], most: int) -> Table:
    """Return a row for each of the first strides of each foot, in the order of time: `most` at most of each.

    functions: of the muscles, those of the scenario's human.
    """
    strides = cut([episode.trace for episode in episodes if len(episode.trace.qpos) > 1])
    whole = [episode for episode in episodes if len(episode.trace.qpos) > 1]
    kept = [stride for side in (0, 1) for stride in strides.of(side)[:most]]
    if not kept:
        return {}
    taken = Strides(strides.walks, kept)
    columns: Table = {
        "side": np.array([SIDES[stride.side] for stride in kept]),
        "episode": np.array([whole[stride.trace].number for stride in kept]),
        "start_s": np.array([stride.start * whole[stride.trace].trace.dt for stride in kept]),
        "success": np.array([whole[stride.trace].success for stride in kept]),
    }
    figures = [figures_of(strides.walks[stride.trace], stride) for stride in kept]
    columns |= {key: np.array([row.get(key, np.nan) for row in figures]) for key in LABELS}
    lengths = [row["stride_length"] for row in figures]
    columns[_COST] = np.array([_cost(strides, *each) for each in zip(kept, lengths, strict=True)])
    acting = any(episode.trace.activation.any() for episode in whole)
    curves = angle_rows(taken, angles_of(whole[0].trace.human))
    curves |= {f"force_{name}": rows for name, rows in force_rows(taken).items()}
    peaks = dict(curves)
    if acting:
        curves |= {f"activation_{name}": rows for name, rows in activation_rows(taken, functions).items()}
    over_cycle = {name: _column(rows) for name, rows in curves.items()}
    for name in peaks:
        columns |= {f"{name}_least": over_cycle[name].min(axis=1), f"{name}_most": over_cycle[name].max(axis=1)}
    order = np.lexsort((columns["start_s"], columns["episode"]))
    return {name: values[order] for name, values in {**columns, **over_cycle}.items()}


def _cost(strides: Strides, stride: Stride, length: float) -> float:
    """Metabolic cost of transport over a stride [J/kg/m]; NaN without muscles."""
    trace = strides.walks[stride.trace].trace
    energy = float(trace.metabolic[stride.start : stride.end].sum()) * trace.dt
    seconds = trace.dt * (stride.end - stride.start)
    return cost_over(energy, seconds, length) if energy > 0 else np.nan


def _column(rows: Rows) -> NDArray[np.float64]:
    """(R, POINTS) of the right foot's strides, then of the left's; NaN of a side that has none."""
    return np.concatenate([rows.sides.get(side, np.zeros((0, POINTS))) for side in SIDES])


def with_point(table: Table, point: int, names: Sequence[str], values: NDArray[np.float64]) -> Table:
    """Return a table with the point of the grid that its rows belong to; of a point without a stride one row, which
    says that nobody walked there.
    """
    if not table:
        nothing = {"side": "", "episode": -1, "start_s": np.nan, "success": False}
        table = {name: np.array([value]) for name, value in nothing.items()}
    count = len(table["side"])
    conditions = {f"{CONDITION}{name}": np.full(count, value) for name, value in zip(names, values, strict=True)}
    return {"point": np.full(count, point), **conditions, **table}


def joined(tables: Sequence[Table]) -> Table:
    """Return tables one below the other; what some of them lack is NaN there."""
    shapes: dict[str, tuple[int, ...]] = {}
    for table in tables:
        shapes |= {name: values.shape[1:] for name, values in table.items() if name not in shapes}
    return {
        name: np.concatenate(
            [table[name] if name in table else np.full((len(table["point"]), *shape), np.nan) for table in tables]
        )
        for name, shape in shapes.items()
    }
