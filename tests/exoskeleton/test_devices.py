"""What a configuration says of an exoskeleton, put on a model; what cannot be is one line that says so."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soleus.cli import main
from soleus.config import load_human_config
from soleus.errors import UserError
from soleus.exoskeleton import load_devices
from soleus.exoskeleton.profile import cubics
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import Scenario, load_scenario
from soleus.sim.simulation import Simulation

PROFILE = {"profile": {"0": 0, "30": 10, "52": 50, "62": 0}}
ANKLES = {"joints": "ankle_angle", "torque": PROFILE}


def scenario(*devices: dict[str, Any], preset: str = "walk2d", **overrides: Any) -> Scenario:
    given = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_scenario(load_human_config(preset, {"control.exoskeleton": list(devices), **given}))


@pytest.mark.parametrize(
    ("joints", "found"),
    [
        ("ankle_angle_r", ["ankle_angle_r"]),
        ("ankle_angle", ["ankle_angle_r", "ankle_angle_l"]),
        ("ankle_angle_both", ["ankle_angle_r", "ankle_angle_l"]),
        ("*_angle_l", ["knee_angle_l", "ankle_angle_l"]),
        (["knee_angle_l", "ankle_angle_r"], ["knee_angle_l", "ankle_angle_r"]),
        ("knee_angle_l,ankle_angle_r", ["knee_angle_l", "ankle_angle_r"]),
    ],
)
def test_joints_go_by_name_and_side(joints: Any, found: list[str]) -> None:
    devices = scenario({"joints": joints, "torque": PROFILE}).devices
    assert [device.joint for device in devices] == found
    assert [device.side for device in devices] == [name[-1] for name in found]
    assert {device.drive for device in devices} == {"profile"}


def test_a_profile_goes_through_its_points_and_not_beyond() -> None:
    points = [(0.0, 0.0), (30.0, 10.0), (52.0, 50.0), (62.0, 0.0)]
    curve = _sampled(cubics(points))
    at = np.arange(1000) / 10
    for percent, torque in points:
        assert curve[int(10 * percent)] == pytest.approx(torque, abs=1e-9)
    assert curve.min() >= -1e-9
    assert curve.max() <= 50 + 1e-9
    assert not curve[at >= 62].any()
    assert np.abs(np.diff(curve, append=curve[0])).max() < 1.0, "it comes round"


@pytest.mark.parametrize("points", [[(20.0, 3.0), (70.0, -4.0)], [(0.0, 2.0), (50.0, -1.0), (100.0, 2.0)]])
def test_a_profile_comes_round(points: list[tuple[float, float]]) -> None:
    curve = _sampled(cubics(points))
    for percent, torque in points:
        assert curve[int(10 * percent) % 1000] == pytest.approx(torque, abs=1e-9)
    step = np.diff(np.concatenate([curve, curve[:2]]))
    assert np.abs(np.diff(step)).max() < 1e-3, "smooth, where the cycle begins anew too"


def _sampled(pieces: np.ndarray) -> np.ndarray:
    """(1000,) torques over the cycle."""
    share = np.arange(1000) / 1000
    row = np.searchsorted(pieces[:, 0], share, side="right") - 1
    x = (share - pieces[row, 0]) % 1
    return sum(pieces[row, 1 + k] * x**k for k in range(4))


def test_a_constant_profile_of_both_ends() -> None:
    np.testing.assert_array_equal(_sampled(cubics([(0.0, 7.0), (100.0, 7.0)])), np.full(1000, 7.0))


def test_engines_agree() -> None:
    """About every torque, as long as they agree about the motion."""
    told = []
    for engine in ("lanes", "mujoco"):
        loaded = scenario(
            ANKLES,
            {"joints": "knee_angle", "torque": {"proportion": 0.3}, "mass": {"tibia": 1}},
            {"joints": "hip_flexion", "torque": {"action": 30}, "limit": 20},
            control__engine=engine,
        )
        made = Simulation(loaded, 5, 1, 0)
        buffers = Buffers(made, 4, samples=False, trace=True)
        made.core.reset(1, buffers["observations"][0])
        buffers["actions"][:] = 0.5
        buffers.run(made, with_policy=False)
        told.append(buffers["trace"][..., -12:])
    assert np.abs(told[0]).max() > 10
    np.testing.assert_allclose(told[0], told[1], rtol=1e-3, atol=1e-2)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no joint": ({"joints": "ankel"}, "exoskeleton.0.joints: expected a joint of 'walk2d' that follows no other, got"),
    "nearest": ({"joints": "ankel_angle_r"}, r"got 'ankel_angle_r' \(did you mean 'ankle_angle_r'\?\)"),
    "the root": ({"joints": "root_tx"}, "expected a joint between two bodies of 'walk2d', got 'root_tx' of the root"),
    "none at all": ({"joints": []}, "exoskeleton.0.joints: expected 1 or more of them"),
    "no torque": ({"torque": {}}, "expected one of profile, proportion and action, got none"),
    "two": ({"torque": {**PROFILE, "action": 3}}, "expected one of profile, .*, got profile and action"),
    "a per cent": ({"torque": {"profile": {"0": 0, "120": 3}}}, "expected per cents .* from 0 to 100, got 120"),
    "one point": ({"torque": {"profile": {"0": 3}}}, "profile: expected two points or more, got 1"),
    "a text": ({"torque": {"profile": {"0": 0, "heel": 3}}}, r"expected torques by per cent .*, got \('heel', 3\)"),
    "a number": ({"torque": {"profile": 30}}, "expected torques by per cent of the gait cycle such as .*, got 30"),
    "twice": ({"torque": {"profile": [[5, 0], [5, 3]]}}, "profile: expected one torque at 5 per cent, got 2"),
    "no round": ({"torque": {"profile": [[0, 0], [100, 3]]}}, r"the same torque at 100 as at 0 .*, got 3 and 0"),
    "infinite": ({"torque": {"profile": [[0, 0], [50, 1e400]]}}, "finite number"),
    "a share": ({"torque": {"proportion": 1.5}}, "torque.proportion: expected less than or equal to 1, got 1.5"),
    "an action": ({"torque": {"action": -5}}, "torque.action: expected greater than 0, got -5"),
    "a limit": ({"limit": -5}, "exoskeleton.0.limit: expected greater than 0, got -5"),
    "a mass": ({"mass": {"tibia": -1}}, "exoskeleton.0.mass.tibia.kg: expected greater than or equal to 0, got -1"),
    "a body": ({"mass": {"tibla": 1}}, r"exoskeleton.0.mass.tibla: expected a body of 'walk2d', got 'tibla'"),
    "a place": ({"mass": {"tibia": {"kg": 1, "place": [0, 1]}}}, "exoskeleton.0.mass.tibia.place"),
    "a key": ({"limt": 3}, "unknown key 'control.exoskeleton.0.limt'"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_no_device_can_be_is_one_line(name: str) -> None:
    device, said = WRONG[name]
    with pytest.raises(UserError, match=said) as caught:
        scenario({**ANKLES, **device})
    assert "\n" not in str(caught.value)


def test_two_devices_at_a_joint() -> None:
    with pytest.raises(
        UserError, match=r"exoskeleton.1.joints: expected one device a joint, got another at 'ankle_angle_l'"
    ):
        scenario(ANKLES, {"joints": "ankle_angle_l", "torque": {"proportion": 0.1}})


def test_a_profile_needs_a_gait_cycle(tmp_path: Path) -> None:
    (tmp_path / "free.yaml").write_text(
        "model: walk2d\ntask: {name: free, initial: rest, observation: {root: {}}, reward: {terms: {alive:"
        " {weight: 1}}}}\n"
    )
    with pytest.raises(UserError, match=r"0.torque.profile: expected a motion, whose strikes .*, got none"):
        scenario(ANKLES, preset=str(tmp_path / "free.yaml"))
    other = {"joints": "ankle_angle", "torque": {"action": 30}}
    assert len(scenario(other, preset=str(tmp_path / "free.yaml")).devices) == 2


def test_a_clip_that_is_played_once_has_no_gait_cycle() -> None:
    loaded = scenario(ANKLES)
    assert loaded.clips is not None
    clips = replace(loaded.clips, motions=tuple(replace(motion, once=True) for motion in loaded.clips.motions))
    with pytest.raises(UserError, match="expected a cyclic motion, got 'walk', which is played once"):
        load_devices(loaded.config, loaded.human, clips)


def test_one_side_does_not_go_with_a_mirrored_policy() -> None:
    said = "policy.mirror: expected equal devices on both sides, got 'ankle_angle_r' alone; or policy.mirror: false"
    with pytest.raises(UserError, match=said):
        scenario({**ANKLES, "joints": "ankle_angle_r"}, policy__mirror=True)
    assert scenario(ANKLES, policy__mirror=True).devices


def test_assistance_needs_an_exoskeleton() -> None:
    with pytest.raises(UserError, match=r"conditions.assistance: expected an exoskeleton, .*, got none"):
        scenario(conditions__assistance=(0, 1))
    with pytest.raises(UserError, match=r"conditions.assistance: expected a range within 0 and 1, got \[0, 2\]"):
        scenario(ANKLES, conditions__assistance=(0, 2))
    conditions = scenario(ANKLES, conditions__assistance=(0, 1)).conditions
    assert conditions is not None
    assert conditions.defaults.tolist() == [1]


def test_it_goes_into_the_runs_configuration_and_out_again(tmp_path: Path) -> None:
    """With a pair of masses and the short forms, as YAML writes and reads them."""
    device = {**ANKLES, "mass": {"tibia": 0.5, "calcn": {"kg": 0.2, "place": [0.1, 0, 0]}}}
    (tmp_path / "mine.yaml").write_text(
        "base: test-walk2d-small\ncontrol:\n  exoskeleton:\n"
        "    - joints: ankle_angle\n      torque: {profile: {0: 0, 30: 10, 52: 50, 62: 0}}\n"
        "      mass: {tibia: 0.5, calcn: {kg: 0.2, place: [0.1, 0, 0]}}\n"
    )
    run = tmp_path / "run"
    assert main(["train", str(tmp_path / "mine.yaml"), "--steps", "256", "--run-dir", str(run)]) == 0
    wanted = load_human_config("test-walk2d-small", {"control.exoskeleton": [device]}).control.exoskeleton
    assert load_human_config(str(run / "config.yaml")).control.exoskeleton == wanted
    assert main(["evaluate", str(run), "--episodes", "1"]) == 0
