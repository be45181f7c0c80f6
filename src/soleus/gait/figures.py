"""The pictures of a gait report, one a topic. What is drawn can be found by its gid: KIND:SIDE:NAME."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from soleus.compare.picture import smooth
from soleus.compare.reading import RunRecord
from soleus.gait.analysis import Report
from soleus.gait.curves import Curve, Floats
from soleus.gait.electromyography import GROUPS as ELECTROMYOGRAPHY
from soleus.gait.electromyography import acting, bursts
from soleus.gait.norms import Phase
from soleus.paths.function import GROUPS

COLOURS = {"right": "#0072B2", "left": "#D55E00"}  # Okabe and Ito's: they stay apart for the colour-blind
_DASHES: dict[str, Any] = {"right": "solid", "left": (0, (5, 1.6))}
_NORMAL, _INK, FAINT = "#8c8c8c", "#333333", "#bbbbbb"
PERCENT = np.linspace(0, 100, 101)
"""Of the cycle, where curves have their values."""
_COLUMNS = 3
_LEARNING = (  # title, metric of iterations, metric of evaluations
    ("Return", "episode/return", "evaluate/mean_return"),
    ("Episode length [s]", "episode/length_s", "evaluate/mean_length_s"),
    ("Speed in evaluation [m/s]", "", "evaluate/mean_speed_m_s"),
    ("Torque residual of the muscle network", "muscle/residual", ""),
)
AXIS_OF = {
    "degree": "angle [degree]",
    "m": "displacement [m]",
    "N m/kg": "torque [N m/kg]",
    "W/kg": "power [W/kg]",
}
"""Label of the axis of a quantity, by its unit."""


def draw_angles(report: Report) -> Figure:
    """Joint angles beside what is normal: gids mean:SIDE:ANGLE, sd:SIDE:ANGLE, normal::ANGLE, band::ANGLE."""

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        draw_normal(axes, name, curve)
        _sides(axes, name, curve)
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0.5)
        axes.set_ylabel(AXIS_OF[curve.unit])

    return _grid(report.angles, report, panel, legend_of_normal(report.angles, recorded=report.beside is not None))


def draw_forces(report: Report) -> Figure:
    """Forces of the ground beside what is normal: gids as of draw_angles, with names of forces."""

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        draw_normal(axes, name, curve)
        _sides(axes, name, curve)
        axes.axhline(1 if name == "vertical" else 0, color=FAINT, linewidth=0.8, zorder=0.5)
        axes.set_ylabel("force [body weights]")

    return _grid(report.forces, report, panel, legend_of_normal(report.forces, recorded=report.beside is not None))


def draw_loads(report: Report) -> Figure:
    """Torques and powers of the joints beside what is normal: gids as of draw_angles, with names of Report.loads."""

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        draw_normal(axes, name, curve)
        _sides(axes, name, curve)
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0.5)
        axes.set_ylabel(AXIS_OF[curve.unit])

    return _grid(report.loads, report, panel, legend_of_normal(report.loads))


def draw_timing(report: Report) -> Figure:
    """Mean excitations of groups beside people's electromyography: gids mean:SIDE:GROUP, sd:SIDE:GROUP,
    envelope::GROUP, as high as the higher leg's, and acts::GROUP, a bar from on to off."""
    groups = {group.key: group for group in ELECTROMYOGRAPHY}
    recorded = report.beside.groups if report.beside else {}

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        envelope, times = groups[name].envelope, groups[name].on
        if name in recorded:
            envelope = recorded[name].mean
            times = tuple(bursts(acting(envelope)))
        top = max(float(side.mean.max()) for side in curve.sides.values())
        filled: dict[str, Any] = {"color": _NORMAL, "alpha": 0.25, "linewidth": 0, "gid": f"envelope::{name}"}
        axes.fill_between(PERCENT, 0, top * envelope, **filled)
        spans = [part for on, off in times for part in ([(on, off)] if on <= off else [(0, off), (on, 100)])]
        bars = [(on, off - on) for on, off in spans]
        axes.broken_barh(bars, (1.12 * top, 0.06 * top), facecolors=_INK, gid=f"acts::{name}")
        _sides(axes, name, curve)
        axes.set_ylim(0, 1.25 * top)
        axes.set_ylabel("excitation")

    more = [
        Patch(color=_NORMAL, alpha=0.25, linewidth=0, label="electromyography, scaled"),
        Patch(color=_INK, label="when the subject's act" if recorded else "when people's act"),
    ]
    return _grid(report.timing, report, panel, more)


def draw_activations(report: Report) -> Figure:
    """Mean activations of groups of muscles: gids mean:SIDE:GROUP, sd:SIDE:GROUP; of single ones muscle:SIDE:NAME."""
    tops = [
        float((side.mean + side.sd).max()) for curve in report.activations.values() for side in curve.sides.values()
    ]
    tops += [float(side.mean.max()) for side in report.muscles.values()]
    top = min(1.0, math.ceil(10 * max(tops, default=1.0)) / 10)
    side_of = {f.muscle: {"r": "right", "l": "left", "": ""}[f.side] for f in report.functions}

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        for muscle in curve.muscles:
            if muscle in report.muscles:
                side = side_of[muscle]
                line: dict[str, Any] = {"color": COLOURS[side], "linewidth": 0.7, "alpha": 0.35, "zorder": 1.5}
                axes.plot(PERCENT, report.muscles[muscle].mean, **line, gid=f"muscle:{side}:{muscle}")
        _sides(axes, name, curve)
        axes.set_ylim(0, top)
        axes.set_ylabel("activation")

    more = [Line2D([], [], color=_INK, linewidth=0.7, alpha=0.5, label="single muscles, mean")]
    return _grid(report.activations, report, panel, more)


def draw_exoskeleton(report: Report) -> Figure:
    """Torques and powers of devices: gids mean:SIDE:NAME and sd:SIDE:NAME, of names of Report.exoskeleton."""

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        _sides(axes, name, curve)
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0.5)
        axes.set_ylabel(AXIS_OF[curve.unit])

    return _grid(report.exoskeleton, report, panel, [])


def draw_muscles(report: Report) -> Figure:
    """Every muscle of the legs as a row from white at rest to purple, by group; gids map:SIDE."""
    rows = _rows(report)
    heights = max((len(found) for found in rows.values()), default=1)
    figure = Figure(figsize=(13, 1.6 + max(2.2, 0.165 * heights)), layout=ConstrainedLayoutEngine(w_pad=0.1))
    panels = figure.subplots(1, 2, squeeze=False)[0]
    top = max((float(side.mean.max()) for side in report.muscles.values()), default=1.0)
    image = None
    for axes, (side, found) in zip(panels, rows.items(), strict=True):
        names = [name for _, name in found]
        values = np.array([report.muscles[name].mean for name in names]).reshape(len(names), 101)
        extent = (0.0, 100.0, len(names) - 0.5, -0.5)
        image = axes.imshow(values, aspect="auto", cmap="BuPu", vmin=0, vmax=top, extent=extent, gid=f"map:{side}")
        axes.set_yticks(range(len(names)), names, fontsize=7.5, parse_math=False)
        axes.tick_params(axis="y", length=0)
        _groups(axes, [group for group, _ in found])
        axes.set_title(f"{side.capitalize()} leg", loc="left", fontsize=11, fontweight="bold", pad=18)
        _phases(axes, report.phases)
        axes.set_xlabel("gait cycle [%]")
    if image is not None:
        figure.colorbar(image, ax=panels, label="activation", shrink=min(1.0, 14 / heights), pad=0.01)
    return figure


def _rows(report: Report) -> dict[str, list[tuple[str, str]]]:
    """Group and name of the muscles of each leg, group by group; a muscle of several stands under its first.

    Within a group they are in the order in which they act.
    """
    order = [*GROUPS, ""]
    found: dict[str, list[tuple[str, str]]] = {"right": [], "left": []}
    for f in report.functions:
        if f.muscle in report.muscles:
            found["right" if f.side == "r" else "left"].append((f.groups[0] if f.groups else "", f.muscle))
    when = {name: _middle(side.mean) for name, side in report.muscles.items()}
    return {side: sorted(own, key=lambda row: (order.index(row[0]), when[row[1]])) for side, own in found.items()}


def _middle(activation: Floats) -> float:
    """When in the cycle an activation (101,) is centred [%], the cycle being a circle."""
    turn = np.exp(2j * np.pi * PERCENT[:-1] / 100)
    return float(np.angle((activation[:-1] - activation.min()) @ turn) / (2 * np.pi) % 1 * 100)


def _groups(axes: Axes, groups: Sequence[str]) -> None:
    """Rule off the groups from one another, and name them beside the panel."""
    for row, group in enumerate(groups):
        if row == 0 or group != groups[row - 1]:
            if row:
                axes.axhline(row - 0.5, color=_INK, linewidth=0.6)
            label = GROUPS[group][0] if group else "Others"
            axes.text(101, row, label, ha="left", va="center", fontsize=7.5, style="italic", color=_INK)


def draw_learning(run: RunRecord) -> Figure | None:
    """Learning curves over steps, their gids the metrics' keys; None where the run recorded none of them."""
    panels = []
    for label, key, evaluated in _LEARNING:
        trained = _known(run.column("time/steps"), run.column(key))
        tested = _known(run.evaluated("time/steps"), run.evaluated(evaluated))
        if trained.size or tested.size:
            panels.append((label, key, trained, evaluated, tested))
    if not panels:
        return None
    figure, sheet = _sheet(len(panels), height=2.9)
    colour, last = COLOURS["right"], max(column[-1, 0] for p in panels for column in (p[2], p[4]) if column.size)
    for axes, (label, key, trained, evaluated, tested) in zip(sheet, panels, strict=True):
        if trained.size:
            axes.plot(*trained.T, linewidth=0.8, alpha=0.3, color=colour, gid=f"raw:{key}")
            axes.plot(trained[:, 0], smooth(trained[:, 1]), linewidth=1.8, color=colour, gid=key)
        if tested.size:
            marks: dict[str, Any] = {"marker": "D", "markersize": 5, "color": COLOURS["left"], "linewidth": 1.0}
            axes.plot(*tested.T, **marks, linestyle="dotted", gid=evaluated)
        axes.set_title(label, loc="left", fontsize=11, fontweight="bold")
        axes.set(xlabel="million steps", xlim=(0, 1.02 * last))
        axes.grid(alpha=0.3)
    handles = [Line2D([], [], color=colour, linewidth=1.8, label="training, mean over 5 % of the iterations")]
    handles += [Line2D([], [], marker="D", linestyle="dotted", color=COLOURS["left"], label="evaluation")]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=10)
    return figure


def _known(steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Million steps and values (n, 2), where both are known."""
    rows = np.stack([steps / 1e6, values], axis=-1)
    return np.asarray(rows[np.isfinite(rows).all(axis=1)])


def _grid(
    curves: Mapping[str, Curve], report: Report, panel: Callable[[Axes, str, Curve], None], more: list[Any]
) -> Figure:
    """A panel a curve over the gait cycle, the phases above each, one legend for all."""
    figure, panels = _sheet(len(curves), height=3.0)
    for axes, (name, curve) in zip(panels, curves.items(), strict=True):
        panel(axes, name, curve)
        title: dict[str, Any] = {"loc": "left", "fontsize": 11, "fontweight": "bold", "pad": 18}
        axes.set_title(curve.label, **title, parse_math=False)
        axes.set_xlabel("gait cycle [%]")
        _phases(axes, report.phases)
    sides = [
        Line2D([], [], color=colour, linestyle=_DASHES[side], linewidth=2.0, label=f"{side}, mean ± SD over strides")
        for side, colour in COLOURS.items()
    ]
    figure.legend(handles=[*sides, *more], loc="outside upper center", ncols=4, frameon=False, fontsize=10)
    return figure


def _sheet(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """`count` panels in rows of two or three, whichever leaves fewer gaps."""
    columns = 2 if count in (2, 4) else min(_COLUMNS, max(1, count))
    lines = max(1, math.ceil(count / columns))
    figure = Figure(figsize=(13.0, height * lines + 0.6), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    panels = [figure.add_subplot(lines, columns, number + 1) for number in range(count)]
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    return figure, panels


def legend_of_normal(curves: Mapping[str, Curve], recorded: bool = False) -> list[Any]:
    """Return what a legend says of the bands that draw_normal draws. recorded: they are a subject's."""
    what, spread = ("recorded", "over cycles") if recorded else ("normal", "between people")
    bands = [curve.band for curve in curves.values() if curve.band]
    found: list[Any] = []
    if bands:
        found.append(Line2D([], [], color=_NORMAL, linewidth=1.4, linestyle="dotted", label=f"{what}, mean"))
    if any(band.sd is not None for band in bands):
        found.append(Patch(color=_NORMAL, alpha=0.25, linewidth=0, label=f"{what}, ± SD {spread}"))
    return found


def draw_normal(axes: Axes, name: str, curve: Curve) -> None:
    """Draw what is normal: gids normal::NAME and band::NAME."""
    if curve.band is None:
        return
    mean, sd = curve.band.mean, curve.band.sd
    if sd is not None:
        band: dict[str, Any] = {"color": _NORMAL, "alpha": 0.25, "linewidth": 0}
        axes.fill_between(PERCENT, mean - sd, mean + sd, **band, gid=f"band::{name}", zorder=1)
    axes.plot(PERCENT, mean, color=_NORMAL, linewidth=1.4, linestyle="dotted", gid=f"normal::{name}", zorder=1.2)


def _sides(axes: Axes, name: str, curve: Curve) -> None:
    for side, values in curve.sides.items():
        colour = COLOURS[side]
        below, above = values.mean - values.sd, values.mean + values.sd
        axes.fill_between(
            PERCENT, below, above, color=colour, alpha=0.2, linewidth=0, gid=f"sd:{side}:{name}", zorder=2
        )
        line: dict[str, Any] = {"color": colour, "linestyle": _DASHES[side], "linewidth": 1.9, "zorder": 3}
        axes.plot(PERCENT, values.mean, **line, gid=f"mean:{side}:{name}")


def _phases(axes: Axes, phases: Sequence[Phase]) -> None:
    """Mark the phases: a faint rule where each begins, its short name above the panel, a stronger rule at toe-off."""
    toe_off = phases[4].end
    for number, phase in enumerate(phases):
        if number:
            strong = phase.start == toe_off
            rule: dict[str, Any] = {
                "color": _INK if strong else FAINT,
                "linewidth": 0.9 if strong else 0.6,
                "zorder": 0.8,
            }
            axes.axvline(phase.start, **rule, gid=f"phase:{phase.short}")
        middle = (phase.start + phase.end) / 2
        # Initial contact is 2 % wide: its name stands over the axis.
        at, side = (1.6, "right") if number == 0 else (middle, "center")
        axes.annotate(
            phase.short, (at, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 3), textcoords="offset points",
            ha=side, va="bottom", fontsize=7.5, color="#666666", gid=f"phase-name:{phase.short}",
        )  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 20))
