"""Pictures show what they are for: the data handed to the axes, by the gids of what is drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure

from run_folders import iteration, write_run
from soleus.compare.reading import read_runs
from soleus.gait import Report, figures
from soleus.gait.electromyography import GROUPS
from soleus.gait.norms import angle_bands

SHORT = ["IC", "LR", "MSt", "TSt", "PSw", "ISw", "MSw", "TSw"]


def line(axes: Axes, gid: str) -> np.ndarray:
    return next(np.asarray(line.get_ydata()) for line in axes.lines if line.get_gid() == gid)


def band(axes: Axes, gid: str) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge (101,) of a filled band."""
    found = next(c for c in axes.collections if c.get_gid() == gid)
    assert isinstance(found, FillBetweenPolyCollection)
    points = found.get_paths()[0].vertices
    columns = [np.sort(points[np.isclose(points[:, 0], x), 1]) for x in range(101)]
    return np.array([c[0] for c in columns]), np.array([c[-1] for c in columns])


def gids(axes: Axes) -> set[str]:
    return {str(artist.get_gid()) for artist in [*axes.lines, *axes.collections, *axes.texts] if artist.get_gid()}


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Texts that lie on one another within a panel, and panels that do."""
    FigureCanvasAgg(figure).draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    boxes = [(axes.get_title(loc="left"), axes.get_tightbbox(renderer)) for axes in panels]
    for legends in figure.legends:
        boxes.append(("legend", legends.get_window_extent(renderer)))
    found = [
        (a, b) for i, (a, one) in enumerate(boxes) for b, other in boxes[:i] if one and other and one.overlaps(other)
    ]
    for axes in panels:
        title = axes._left_title  # type: ignore[attr-defined]
        texts = [(t.get_text(), t.get_window_extent(renderer)) for t in [*axes.texts, title] if t.get_text()]
        found += [(a, b) for i, (a, one) in enumerate(texts) for b, other in texts[:i] if one.overlaps(other)]
    return found


@pytest.mark.parametrize("which", ["planar", "spatial"])
def test_angles_with_their_spread_beside_what_is_normal(which: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(which)
    figure = figures.draw_angles(report)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [c.label for c in report.angles.values()]
    bands = angle_bands("walk")
    for axes, (name, curve) in zip(figure.axes, report.angles.items(), strict=True):
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("gait cycle [%]", "angle [degree]")
        assert axes.get_xlim() == (0, 100)
        for side in ("right", "left"):
            values = curve.sides[side]
            np.testing.assert_array_equal(line(axes, f"mean:{side}:{name}"), values.mean)
            low, high = band(axes, f"sd:{side}:{name}")
            np.testing.assert_allclose(low, values.mean - values.sd, atol=1e-9)
            np.testing.assert_allclose(high, values.mean + values.sd, atol=1e-9)
        np.testing.assert_array_equal(line(axes, f"normal::{name}"), bands[name].mean)
        sd = bands[name].sd
        assert (f"band::{name}" in gids(axes)) == (sd is not None)
        if sd is not None:
            low, high = band(axes, f"band::{name}")
            np.testing.assert_allclose([low, high], [bands[name].mean - sd, bands[name].mean + sd], atol=1e-9)
    assert legend(figure) == [
        "right, mean ± SD over strides", "left, mean ± SD over strides", "normal, mean",
        "normal, ± SD between people",
    ]  # fmt: skip


@pytest.mark.parametrize("draw", [figures.draw_angles, figures.draw_forces, figures.draw_activations])
def test_every_panel_has_the_eight_phases(planar: Report, draw: object) -> None:
    figure: Figure = draw(planar)  # type: ignore[operator]
    for axes in figure.axes:
        names = [text for text in axes.texts if str(text.get_gid()).startswith("phase-name:")]
        assert [text.get_text() for text in names] == SHORT
        for phase, text in zip(planar.phases, names, strict=True):
            if phase.short != "IC":
                assert text.xy[0] == pytest.approx((phase.start + phase.end) / 2)  # type: ignore[attr-defined]
                rule = next(one for one in axes.lines if one.get_gid() == f"phase:{phase.short}")
                np.testing.assert_allclose(rule.get_xdata(), phase.start)


def test_forces(planar: Report, spatial: Report) -> None:
    for report, names in ((planar, ["vertical", "fore_aft"]), (spatial, ["vertical", "fore_aft", "lateral"])):
        figure = figures.draw_forces(report)
        assert len(figure.axes) == len(names)
        for axes, name in zip(figure.axes, names, strict=True):
            assert axes.get_ylabel() == "force [body weights]"
            for side in ("right", "left"):
                np.testing.assert_array_equal(line(axes, f"mean:{side}:{name}"), report.forces[name].sides[side].mean)


def test_forces_and_loads_beside_what_is_normal(spatial: Report) -> None:
    forces, loads = figures.draw_forces(spatial), figures.draw_loads(spatial)
    assert [axes.get_title(loc="left") for axes in loads.axes] == [
        "Hip extension torque", "Knee extension torque", "Ankle plantarflexion torque", "Hip power", "Knee power",
        "Ankle power",
    ]  # fmt: skip
    for drawn, curves in ((forces, spatial.forces), (loads, spatial.loads)):
        for axes, (name, curve) in zip(drawn.axes, curves.items(), strict=True):
            assert (f"normal::{name}" in gids(axes)) == (curve.band is not None)
            np.testing.assert_array_equal(line(axes, f"mean:left:{name}"), curve.sides["left"].mean)
            if curve.band is not None:
                np.testing.assert_array_equal(line(axes, f"normal::{name}"), curve.band.mean)
    assert [bool(curve.band) for curve in spatial.forces.values()] == [True, True, False]
    assert [axes.get_ylabel() for axes in loads.axes] == ["torque [N m/kg]"] * 3 + ["power [W/kg]"] * 3


def test_timing_beside_electromyography(spatial: Report) -> None:
    figure = figures.draw_timing(spatial)
    assert len(figure.axes) == 8
    for axes, (name, curve) in zip(figure.axes, spatial.timing.items(), strict=True):
        group = next(group for group in GROUPS if group.key == name)
        assert axes.get_title(loc="left") == group.label
        top = max(side.mean.max() for side in curve.sides.values())
        low, high = band(axes, f"envelope::{name}")
        assert low.max() == 0
        np.testing.assert_allclose(high, top * group.envelope, atol=1e-9)
        bars = next(one for one in axes.collections if one.get_gid() == f"acts::{name}")
        lengths = sum(np.ptp(path.vertices[:, 0]) for path in bars.get_paths())
        assert lengths == pytest.approx(sum((off - on) % 100 for on, off in group.on))


def test_muscles_of_a_group_stand_in_the_order_in_which_they_act(spatial: Report) -> None:
    names = [text.get_text() for text in figures.draw_muscles(spatial).axes[0].get_yticklabels()]
    own = [name for name in names if name in {"vasint_r", "vaslat_r", "vasmed_r"}]
    peaks = [int(spatial.muscles[name].mean.argmax()) for name in own]
    assert peaks == sorted(peaks)


def test_activations_by_group(planar: Report) -> None:
    figure = figures.draw_activations(planar)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Hip flexors", "Hip extensors", "Knee extensors", "Knee flexors", "Ankle plantarflexors", "Ankle dorsiflexors",
    ]  # fmt: skip
    flexors = figure.axes[0]
    for muscle in ("hip_flexors_r", "rect_fem_r", "hip_flexors_l", "rect_fem_l"):
        side = {"r": "right", "l": "left"}[muscle[-1]]
        np.testing.assert_array_equal(line(flexors, f"muscle:{side}:{muscle}"), planar.muscles[muscle].mean)
    mean = (planar.muscles["hip_flexors_r"].mean + planar.muscles["rect_fem_r"].mean) / 2
    np.testing.assert_allclose(line(flexors, "mean:right:hip_flexors"), mean, atol=1e-12)
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert figure.axes[0].get_ylim()[0] == 0


def test_every_muscle_has_a_row_of_its_leg(spatial: Report) -> None:
    figure = figures.draw_muscles(spatial)
    right, left = figure.axes[:2]
    assert [axes.get_title(loc="left") for axes in (right, left)] == ["Right leg", "Left leg"]
    for axes, end in ((right, "_r"), (left, "_l")):
        names = [text.get_text() for text in axes.get_yticklabels()]
        assert len(names) == 40
        assert all(name.endswith(end) for name in names)
        image = axes.images[0].get_array()
        np.testing.assert_allclose(image, [spatial.muscles[name].mean for name in names])
        groups = [text.get_text() for text in axes.texts if not text.get_gid()]
        assert groups[:2] == ["Hip flexors", "Hip extensors"]
        assert groups[-1] == "Ankle dorsiflexors"
    assert figure.axes[2].get_ylabel() == "activation"


@pytest.mark.parametrize("which", ["planar", "spatial"])
@pytest.mark.parametrize("draw", ["draw_angles", "draw_forces", "draw_activations", "draw_muscles"])
def test_nothing_lies_on_anything_else(which: str, draw: str, request: pytest.FixtureRequest) -> None:
    assert overlaps(getattr(figures, draw)(request.getfixturevalue(which))) == []


def test_one_side_alone(planar: Report) -> None:
    """A foot without strides has no line; the rest is drawn all the same."""
    angles = {name: replace(curve, sides={"right": curve.sides["right"]}) for name, curve in planar.angles.items()}
    axes = figures.draw_angles(replace(planar, angles=angles)).axes[0]
    assert "mean:right:hip_flexion" in gids(axes)
    assert "mean:left:hip_flexion" not in gids(axes)


def test_learning_curves(tmp_path: Path) -> None:
    rows = [iteration(k, 50.0, steps=100_000, episode__return=float(k), episode__length_s=2.0 * k) for k in (1, 2, 3)]
    rows.append({"time/steps": 300_000, "evaluate/mean_return": 6.5})
    figure = figures.draw_learning(read_runs([write_run(tmp_path / "run", rows)])[0])
    assert figure
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Return", "Episode length [s]",
    ]  # fmt: skip
    np.testing.assert_array_equal(line(figure.axes[0], "raw:episode/return"), [1, 2, 3])
    np.testing.assert_array_equal(line(figure.axes[1], "episode/length_s"), [2, 4, 6])
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(line(figure.axes[0], "evaluate/mean_return"), [6.5])


def test_a_run_that_recorded_nothing_has_no_curves(tmp_path: Path) -> None:
    assert figures.draw_learning(read_runs([write_run(tmp_path / "run", [{"time/steps": 1}])])[0]) is None
