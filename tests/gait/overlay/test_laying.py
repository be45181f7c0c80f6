"""Differences are those of the numbers, and what is not shared is said."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gaits import gait
from soleus.errors import UserError
from soleus.gait import Report
from soleus.gait.overlay import Overlay, lay_over
from soleus.run.summary import as_json


def test_differences_of_figures(of_one_body: Overlay) -> None:
    one, other = (found.report for found in of_one_body.gaits)
    (difference,) = of_one_body.differences
    assert difference.label == "_second"
    speeds = one.measures["speed"], other.measures["speed"]
    assert difference.measures["speed"].mean == pytest.approx(speeds[1].mean - speeds[0].mean)  # type: ignore[operator]
    assert difference.measures["speed"].spread == pytest.approx(np.sqrt(speeds[0].sd ** 2 + speeds[1].sd ** 2))  # type: ignore[operator]
    assert difference.measures["cost_of_transport"].spread is None
    assert "step_width" not in difference.measures, "neither has one"
    assert difference.symmetry["step_time"] == pytest.approx(
        other.symmetry["step_time"] - one.symmetry["step_time"]  # type: ignore[operator]
    )


def test_differences_of_curves(of_one_body: Overlay) -> None:
    one, other = (found.report for found in of_one_body.gaits)
    for kind, curves in (("angles", "angles"), ("forces", "forces"), ("activations", "activations")):
        for name, found in of_one_body.differences[0].curves[kind].items():
            for side in ("right", "left"):
                a, b = (getattr(report, curves)[name].sides[side] for report in (one, other))
                away = b.mean - a.mean
                at = found[side].at_percent
                assert abs(found[side].most) == np.abs(away).max() == abs(away[at])
                assert found[side].rms == pytest.approx(np.sqrt(np.mean(away**2)))
                assert found[side].spread == pytest.approx(np.hypot(a.sd[at], b.sd[at]))
    activations = of_one_body.differences[0].curves["activations"].values()
    assert all(found[side].most < -0.02 for found in activations for side in found), "half as much of everything"


def test_a_gait_is_no_different_from_itself(planar: Report) -> None:
    (difference,) = lay_over([gait("a", planar), gait("b", planar)]).differences
    assert {found.mean for found in difference.measures.values()} == {0.0}
    curves = [curve for kind in difference.curves.values() for curve in kind.values()]
    assert {found.rms for curve in curves for found in curve.values()} == {0.0}


def test_different_models_share_what_they_have_in_common(of_two_bodies: Overlay) -> None:
    assert of_two_bodies.shared["angles"] == ["hip_flexion", "knee_flexion", "ankle_dorsiflexion", "pelvis_tilt"]
    assert of_two_bodies.shared["forces"] == ["vertical", "fore_aft"]
    assert "hip_abductors" not in of_two_bodies.shared["activations"]
    said = of_two_bodies.not_shared
    assert said[0] == "The models differ: walk2d (planar), myolegs (legs), walk2d (slower)."
    assert "Hip adduction (angles): of legs alone." in said
    assert "Lateral (towards the other foot +) (forces): of legs alone." in said
    assert "Hip abductors (activations): of legs alone." in said
    assert "Step width: of legs alone." in said
    (flexors,) = [one for one in said if one.startswith("Muscles of the group Hip flexors")]
    assert flexors.endswith("differ, in number: 4 (planar), 14 (legs), 4 (slower).")


def test_one_body_shares_all(of_one_body: Overlay) -> None:
    assert of_one_body.not_shared == []
    assert of_one_body.gait == "walk"


def test_a_walk_and_a_run(planar: Report) -> None:
    laid = lay_over([gait("a", planar), gait("b", replace(planar, stance=40.0))])
    assert laid.gait is None
    assert "The gaits differ, and no picture shows what is normal: walks (a), runs (b)." in laid.not_shared


def test_a_side_without_strides(planar: Report) -> None:
    angles = {name: replace(curve, sides={"right": curve.sides["right"]}) for name, curve in planar.angles.items()}
    laid = lay_over([gait("a", planar), gait("b", replace(planar, angles=angles))])
    assert set(laid.differences[0].curves["angles"]["knee_flexion"]) == {"right"}


def test_json_has_every_report_and_the_differences(of_two_bodies: Overlay) -> None:
    content = json.loads(as_json(of_two_bodies.as_json()))
    assert [one["label"] for one in content["gaits"]] == ["planar", "legs", "slower"]
    assert content["compared_with"] == "planar"
    for one, found in zip(content["gaits"], of_two_bodies.gaits, strict=True):
        report = json.loads(as_json(found.report.as_json()))
        assert {key: one[key] for key in report} == report
        assert one["run"]["checkpoint"] == "best.pt"
    assert [one["label"] for one in content["differences"]] == ["legs", "slower"]
    assert content["differences"][1]["measures"]["speed"].keys() == {"mean", "spread"}


def test_errors(planar: Report) -> None:
    with pytest.raises(UserError, match=r"^expected two gaits or more to lay over one another, got 1$"):
        lay_over([gait("a", planar)])
    with pytest.raises(UserError, match=r"^expected gaits of different names to lay over one another, got 'a' twice$"):
        lay_over([gait("a", planar), gait("a", planar)])
