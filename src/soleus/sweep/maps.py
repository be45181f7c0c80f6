"""Maps of a sweep: figures over the conditions that were varied."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.gait.measures import LABELS
from soleus.machine.files import write_bytes
from soleus.sweep.rows import CONDITION, Table

Floats = NDArray[np.float64]

SHOWN = ("cost_of_transport", "success", "speed", "cadence", "step_length", "peak_force")
"""Columns that are drawn where none is asked for."""
_LABELS = {
    **{key: f"{label} [{unit}]" for key, (label, unit) in LABELS.items()},
    "cost_of_transport": "Metabolic cost of transport [J/kg/m]",
    "success": "Share of strides in episodes that last",
}
_COLUMNS = 3
_TICKS = 7  # of an axis whose every value is named


def check_picture(path: Path) -> None:
    """Raise UserError for a file that no picture can be written to."""
    if path.suffix.lower() != ".png":
        raise UserError(f"--plot: expected a file ending in .png, got {path}")
    if not path.parent.is_dir():
        raise UserError(f"--plot: expected a file in an existing folder, got the folder {path.parent}")


def write_maps(path: Path, table: Table, shown: tuple[str, ...] = SHOWN) -> None:
    """Draw figures of a sweep to a .png file. Errors as of draw_maps, and where the disk refuses."""
    buffer = io.BytesIO()
    draw_maps(table, shown).savefig(buffer, format="png", dpi=130)
    write_bytes(path, buffer.getvalue())


def varied(table: Table) -> list[str]:
    """Return the conditions that were varied, in the order of the columns."""
    return [
        name.removeprefix(CONDITION)
        for name, values in table.items()
        if name.startswith(CONDITION) and len(np.unique(values)) > 1
    ]


def draw_maps(table: Table, shown: tuple[str, ...] = SHOWN) -> Figure:
    """Draw a panel for each column: a map over two conditions, means over strides; or a line over one, with its SD.

    Gids are those of the columns. Raises UserError for a column that is not there, and other numbers of conditions.
    """
    over = varied(table)
    if not 1 <= len(over) <= 2:
        raise UserError(f"--plot: expected a sweep over one condition or two, got one over {len(over)}")
    scalars = [name for name, values in table.items() if values.ndim == 1 and values.dtype.kind in "fb"]
    for name in shown:
        if name not in scalars:
            raise UserError(f"--value: expected a column of numbers, got '{name}'{nearest(name, scalars)}")
    columns = min(_COLUMNS, len(shown))
    lines = -(-len(shown) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.7 * lines), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    for number, name in enumerate(shown):
        axes = figure.add_subplot(lines, columns, number + 1)
        values = np.asarray(table[name], dtype=np.float64)
        draw = _line if len(over) == 1 else _map
        draw(figure, axes, [np.asarray(table[CONDITION + one], dtype=np.float64) for one in over], values, name)
        axes.set_title(_LABELS.get(name, name), loc="left", fontsize=10, fontweight="bold", parse_math=False)
        axes.set_xlabel(over[0], parse_math=False)
        if len(over) == 2:
            axes.set_ylabel(over[1], parse_math=False)
    return figure


def grid_means(places: list[Floats], values: Floats) -> tuple[list[Floats], Floats, Floats]:
    """Return the values that each condition takes, and the means and standard deviations of a column over the rows at
    each combination of them; NaN where no row has a number.
    """
    ticks, at = zip(*(np.unique(place, return_inverse=True) for place in places), strict=True)
    shape = tuple(len(one) for one in ticks)
    means, spreads = np.full(shape, np.nan), np.full(shape, np.nan)
    for index in np.ndindex(shape):
        here = np.all([where == k for where, k in zip(at, index, strict=True)], axis=0) & np.isfinite(values)
        if here.any():
            means[index], spreads[index] = values[here].mean(), values[here].std()
    return list(ticks), means, spreads


def _line(figure: Figure, axes: Axes, places: list[Floats], values: Floats, name: str) -> None:
    (ticks,), means, spreads = grid_means(places, values)
    axes.plot(ticks, means, marker="o", markersize=4, linewidth=1.6, color="#0072B2", gid=name)
    axes.fill_between(ticks, means - spreads, means + spreads, color="#0072B2", alpha=0.2, linewidth=0)
    axes.spines[["top", "right"]].set_visible(False)


def _map(figure: Figure, axes: Axes, places: list[Floats], values: Floats, name: str) -> None:
    (across, up), means, _ = grid_means(places, values)
    colours: dict[str, Any] = {"cmap": "viridis", "shading": "nearest", "gid": name}
    if name == "success":
        colours |= {"vmin": 0.0, "vmax": 1.0}
    axes.set_facecolor("#e4e7ec")  # where nobody walks
    mesh = axes.pcolormesh(across, up, np.ma.masked_invalid(means.T), **colours)
    if len(across) <= _TICKS:
        axes.set_xticks(across, [f"{value:.4g}" for value in across])
    if len(up) <= _TICKS:
        axes.set_yticks(up, [f"{value:.4g}" for value in up])
    figure.colorbar(mesh, ax=axes, shrink=0.9)
