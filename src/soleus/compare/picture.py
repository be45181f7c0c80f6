"""The picture of a comparison: return over steps and over time, speed over time, where the time goes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from soleus.compare.comparison import Comparison
from soleus.compare.reading import RunRecord
from soleus.compare.shares import SHARES

# Colours that stay apart for the colour-blind: Okabe and Ito's for runs, Paul Tol's muted ones for shares.
_RUNS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("solid", "dashed", "dotted", "dashdot")  # once all colours are used
SHARE_COLOURS = dict(zip(SHARES, ("#44AA99", "#332288", "#DDCC77", "#CC6677", "#CCCCCC"), strict=True))
ON_DARK = frozenset({"learning"})
_LEGEND_CHARACTERS = 140  # of run names in a row of the legend
_TIMES = ((3 * 3600.0, 3600.0, "h"), (180.0, 60.0, "min"), (0.0, 1.0, "s"))  # from, unit [s], its name
_COUNTS = ((1e6, 1e6, "million steps"), (1e4, 1e3, "thousand steps"), (0.0, 1.0, "steps"))


def smooth(values: np.ndarray) -> np.ndarray:
    """Return the mean over 5% of the values around each  # (n,) -> (n,); fewer at both ends, none left out."""
    reach = values.size // 40
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(values.size)
    first, last = np.maximum(places - reach, 0), np.minimum(places + reach + 1, values.size)
    means: np.ndarray = (sums[last] - sums[first]) / (last - first)
    return means


def draw(comparison: Comparison) -> Figure:
    """Return the picture. In the first three panels a run is a faint line of gid raw:NAME and one of gid NAME."""
    runs = comparison.runs
    more = max(0, len(runs) - 5)
    figure = Figure(figsize=(13, 9.0 + 1.2 * more), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    panels = figure.subplots(2, 2)
    seconds = max(_last(run.column("time/seconds")) for run in runs)
    steps = max(_last(run.column("time/steps")) for run in runs)
    time_unit = next((unit, name) for least, unit, name in _TIMES if seconds >= least)
    step_unit = next((unit, name) for least, unit, name in _COUNTS if steps >= least)
    _curves(panels[0, 0], runs, ("time/steps", "episode/return"), step_unit)
    panels[0, 0].set(title="Return over steps", xlabel=step_unit[1], ylabel="mean return of an iteration's episodes")
    _curves(panels[0, 1], runs, ("time/seconds", "episode/return"), time_unit)
    panels[0, 1].set(title="Return over wall-clock time", xlabel=f"time [{time_unit[1]}]")
    panels[0, 1].set_ylabel("mean return of an iteration's episodes")
    _curves(panels[1, 0], runs, ("time/seconds", "time/steps_per_s"), time_unit)
    panels[1, 0].set(title="Steps per second over wall-clock time", xlabel=f"time [{time_unit[1]}]", ylabel="steps/s")
    panels[1, 0].set_ylim(bottom=0)
    _evaluations(panels[0, 0], panels[0, 1], runs, step_unit[0], time_unit[0])
    _bars(panels[1, 1], comparison)
    _legend(figure, runs)
    return figure


def _last(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else 0.0


def run_style(position: int) -> dict[str, Any]:
    """Return colour and dashes of the run at a position, from 0."""
    turn, colour = divmod(position, len(_RUNS))
    return {"color": _RUNS[colour], "linestyle": _DASHES[turn % len(_DASHES)]}


def _curves(axes: Axes, runs: Sequence[RunRecord], keys: tuple[str, str], unit: tuple[float, str]) -> None:
    drawn = False
    for position, run in enumerate(runs):
        x, y = (run.column(key) for key in keys)
        known = np.isfinite(x) & np.isfinite(y)
        x, y = x[known] / unit[0], y[known]
        drawn = drawn or bool(y.size)
        style = run_style(position)
        axes.plot(x, y, color=style["color"], linewidth=0.8, alpha=0.3, gid=f"raw:{run.name}", zorder=1.5)
        marker = "o" if y.size == 1 else None
        axes.plot(x, smooth(y), **style, linewidth=1.8, marker=marker, markersize=5, gid=run.name, zorder=2.5)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.set_xlim(left=0)
    axes.margins(x=0.02)
    if not drawn:
        what = "no episode ended" if keys[1] == "episode/return" else "not recorded"
        axes.text(0.5, 0.5, what, transform=axes.transAxes, ha="center", va="center", color="0.5")


def _evaluations(over_steps: Axes, over_time: Axes, runs: Sequence[RunRecord], step: float, second: float) -> None:
    """Mark evaluations by hollow diamonds, at the time of the iteration that they came after."""
    for position, run in enumerate(runs):
        steps, returns = run.evaluated("time/steps"), run.evaluated("evaluate/mean_return")
        steps, returns = steps[np.isfinite(returns)], returns[np.isfinite(returns)]
        after = np.searchsorted(run.column("time/steps"), steps, side="right") - 1
        seconds = np.where(after >= 0, run.column("time/seconds")[np.maximum(after, 0)], 0.0)
        style: dict[str, Any] = {"linestyle": "none", "marker": "D", "markersize": 5, "markerfacecolor": "white"}
        for axes, x in ((over_steps, steps / step), (over_time, seconds / second)):
            axes.plot(x, returns, **style, color=_RUNS[position % len(_RUNS)], gid=f"evaluation:{run.name}", zorder=3)


def _bars(axes: Axes, comparison: Comparison) -> None:
    """Stack the shares of each run's time under its name, the first run on top."""
    for place, (name, found) in enumerate(zip(comparison.names, comparison.figures, strict=True)):
        axes.text(0, place - 0.27, _shortened(name, 64), va="bottom", fontsize=9, parse_math=False)
        axes.barh(place, -0.012, left=-0.006, color=run_style(place)["color"], height=0.46, clip_on=False)
        left = 0.0
        for share, part in (found.shares or {}).items():
            axes.barh(place, part, left=left, color=SHARE_COLOURS[share], height=0.46, edgecolor="white", linewidth=0.8)
            if part >= 0.05:
                colour = "white" if share in ON_DARK else "black"
                axes.text(left + part / 2, place, f"{part:.0%}", ha="center", va="center", color=colour, fontsize=9)
            left += part
        if found.shares is None:
            axes.text(0.01, place, "not recorded", va="center", color="0.5", fontsize=9)
    axes.set_ylim(len(comparison.runs) - 0.6, -0.6)
    axes.set_yticks([])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set(title="Where the time goes", xlabel="share of the run's time")
    axes.spines[["top", "right", "left"]].set_visible(False)
    colours = SHARE_COLOURS.values()
    keys = [Line2D([], [], linestyle="none", marker="s", markersize=9, color=colour) for colour in colours]
    below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14), "ncols": len(keys)}
    axes.legend(keys, list(SHARE_COLOURS), **below, frameon=False, fontsize=9, handletextpad=0.2, columnspacing=1.0)


def _shortened(name: str, most: int) -> str:
    """Return a name without its middle where it is too long: runs often differ at their ends."""
    half = (most - 3) // 2
    return name if len(name) <= most else f"{name[:half]}...{name[-half:]}"


def _legend(figure: Figure, runs: Sequence[RunRecord]) -> None:
    names = [run.name for run in runs]
    handles = [Line2D([], [], **run_style(position), linewidth=2.2) for position in range(len(runs))]
    if any(np.isfinite(run.evaluated("evaluate/mean_return")).any() for run in runs):
        names.append("evaluation")
        handles.append(Line2D([], [], linestyle="none", marker="D", markerfacecolor="white", color="0.3"))
    name_lines(figure, handles, names)


def name_lines(figure: Figure, handles: Sequence[Any], names: Sequence[str]) -> None:
    """Name what is drawn once, above all panels, in as many rows as the names need."""
    names = [_shortened(name, 64) for name in names]
    columns = max(1, min(len(names), _LEGEND_CHARACTERS // (max(map(len, names)) + 6)))
    # Labels are set afterwards: matplotlib drops those that begin with an underscore.
    legend = figure.legend(
        handles, [str(number) for number in range(len(names))], loc="outside upper center", ncols=columns, frameon=False
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)
