"""The pictures show every gait by its colour, and the page says what the JSON says."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from pages import Page, at
from soleus.compare.picture import run_style
from soleus.gait.overlay import Overlay, figures, write_overlay

DRAWN = {"angles": figures.draw_angles, "forces": figures.draw_forces, "activations": figures.draw_activations}


@pytest.fixture(params=["of_one_body", "of_two_bodies"])
def laid(request: pytest.FixtureRequest) -> Overlay:
    found: Overlay = request.getfixturevalue(request.param)
    return found


def line(figure: Figure, gid: str) -> np.ndarray:
    return next(np.asarray(one.get_ydata()) for axes in figure.axes for one in axes.lines if one.get_gid() == gid)


@pytest.mark.parametrize("kind", DRAWN)
def test_right_and_left_are_apart_and_gaits_have_colours(laid: Overlay, kind: str) -> None:
    figure = DRAWN[kind](laid)
    assert len(figure.axes) == 2 * len(laid.shared[kind])
    titles = iter(axes.get_title(loc="left") for axes in figure.axes)
    panels = iter(figure.axes)
    for name, curves in laid.curves(kind).items():
        for side in ("right", "left"):
            assert next(titles) == f"{curves[0].label}, {side}"
            axes = next(panels)
            means = {str(one.get_gid()): one for one in axes.lines if str(one.get_gid()).startswith("mean:")}
            assert list(means) == [f"mean:{side}:{name}:{label}" for label in laid.labels]
            for position, (gid, curve) in enumerate(zip(means, curves, strict=True)):
                assert means[gid].get_color() == run_style(position)["color"]
                np.testing.assert_array_equal(line(figure, gid), curve.sides[side].mean)
            shaded = [str(one.get_gid()) for one in axes.collections if str(one.get_gid()).startswith("sd:")]
            assert shaded == [f"sd:{side}:{name}:{label}" for label in laid.labels]
    for right, left in zip(figure.axes[::2], figure.axes[1::2], strict=True):
        assert right.get_ylim() == left.get_ylim()


def test_the_gaits_are_named(of_one_body: Overlay) -> None:
    names = [text.get_text() for text in figures.draw_angles(of_one_body).legends[0].get_texts()]
    assert names == ["first <run>", "_second", "normal, mean", "normal, ± SD between people"]
    names = [text.get_text() for text in figures.draw_forces(of_one_body).legends[0].get_texts()]
    assert names == ["first <run>", "_second"]


def test_toe_off_is_each_gaits_own(of_one_body: Overlay) -> None:
    axes = figures.draw_forces(of_one_body).axes[1]
    for found in of_one_body.gaits:
        (rule,) = [one for one in axes.lines if one.get_gid() == f"toe-off:left:{found.label}"]
        np.testing.assert_allclose(rule.get_xdata(), found.report.measures["stance_share"].left)


def test_what_is_written(laid: Overlay, tmp_path: Path) -> None:
    (tmp_path / "muscles.png").write_bytes(b"of an earlier report")
    files = write_overlay(laid, tmp_path / "new")
    assert [path.name for path in files] == [
        "report.html", "report.json", "angles.png", "forces.png", "activations.png",
    ]  # fmt: skip
    content = json.loads(files[1].read_text())
    page = Page(files[0].read_text())
    assert page.fetched == []
    assert page.images == [path.read_bytes() for path in files[2:]]
    assert len(page.numbers) > 100
    for path, value, _ in page.numbers:
        assert float(value) == at(content, path), path
    shown = {path for path, _, _ in page.numbers}
    for k in range(len(laid.gaits)):
        assert {
            f"gaits.{k}.measures.{key}.mean" for key in ("speed", "cadence", "step_length", "cost_of_transport")
        } <= (shown)
        assert {f"gaits.{k}.symmetry_percent.step_length", f"gaits.{k}.torque_residual"} & shown
    for k in range(len(laid.differences)):
        assert {f"differences.{k}.measures.speed.mean", f"differences.{k}.measures.speed.spread"} <= shown
        assert f"differences.{k}.curves.angles.knee_flexion.left.rms" in shown
    text = " ".join(page.text.split())
    for label in laid.labels:
        assert label in text
    for said in laid.not_shared:
        assert said in text
    assert ("What they do not share" in text) == bool(laid.not_shared)
    assert ("Fewer than the 20 strides" in text) == any(not one.report.enough for one in laid.gaits)
    assert "<run>" not in files[0].read_text()
