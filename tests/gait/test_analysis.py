import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from odd_person import odd
from soleus.errors import UserError
from soleus.gait import Report, analyse
from soleus.gait.analysis import LEAST, summary
from soleus.gait.curves import Side
from soleus.gait.norms import Band
from soleus.models import Human
from walker import DT, GRAVITY, stance_force, still, trace_of, walked


def test_enough_strides_are_said_to_be(planar: Report) -> None:
    assert planar.enough
    assert min(planar.strides.values()) >= LEAST == 20
    right, left = planar.strides["right"], planar.strides["left"]
    assert planar.note == f"Means are over {right} strides of the right foot and {left} of the left."


def test_fewer_are_said_plainly(spatial: Report) -> None:
    assert not spatial.enough
    assert spatial.note.endswith(": fewer than the 20 of each that they should be over.")
    found = spatial.as_json()
    assert found["strides"]["enough"] is False
    assert found["strides"]["wanted"] == 20
    assert found["strides"]["right"] == spatial.strides["right"] < 20


def test_the_json_has_all_of_it(planar: Report, spatial: Report) -> None:
    flat, full = planar.as_json(), spatial.as_json()
    for found in (flat, full):
        assert json.loads(json.dumps(found, allow_nan=False)) == found
        for section in ("angles", "forces", "activations"):
            for curve in found[section].values():
                for side in ("right", "left"):
                    assert len(curve[side]["mean"]) == len(curve[side]["sd"]) == 101
    assert list(flat["angles"]) == ["hip_flexion", "knee_flexion", "ankle_dorsiflexion", "pelvis_tilt"]
    assert {"hip_adduction", "pelvis_list", "pelvis_rotation"} < set(full["angles"])
    assert len(flat["muscles"]) == 18
    assert len(full["muscles"]) == 80
    assert (flat["torque_residual"], full["torque_residual"]) == (0.031, None)
    assert flat["measures"]["step_width"]["mean"] is None
    assert flat["measures"]["cadence"]["usual"]["value"] == pytest.approx(110.092)
    assert [phase["short"] for phase in flat["phases"]] == ["IC", "LR", "MSt", "TSt", "PSw", "ISw", "MSw", "TSw"]
    assert flat["phases"][4]["end"] == pytest.approx(flat["stance_percent"])


def test_right_and_left_are_not_taken_for_one_another(walk2d: Human) -> None:
    """A right knee that bends by ten degrees more, and a right soleus that works harder, are the right one's."""
    trace = walked(walk2d, strides=8).trace
    qpos, activation = trace.qpos.copy(), trace.activation.copy()
    qpos[:, walk2d.model.joint("knee_angle_r").qposadr[0]] += np.deg2rad(10)
    activation[:, walk2d.muscle_names.index("soleus_r")] += 0.2
    before, after = analyse([trace]).as_json(), analyse([replace(trace, qpos=qpos, activation=activation)]).as_json()

    def change(section: str, name: str, side: str) -> np.ndarray:
        return np.subtract(after[section][name][side]["mean"], before[section][name][side]["mean"])

    np.testing.assert_allclose(change("angles", "knee_flexion", "right"), 10, atol=1e-5)
    np.testing.assert_allclose(change("angles", "knee_flexion", "left"), 0, atol=1e-5)
    np.testing.assert_allclose(change("activations", "ankle_plantarflexors", "right"), 0.1, atol=1e-5)
    np.testing.assert_allclose(change("activations", "ankle_plantarflexors", "left"), 0, atol=1e-5)
    assert after["muscles"]["soleus_r"]["side"] == "right"
    assert after["muscles"]["soleus_r"]["groups"] == ["ankle_plantarflexors"]


def test_the_spread_is_over_strides(walk2d: Human) -> None:
    """A knee that bends by 2 degrees more in every other stride has a standard deviation of one, and a bit."""
    walk = walked(walk2d, strides=13)
    qpos = walk.trace.qpos.copy()
    adr = walk2d.model.joint("knee_angle_r").qposadr[0]
    strikes = walk.strikes[0]
    for k, (start, end) in enumerate(pairwise(strikes)):
        qpos[start + 5 : end + 5, adr] += np.deg2rad(2.0) * (k % 2)
    report = analyse([replace(walk.trace, qpos=qpos)])
    count = report.strides["right"]
    expected = np.std(np.arange(count) % 2 * 2.0, ddof=1)
    np.testing.assert_allclose(report.angles["knee_flexion"].sides["right"].sd[5:95], expected, atol=0.2)
    assert report.angles["knee_flexion"].sides["left"].sd[5:95].max() < 0.2


def test_a_summary_by_hand() -> None:
    side = Side(np.linspace(-10, 30, 101), np.full(101, 2.0))
    band = Band(np.linspace(-7, 33, 101), np.full(101, 4.0))
    assert summary(side, band) == pytest.approx(
        {"least": -10, "most": 30, "range": 40, "mean_sd": 2, "rms_from_normal": 3, "percent_within_band": 100}
    )
    assert summary(side, replace(band, sd=None))["percent_within_band"] is None
    assert summary(side, None)["rms_from_normal"] is None


def test_who_does_not_walk_is_no_subject(walk2d: Human) -> None:
    with pytest.raises(UserError, match=r"^expected a person who walks, got no stride in 2 episodes of 10\.0 s toge"):
        analyse([still(walk2d)] * 2)


def test_the_error_says_what_there_was_instead(walk2d: Human) -> None:
    trace = walked(walk2d, strides=8).trace
    qpos = trace.qpos.copy()
    qpos[:, 1] -= 0.6
    with pytest.raises(UserError, match=r"left out: 2 begun in .*, \d+ the pelvis below 70% of its standing height$"):
        analyse([replace(trace, qpos=qpos)])


def test_a_person_of_no_known_anatomy_shows_its_coordinates(tmp_path: Path) -> None:
    """Without muscles too: no activations, no cost."""
    human = odd(tmp_path)
    phase = np.arange(0, 9, DT) / 1.1
    qpos = np.tile(human.qpos_rest, (len(phase), 1))
    qpos[:, 0] = 1.2 * phase
    force = np.zeros((len(phase), 2, 3))
    for side in (0, 1):
        force[:, side] = stance_force((phase + 0.5 * side) % 1, side) * human.mass * GRAVITY
    joints = [human.model.joint(f"pivot_{side}").qposadr[0] for side in "rl"]
    qpos[:, joints[0]] = 0.3 * np.cos(2 * np.pi * phase)
    nothing = np.zeros((len(phase), 0))
    trace = trace_of(human, qpos, nothing, force, 0.0)
    report = analyse([trace])
    assert list(report.angles) == ["pivot_r", "pivot_l", "pelvis_tilt", "pelvis_list", "pelvis_rotation"]
    assert report.angles["pivot_r"].band is None
    expected = np.rad2deg(0.3 * np.cos(2 * np.pi * np.linspace(0, 1, 101)))
    np.testing.assert_allclose(report.angles["pivot_r"].sides["right"].mean, expected, atol=0.5)
    assert report.activations == report.muscles == {}
    assert report.measures["cost_of_transport"].mean is None
    assert report.measures["speed"].mean == pytest.approx(1.2 / 1.1, rel=0.01)
    assert json.dumps(report.as_json(), allow_nan=False)


def test_muscles_that_do_not_act_are_not_shown(walk2d: Human) -> None:
    """Torques move the person: there are no activations, and no metabolic cost."""
    trace = walked(walk2d, strides=6).trace
    report = analyse([replace(trace, activation=np.zeros_like(trace.activation), metabolic=np.zeros(len(trace.qpos)))])
    assert report.activations == report.muscles == {}
    assert report.as_json()["muscles"] == {}
    assert report.measures["cost_of_transport"].mean is None


def test_one_foot_that_never_leaves_the_ground(walk2d: Human) -> None:
    """It has no strides; the other one's are shown, and there are not enough."""
    trace = walked(walk2d, strides=8).trace
    force = trace.ground_force.copy()
    force[:, 1] = [0, 0, 0.5 * walk2d.mass * GRAVITY]
    report = analyse([replace(trace, ground_force=force)])
    assert report.strides["left"] == 0
    assert report.strides["right"] > 4
    assert not report.enough
    assert list(report.angles["hip_flexion"].sides) == ["right"]
    assert report.measures["step_length"].mean is None
    assert report.symmetry["stance_share"] is None
    assert json.dumps(report.as_json(), allow_nan=False)
