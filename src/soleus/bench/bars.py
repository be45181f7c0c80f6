"""Figures as bars with their values beside them: what the pictures of benchmarks are made of."""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.axes import Axes

from soleus.compare.reading import number
from soleus.compare.table import decimal, percent

OURS, OTHER = "#0072B2", "#BBBBBB"
"""Colours of what is measured and of what it is compared with."""


def short(value: float) -> str:
    """Return a figure as short as it can be read: 12,345 or 0.0123."""
    return decimal(value) if abs(value) >= 1000 else f"{value:.3g}"


def share(value: float) -> str:
    """Return a share in percent, with as many digits as small ones need."""
    return percent(value) if abs(value) >= 0.1 else f"{100 * value:.2g}%"


def bars(
    axes: Axes,
    figures: Mapping[str, tuple[Any, str]],
    form: Callable[[float], str] = short,
    logarithmic: bool = False,
) -> None:
    """Draw a horizontal bar for each figure, the first on top, under its name and in its colour.

    What is no finite number, or has no place on a logarithmic axis, has its name and a word instead of a bar.
    """
    known = {name: number(value) for name, (value, _) in figures.items()}
    shown = {name: value for name, value in known.items() if value is not None and (value > 0 or not logarithmic)}
    if logarithmic and shown:
        axes.set_xscale("log")
        axes.set_xlim(min(shown.values()) / 4, max(shown.values()) * 4)
    for place, (name, (_, colour)) in enumerate(figures.items()):
        if name in shown:
            axes.barh(place, shown[name], color=colour, height=0.6)
            text = form(shown[name])
        else:
            text = "not measured" if known[name] is None else form(known[name] or 0.0)
        at = max(shown.get(name, 0.0), 0.0) if not logarithmic else shown.get(name, axes.get_xlim()[0])
        axes.annotate(text, (at, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(figures)), list(figures), parse_math=False)
    axes.set_ylim(len(figures) - 0.4, -0.6)
    if not logarithmic:
        axes.set_xlim(0, 1.2 * max([0.0, *shown.values()]) or 1.0)
    axes.spines[["top", "right"]].set_visible(False)
