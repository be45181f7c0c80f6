"""An exoskeleton in reports: torques and powers over the cycle of each leg, alone and laid over another's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gaits import gait
from soleus.config import load_human_config
from soleus.exoskeleton import Device
from soleus.gait import Report, analyse, write_report
from soleus.gait.overlay import lay_over
from soleus.gait.overlay.writing import write_overlay
from soleus.models import Human
from soleus.rollouts import sampled, write_episode
from soleus.sim.scenario import load_scenario
from soleus.sim.trace import Trace
from walker import walked

JOINTS = ("ankle_angle_r", "ankle_angle_l")


@pytest.fixture(scope="module")
def devices() -> tuple[Device, ...]:
    device = {"joints": "ankle_angle", "torque": {"proportion": 0.5}}
    return load_scenario(load_human_config("walk2d", {"control.exoskeleton": [device]})).devices


def worn(human: Human, devices: tuple[Device, ...], seed: int, torque: float = -30.0) -> Trace:
    """A walk with a torque that a device holds on the right, and twice that on the left; ankles turn at 2 rad/s."""
    trace = walked(human, strides=13, seed=seed).trace
    qvel = np.full((len(trace.qpos), human.model.nv), 2.0)
    held = np.tile([torque, 2 * torque], (len(trace.qpos), 1))
    return replace(trace, devices=devices, qvel=qvel, device_torque=held, joint_torque=held / 3)


@pytest.fixture(scope="module")
def helped(walk2d: Human, devices: tuple[Device, ...]) -> Report:
    return analyse([worn(walk2d, devices, seed) for seed in (0, 1)])


def test_torques_and_powers_over_the_cycle(helped: Report, walk2d: Human) -> None:
    assert list(helped.exoskeleton) == ["ankle_angle_torque", "ankle_angle_beside", "ankle_angle_power"]
    torque, beside, power = helped.exoskeleton.values()
    assert (torque.unit, beside.unit, power.unit) == ("N m/kg", "N m/kg", "W/kg")
    for side, times in (("right", 1), ("left", 2)):
        np.testing.assert_allclose(torque.sides[side].mean, -30 * times / walk2d.mass)
        np.testing.assert_allclose(beside.sides[side].mean, -10 * times / walk2d.mass)
        np.testing.assert_allclose(power.sides[side].mean, -60 * times / walk2d.mass)
    summary = helped.as_json()["exoskeleton"]["ankle_angle_power"]["summary"]["left"]
    assert summary == pytest.approx({"least": -1.6, "most": -1.6, "mean": -1.6})


def test_a_coordinate_that_counts_the_other_way_round(walk2d: Human, devices: tuple[Device, ...]) -> None:
    """Its torque is shown in the sense of the right one; a power has none."""
    right, left = devices
    found = analyse([worn(walk2d, (right, replace(left, sign=-1.0)), 0)]).exoskeleton
    np.testing.assert_allclose(found["ankle_angle_torque"].sides["left"].mean, 60 / walk2d.mass)
    np.testing.assert_allclose(found["ankle_angle_power"].sides["left"].mean, -120 / walk2d.mass)


def test_one_side_alone(walk2d: Human, devices: tuple[Device, ...]) -> None:
    trace = worn(walk2d, devices, 0)
    alone = replace(trace, devices=devices[:1], device_torque=trace.device_torque[:, :1])
    assert set(analyse([alone]).exoskeleton["ankle_angle_torque"].sides) == {"right"}


def test_a_page_with_its_picture_and_figures(helped: Report, planar: Report, tmp_path: Path) -> None:
    files = write_report(helped, tmp_path, {})
    assert tmp_path / "exoskeleton.png" in files
    page = files[0].read_text()
    assert "ankle_angle: power of the device [W/kg]" in page
    assert "−1.600" in page or "-1.600" in page
    write_report(planar, tmp_path, {})
    assert not (tmp_path / "exoskeleton.png").exists(), "who wears none has no such picture"


def test_with_over_without(
    helped: Report, walk2d: Human, devices: tuple[Device, ...], planar: Report, tmp_path: Path
) -> None:
    idle = analyse([worn(walk2d, devices, seed, torque=0.0) for seed in (0, 1)])
    laid = lay_over([gait("assistance=0", idle), gait("assistance=1", helped)])
    difference = laid.differences[0].curves["exoskeleton"]["ankle_angle_torque"]["right"]
    assert difference.most == pytest.approx(-30 / walk2d.mass)
    assert tmp_path / "exoskeleton.png" in write_overlay(laid, tmp_path)
    apart = lay_over([gait("bare", planar), gait("worn", helped)])
    assert "ankle_angle: torque of the device (exoskeleton): of worn alone." in apart.not_shared


def test_files_of_rollouts_have_its_torques(walk2d: Human, devices: tuple[Device, ...], tmp_path: Path) -> None:
    trace = sampled(worn(walk2d, devices, 0), 120.0)
    write_episode(tmp_path / "walk.npz", trace)
    with np.load(tmp_path / "walk.npz") as arrays:
        assert arrays["device_names"].tolist() == list(JOINTS)
        np.testing.assert_array_equal(arrays["device_torque"], np.tile([-30.0, -60.0], (len(trace.qpos), 1)))
    written = write_episode(tmp_path / "walk.csv", trace)
    table = tmp_path / "walk-device-torques.csv"
    assert table in written
    assert table.read_text().splitlines()[0] == "time,ankle_angle_r,ankle_angle_l"
    bare = write_episode(tmp_path / "bare.csv", walked(walk2d, strides=2).trace)
    assert not any("device" in file.name for file in bare)
