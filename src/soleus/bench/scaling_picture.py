"""The picture of a sweep: speed-up against workers beside the ideal, and where the time of an iteration goes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from soleus.bench.scaling_table import Entry, name_of
from soleus.compare.picture import ON_DARK, SHARE_COLOURS
from soleus.compare.reading import number

_CURVES = (("collect_speed_up", "collecting", "#0072B2", "o"), ("train_speed_up", "whole training", "#D55E00", "s"))


def draw(results: Mapping[str, Any]) -> Figure:
    """Return the picture of what bench_scaling() gave."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    entries = results["entries"]
    _speed_up(left, entries)
    _time(right, entries, results["num_envs"] * results["rollout_steps"])
    threads = results["learner_threads"]
    learner = f"{threads} learner thread{'s' * (threads > 1)}"
    figure.suptitle(f"{results['env']}, {results['num_envs']} environments, {learner}", parse_math=False)
    return figure


def _speed_up(axes: Axes, entries: Sequence[Entry]) -> None:
    most = max(entry["num_workers"] for entry in entries)
    axes.plot([1, most], [1, most], color="0.6", linestyle="dashed", linewidth=1, label="ideal", gid="ideal")
    workers = [entry for entry in entries if entry["collector"] == "workers"]
    for key, label, colour, marker in _CURVES:
        counts, values = [one["num_workers"] for one in workers], [number(one.get(key)) for one in workers]
        heights = [math.nan if value is None else value for value in values]
        axes.plot(counts, heights, color=colour, marker=marker, label=label, gid=key)
    axes.plot(1, 1, color="black", marker="D", markersize=5, linestyle="none", label=name_of(entries[0]), zorder=3)
    axes.set(title="Speed-up", xlabel="workers", ylabel=f"times the steps/s of {name_of(entries[0])}")
    axes.set_xticks(sorted({1, *(entry["num_workers"] for entry in workers)}))
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def parts(entry: Entry, steps: int) -> dict[str, float]:
    """Return the seconds of an iteration of so many steps by what they go to, as `soleus compare` names it.

    Nothing where its figures are no numbers.
    """
    figures = [number(entry.get(key)) for key in ("steps_per_s", "collect_share", "learn_share", "waiting_share")]
    speed, collecting, learning, waiting = (math.nan if one is None else one for one in figures)
    if not (speed > 0 and math.isfinite(collecting + learning + waiting)):
        return {}
    whole = steps / speed
    found = {
        "collecting": collecting * (1 - waiting),
        "learning": learning,
        "waiting": collecting * waiting,
        "publishing": max(0.0, 1 - collecting - learning),
    }
    return {name: whole * share for name, share in found.items()}


def _time(axes: Axes, entries: Sequence[Entry], steps: int) -> None:
    named: set[str] = set()
    for place, entry in enumerate(entries):
        left, found = 0.0, parts(entry, steps)
        if not found:
            axes.text(0.0, place, " not measured", va="center")
        for name, seconds in found.items():
            label = name if name not in named else None
            named.add(name)
            axes.barh(place, seconds, left=left, color=SHARE_COLOURS[name], height=0.6, label=label)
            if seconds * entry["steps_per_s"] >= 0.08 * steps:
                colour = "white" if name in ON_DARK else "black"
                axes.text(left + seconds / 2, place, f"{seconds:.2g} s", ha="center", va="center", color=colour)
            left += seconds
    axes.set_yticks(range(len(entries)), [name_of(entry) for entry in entries])
    axes.invert_yaxis()
    axes.set(title="Where the time goes", xlabel=f"time of an iteration of {steps:,} steps [s]")
    axes.spines[["top", "right"]].set_visible(False)
    if named:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, frameon=False)
