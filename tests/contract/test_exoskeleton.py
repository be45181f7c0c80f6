"""Devices give the torques that their configuration says, in both engines, and muscles are asked for the rest."""

import mujoco
import numpy as np
import pytest
from native import NETWORK, scenario, simulation

from soleus.motions.strikes import strike_phases
from soleus.sim.buffers import Buffers
from soleus.sim.simulation import Simulation
from soleus.sim.trace import STATE

PEAK = 40.0
BUMP = {"joints": "ankle_angle", "torque": {"profile": [[0, 0], [50, PEAK]]}}
EVERY_STEP = {"control.policy_hz": 480, "policy.mirror": False}
"""A control step is one simulation step."""


def made_with(*devices: dict, **overrides: object) -> Simulation:
    given = {"control.exoskeleton": list(devices), **overrides}
    return simulation(scenario("walk2d", **{key.replace(".", "__"): value for key, value in given.items()}))


def played(made: Simulation, steps: int, actions: float = 0.0) -> Buffers:
    """A rollout of the same action everywhere, with what was seen at each simulation step."""
    buffers = Buffers(made, steps, samples=True, trace=True)
    made.core.reset(3, buffers["observations"][0])
    buffers["actions"][:] = actions
    buffers.run(made, with_policy=False)
    return buffers


def torques(made: Simulation, buffers: Buffers) -> tuple[np.ndarray, np.ndarray]:
    """Of the devices, and of the person at their joints, (steps, N, devices) each."""
    count = len(made.scenario.devices)
    rows = buffers["trace"]
    assert np.isfinite(rows).all()
    return rows[..., -2 * count : -count], rows[..., -count:]


def strikes(made: Simulation) -> tuple[float, float]:
    """Phases of the motion in which the right and the left foot strike: there each side's cycle begins."""
    return strike_phases(made.scenario.motion, made.scenario.person)


def bump(phase: np.ndarray) -> np.ndarray:
    """BUMP in closed form: between two turning points a cubic is a smooth step."""
    share = 2 * np.minimum(phase % 1, 1 - phase % 1)
    return PEAK * share**2 * (3 - 2 * share)


@pytest.mark.parametrize("mode", ["muscle", "torque", "excitation"])
def test_a_profile_follows_each_sides_cycle(mode: str) -> None:
    made = made_with(BUMP, **{"control.mode": mode, "coordination.interval": 5})
    start = played(made, 1)
    _, after = made.reference()
    device, _ = torques(made, start)
    pace = 1 / 480 / made.scenario.motion.duration
    substeps = np.arange(16)[:, None]
    phase = after[None] + (substeps - 16) * pace  # as each substep begins
    expected = [bump(phase - strike) for strike in strikes(made)]
    np.testing.assert_allclose(device, np.stack(expected, axis=-1), atol=1e-9)


def test_a_motion_made_faster_carries_the_profile_along() -> None:
    made = made_with(BUMP, **{"control.phase_scale": 0.5})
    device, _ = torques(made, played(made, 1, actions=1.0))
    _, after = made.reference()
    pace = 1.5 / 480 / made.scenario.motion.duration
    phase = after[None] + (np.arange(16)[:, None] - 16) * pace - strikes(made)[0]
    np.testing.assert_allclose(device[..., 0], bump(phase), atol=1e-9)


def test_muscles_are_asked_for_the_rest() -> None:
    """In the first simulation step, before anything has moved."""
    share = {"joints": "knee_angle", "torque": {"proportion": 0.25}}
    plain, helped = (made_with(*devices, **EVERY_STEP) for devices in ((), (BUMP, share)))
    without, buffers = played(plain, 1), played(helped, 1)
    device, _ = torques(helped, buffers)
    wanted, asked = (each["desired"][0].astype(np.float64) for each in (without, buffers))
    ankles, knees = (joints_of(helped, name) for name in ("ankle_angle", "knee_angle"))
    np.testing.assert_allclose(asked[:, ankles] + device[0, :, :2], wanted[:, ankles], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(asked[:, knees], 0.75 * wanted[:, knees], rtol=1e-5)
    np.testing.assert_allclose(device[0, :, 2:], 0.25 * wanted[:, knees], rtol=1e-5)
    hips = joints_of(helped, "hip_flexion")
    np.testing.assert_array_equal(asked[:, hips], wanted[:, hips])


def joints_of(made: Simulation, name: str) -> list[int]:
    human = made.scenario.human
    names = [human.coordinate_names[c] for c in human.actuated]
    return [names.index(f"{name}_{side}") for side in "rl"]


def test_a_network_is_asked_for_the_rest() -> None:
    share = {"joints": "knee_angle", "torque": {"proportion": 0.25}}
    plain, helped = (made_with(*devices, **EVERY_STEP, **NETWORK) for devices in ((), (share,)))
    knees = joints_of(helped, "knee_angle")
    wanted, asked = (played(each, 1)["desired"][0][:, knees] for each in (plain, helped))
    np.testing.assert_allclose(asked, 0.75 * wanted, rtol=1e-5)


@pytest.mark.parametrize("mode", ["excitation", "torque"])
def test_a_share_of_what_there_is(mode: str) -> None:
    """Of the muscles' own torque, or of stable PD's, to which it adds."""
    made = made_with({"joints": "*", "torque": {"proportion": 0.4}}, **{"control.mode": mode})
    device, beside = torques(made, played(made, 2, actions=0.2))
    assert np.abs(beside).max() > 5
    np.testing.assert_allclose(device, 0.4 * beside, rtol=1e-12, atol=1e-12)


def test_a_limit_holds_either_way() -> None:
    made = made_with({"joints": "*", "torque": {"proportion": 1}, "limit": 3})
    device, _ = torques(made, played(made, 2))
    assert np.abs(device).max() == 3
    assert device.min() == -3
    assert (np.abs(device) < 3).any()


def test_actions_of_its_own() -> None:
    """They come after those of the joints; beyond 1 they count as 1."""
    made = made_with(BUMP, {"joints": "hip_flexion", "torque": {"action": 20}})
    assert made.core.action_size == 6 + 2
    buffers = Buffers(made, 1, samples=False, trace=True)
    made.core.reset(3, buffers["observations"][0])
    buffers["actions"][:] = 0
    buffers["actions"][..., 6:] = [0.5, -2]
    buffers.run(made, with_policy=False)
    device, _ = torques(made, buffers)
    np.testing.assert_array_equal(device[..., 2:], np.broadcast_to([10.0, -20.0], device[..., 2:].shape))


def test_a_mirrored_policy_moves_the_other_side() -> None:
    made = made_with({"joints": "hip_flexion", "torque": {"action": 20}}, **{"policy.mirror": True})
    buffers = Buffers(made, 1, samples=False, trace=True)
    made.core.reset(3, buffers["observations"][0])
    _, phase = made.reference()
    buffers["actions"][:] = 0
    buffers["actions"][..., 6:] = [0.5, 0.25]
    buffers.run(made, with_policy=False)
    device, _ = torques(made, buffers)
    expected = np.where(phase[:, None] < 0.5, [10.0, 5.0], [5.0, 10.0])
    assert len(np.unique(expected, axis=0)) == 2, "the test wants both halves of the cycle"
    np.testing.assert_array_equal(device[0], expected)


def test_the_body_moves_by_both_torques(engine: str) -> None:
    """MuJoCo, given the torques that were told, goes where the body went: in every step from where it was seen."""
    devices = ({"joints": "ankle_angle", "torque": {"profile": [[0, 0], [50, -PEAK]]}, "mass": {"tibia": 2}},)
    rest = {"joints": ["hip*", "knee*"], "torque": {"proportion": 0.5}}
    made = made_with(*devices, rest, **EVERY_STEP, **{"control.mode": "torque"})
    buffers = played(made, 12)
    device, beside = torques(made, buffers)
    human, model = made.scenario.human, made.stepped_model()
    dofs = [one.dof for one in made.scenario.devices]
    assert len(dofs) == len(human.actuated)
    data, size = mujoco.MjData(model), mujoco.mj_stateSize(model, STATE)
    for before, after, torque in zip(buffers["trace"], buffers["trace"][1:], (device + beside)[1:], strict=False):
        for human_before, human_after, applied in zip(before, after, torque, strict=True):
            mujoco.mj_setState(model, data, human_before[:size], STATE)
            data.qfrc_applied[:] = 0
            data.qfrc_applied[dofs] = applied
            mujoco.mj_step(model, data)
            found = data.qvel.copy()
            mujoco.mj_setState(model, data, human_after[:size], STATE)
            np.testing.assert_allclose(found, data.qvel, atol=2e-3 if engine == "lanes" else 1e-9)


def test_without_assistance_it_is_a_mass_alone() -> None:
    """And without a mass nothing at all."""
    plain = made_with()
    idle = made_with(BUMP, **{"conditions.assistance": (0, 1)})
    idle.set_conditions(np.zeros((5, 1)))
    without, buffers = played(plain, 4), played(idle, 4)
    device, _ = torques(idle, buffers)
    assert not device.any()
    np.testing.assert_array_equal(buffers["rewards"], without["rewards"])
    np.testing.assert_array_equal(buffers["trace"][..., : without["trace"].shape[-1]], without["trace"])


def test_half_the_assistance_is_half_the_torque() -> None:
    """After the limit, which is what a device can give."""
    limited = {**BUMP, "limit": 15}
    whole, half = (made_with(limited, **{"conditions.assistance": (0, 1)}) for _ in range(2))
    whole.set_conditions(np.ones((5, 1)))
    half.set_conditions(np.full((5, 1), 0.5))
    full, part = (torques(each, played(each, 1))[0] for each in (whole, half))
    assert full.max() == 15
    np.testing.assert_array_equal(part, 0.5 * full)
