"""The pictures of gaits laid over one another. What is drawn can be found by its gid: KIND:SIDE:NAME:LABEL."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from soleus.compare.picture import name_lines, run_style
from soleus.gait.curves import Curve
from soleus.gait.cycles import SIDES
from soleus.gait.figures import AXIS_OF, FAINT, PERCENT, draw_normal, legend_of_normal
from soleus.gait.overlay.laying import Gait, Overlay

_PAIRS = 2  # of panels beside one another, the right leg and the left
_SHADED = 4  # gaits whose spread is drawn: of more it would hide the lines


def draw_angles(overlay: Overlay) -> Figure:
    """Joint angles: gids mean:SIDE:ANGLE:LABEL, sd:SIDE:ANGLE:LABEL, normal::ANGLE, band::ANGLE, toe-off:SIDE:LABEL."""
    curves = overlay.curves("angles")
    first = {name: each[0] for name, each in curves.items()} if overlay.gait else {}

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        if name in first:
            draw_normal(axes, name, first[name])
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0.5)
        axes.set_ylabel(AXIS_OF[curve.unit])

    return _grid(curves, overlay.gaits, panel, legend_of_normal(first))


def draw_forces(overlay: Overlay) -> Figure:
    """Forces of the ground: gids mean:SIDE:AXIS:LABEL and so on."""

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        axes.axhline(1 if name == "vertical" else 0, color=FAINT, linewidth=0.8, zorder=0.5)
        axes.set_ylabel("force [body weights]")

    return _grid(overlay.curves("forces"), overlay.gaits, panel, [])


def draw_activations(overlay: Overlay) -> Figure:
    """Mean activations of groups of muscles: gids mean:SIDE:GROUP:LABEL and so on."""

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        axes.set_ylim(bottom=0)
        axes.set_ylabel("activation")

    return _grid(overlay.curves("activations"), overlay.gaits, panel, [])


def draw_exoskeleton(overlay: Overlay) -> Figure:
    """Torques and powers of devices: gids mean:SIDE:NAME:LABEL and so on."""

    def panel(axes: Axes, name: str, curve: Curve) -> None:
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0.5)
        axes.set_ylabel(AXIS_OF[curve.unit])

    return _grid(overlay.curves("exoskeleton"), overlay.gaits, panel, [])


def _grid(
    curves: Mapping[str, Sequence[Curve]],
    gaits: Sequence[Gait],
    panel: Callable[[Axes, str, Curve], None],
    more: Sequence[Any],
) -> Figure:
    """Two panels a quantity, the right leg's and the left's on one scale; the gaits by colour, named once above all."""
    lines = (len(curves) + _PAIRS - 1) // _PAIRS
    names = (len(gaits) + 3) // 4
    figure = Figure(figsize=(15.0, 2.7 * lines + 0.4 + 0.25 * names), layout=ConstrainedLayoutEngine(w_pad=0.08))
    for number, (name, each) in enumerate(curves.items()):
        left_most: Axes | None = None
        for side, label in enumerate(SIDES):
            place = number // _PAIRS * 2 * _PAIRS + number % _PAIRS * 2 + side + 1
            axes = figure.add_subplot(lines, 2 * _PAIRS, place, sharey=left_most)
            _gaits(axes, name, label, each, gaits)
            panel(axes, name, each[0])
            axes.set_title(f"{each[0].label}, {label}", loc="left", fontsize=9.5, fontweight="bold", parse_math=False)
            axes.set_xlabel("gait cycle [%]", fontsize=9)
            axes.set_xlim(0, 100)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=8.5)
            if left_most is not None:
                axes.set_ylabel("")
            left_most = left_most or axes
    styles: list[Any] = [Line2D([], [], **run_style(position), linewidth=2.2) for position in range(len(gaits))]
    labels = [gait.label for gait in gaits]
    name_lines(figure, [*styles, *more], [*labels, *(one.get_label() for one in more)])
    return figure


def _gaits(axes: Axes, name: str, side: str, curves: Sequence[Curve], gaits: Sequence[Gait]) -> None:
    for position, (gait, curve) in enumerate(zip(gaits, curves, strict=True)):
        style, values = run_style(position), curve.sides.get(side)
        toe_off = getattr(gait.report.measures["stance_share"], side)
        if toe_off is not None:
            rule: dict[str, Any] = {"color": style["color"], "linewidth": 0.8, "alpha": 0.6, "zorder": 0.8}
            axes.axvline(toe_off, **rule, gid=f"toe-off:{side}:{gait.label}")
        if values is None:
            continue
        if len(gaits) <= _SHADED:
            shade: dict[str, Any] = {"color": style["color"], "alpha": 0.15, "linewidth": 0, "zorder": 2}
            below, above = values.mean - values.sd, values.mean + values.sd
            axes.fill_between(PERCENT, below, above, **shade, gid=f"sd:{side}:{name}:{gait.label}")
        axes.plot(PERCENT, values.mean, **style, linewidth=1.7, zorder=3, gid=f"mean:{side}:{name}:{gait.label}")
