"""What a policy sees is as inexact and as old as the task says; what it asks for arrives as late and as inexactly."""

from typing import Any

import mujoco
import native
import numpy as np
import pytest

from soleus.sim.buffers import Buffers
from soleus.sim.simulation import Simulation

STANDING = {  # without a motion, which would ask for another pose at each instant
    "motion": None,
    "control.mode": "torque",
    "task.base": "walk",
    "task.termination.fall": None,
}
STEPS, HUMANS = 24, 5
SUBSTEPS = 16  # of a control step: 480 simulation steps a second, 30 control steps
KNOWN = 2  # columns of the phase, which come first


def simulation(config: dict[str, Any]) -> Simulation:
    return native.simulation(
        native.scenario(**{key.replace(".", "__"): value for key, value in config.items()}), HUMANS
    )


def played(made: Simulation, actions: np.ndarray) -> Buffers:
    """What becomes of actions (T, N, A)."""
    buffers = Buffers(made, len(actions), samples=made.muscle_spec is not None)
    made.core.reset(7, buffers["observations"][0])
    buffers["actions"][:] = actions
    buffers.run(made, with_policy=False)
    return buffers


def random_actions(made: Simulation, steps: int = STEPS) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.5, (steps, HUMANS, made.core.action_size)).astype(np.float32)


def ages(buffers: Buffers) -> np.ndarray:
    """Control steps since the beginning of the episode of each observation, (T + 1, N)."""
    found = np.zeros(buffers["observations"].shape[:2], int)
    for t, over in enumerate(buffers.done):
        found[t + 1] = np.where(over, 0, found[t] + 1)
    return found


def delay(substeps: int) -> str:
    return f"{substeps / 480:.6f}s"


def test_what_is_seen_is_as_old_as_it_is_to_be() -> None:
    """In whole control steps: the rest of an episode's beginning, the phase alone as it is."""
    plain = simulation({})
    late = simulation({"task.noise": {"observation_delay": delay(2 * SUBSTEPS)}})
    actions = random_actions(plain)
    expected, got = played(plain, actions), played(late, actions)
    now, seen, age = expected["observations"], got["observations"], ages(expected)
    assert expected.done.any(), "the test wants resets in the rollout"
    np.testing.assert_array_equal(seen[..., :KNOWN], now[..., :KNOWN])
    np.testing.assert_array_equal(expected["rewards"], got["rewards"])
    for t in range(STEPS + 1):
        for human in range(HUMANS):
            then = t - min(2, age[t, human])
            np.testing.assert_array_equal(seen[t, human, KNOWN:], now[then, human, KNOWN:])


@pytest.mark.parametrize("mode", ["torque", "muscle"])
def test_delays_are_exact_to_the_simulation_step(mode: str) -> None:
    """Beside people who are asked for the same, and seen, at every simulation step."""
    standing = {**STANDING, "control.mode": mode}
    late = simulation({**standing, "task.noise": {"observation_delay": delay(20), "motor_delay": delay(7)}})
    fine = simulation({**standing, "control.policy_hz": 480})
    actions = random_actions(late)
    held = np.concatenate([np.zeros_like(actions[:1].repeat(7, 0)), actions.repeat(SUBSTEPS, 0)])[: STEPS * SUBSTEPS]
    got, expected = played(late, actions), played(fine, held)
    assert not got.done.any()
    assert np.ptp(expected["observations"], axis=0).max() > 0.1, "they move"
    for t in range(STEPS + 1):
        then = expected["observations"][max(0, t * SUBSTEPS - 20)]
        np.testing.assert_allclose(got["observations"][t], then, rtol=0, atol=1e-6)


def test_a_mirrored_policy_sees_the_past_from_the_side_of_now() -> None:
    """Nobody is asked for anything but the motion, so that all move alike."""
    noise = {"task.noise": {"observation_delay": delay(2 * SUBSTEPS)}}
    still = np.zeros((STEPS, HUMANS, simulation({}).core.action_size), np.float32)
    plain, turned = (played(simulation({"policy.mirror": mirror}), still) for mirror in (False, True))
    late = played(simulation({"policy.mirror": True, **noise}), still)
    mirrored = (plain["observations"] != turned["observations"]).any(2)
    age, crossings = ages(plain), 0
    for t in range(2, STEPS + 1):
        for human in np.flatnonzero(age[t] >= 2):
            side = turned if mirrored[t, human] else plain
            if mirrored[t, human] and not mirrored[t - 2, human]:
                continue  # whose mirror image nobody has seen
            crossings += int(mirrored[t - 2, human] != mirrored[t, human])
            then = side["observations"][t - 2, human, KNOWN:]
            np.testing.assert_array_equal(late["observations"][t, human, KNOWN:], then)
    assert crossings > 0


def test_noise_of_what_is_seen_is_as_large_as_it_is_to_be() -> None:
    plain, noisy = simulation({}), simulation({"task.noise": {"observation": 0.05}})
    actions = random_actions(plain)
    expected, got = played(plain, actions), played(noisy, actions)
    np.testing.assert_array_equal(expected["rewards"], got["rewards"])
    error = got["observations"] - expected["observations"]
    assert (error[..., :KNOWN] == 0).all()
    error = error[..., KNOWN:]
    assert error.std() == pytest.approx(0.05, rel=0.03)
    assert error.mean() == pytest.approx(0, abs=0.003)
    assert np.abs(np.corrcoef(error[0])[np.triu_indices(HUMANS, 1)]).max() < 0.6, "each human has its own"
    assert np.corrcoef(error[:-1].ravel(), error[1:].ravel())[0, 1] == pytest.approx(0, abs=0.05)


def excitations(made: Simulation, steps: int) -> np.ndarray:
    """Controls of the muscles (steps, N, nm) as each control step has left them, at actions of 0: half of all."""
    model, data = made.scenario.human.model, mujoco.MjData(made.scenario.human.model)
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
    buffers = Buffers(made, 1, samples=False)
    made.core.reset(7, buffers["observations"][0])
    found = []
    for _ in range(steps):
        buffers["actions"][:] = 0
        buffers.run(made, with_policy=False)
        assert not buffers.done.any()
        for state in made.save():
            mujoco.mj_setState(model, data, state[:size], mujoco.mjtState.mjSTATE_INTEGRATION)
            found.append(data.ctrl.copy())
    return np.array(found).reshape(steps, HUMANS, -1)


EXCITED = {**STANDING, "control.mode": "excitation"}


@pytest.mark.parametrize(("seconds", "correlation"), [(None, 0.0), ("100ms", np.exp(-1 / 3))])
def test_motor_noise_is_a_share_of_the_command(seconds: str | None, correlation: float) -> None:
    noise = {"motor": 0.2, **({"motor_correlation": seconds} if seconds else {})}
    share = excitations(simulation({**EXCITED, "task.noise": noise}), 40) / 0.5 - 1
    assert share.std() == pytest.approx(0.2, rel=0.08)
    assert share[0].std() == pytest.approx(0.2, rel=0.25), "from the first control step on"
    assert share.mean() == pytest.approx(0, abs=0.02)
    assert np.corrcoef(share[:-1].ravel(), share[1:].ravel())[0, 1] == pytest.approx(correlation, abs=0.06)


def test_excitations_stay_within_their_range() -> None:
    found = excitations(simulation({**EXCITED, "task.noise": {"motor": 3.0}}), 4)
    assert (found.min(), found.max()) == (0, 1)


def test_both_engines_have_the_same_noise() -> None:
    given = {**EXCITED, "task.noise": native.NOISE["task.noise"]}
    lanes, other = (excitations(simulation({**given, "control.engine": name}), 8) for name in ("lanes", "mujoco"))
    np.testing.assert_array_equal(lanes, other)


def test_excitations_arrive_late() -> None:
    """After two control steps, before which there are none."""
    found = excitations(simulation({**EXCITED, "task.noise": {"motor_delay": delay(2 * SUBSTEPS)}}), 4)
    assert (found == np.array([0, 0, 0.5, 0.5])[:, None, None]).all()


def test_muscles_that_are_coordinated_carry_noise_out() -> None:
    """At once, where activations are set at once."""
    given = {"control.activation_dynamics": False}
    plain, noisy = (simulation({**given, **more}) for more in ({}, {"task.noise": {"motor": 0.2}}))
    found = []
    for made in (plain, noisy):
        buffers = Buffers(made, 1, samples=made.muscle_spec is not None)
        made.core.reset(7, buffers["observations"][0])
        buffers["actions"][:] = 0
        buffers.run(made, with_policy=False)
        found.append(made.look("activations"))
    driven = (found[0] > 0.05) & (found[0] < 0.6)
    assert driven.sum() > 10
    share = found[1][driven] / found[0][driven] - 1
    assert 0.1 < share.std() < 0.4


def test_no_noise_changes_nothing() -> None:
    plain, none = simulation({}), simulation({"task.noise": {"observation": 0.0}})
    assert plain.save().shape == none.save().shape
    native.assert_same_bits(native.rollout(plain, 8), native.rollout(none, 8))


def test_what_is_on_the_way_is_saved() -> None:
    plain, late = simulation({}), simulation({"task.noise": {"observation_delay": delay(20)}})
    seen = 2 * plain.core.observation_size  # of this control step and the one before
    assert late.save().shape[1] - plain.save().shape[1] == seen
