"""People are pushed as their task says: by forces on the root, at times and from sides of each human's own key."""

from pathlib import Path
from typing import Any

import mujoco
import native
import numpy as np
import pytest

from soleus.errors import UserError
from soleus.sim.buffers import Buffers
from soleus.sim.simulation import Simulation

FALLING = """model: myolegs
task: {base: walk, initial_noise: 0, pushes: {force: 120, every: 0.1, side: SIDE, most: 1}, termination: {fall: null}}
control: {mode: torque}
"""
AHEAD = {"front": (-1, 0), "back": (1, 0), "left": (0, -1), "right": (0, 1)}


def stepped(made: Simulation, steps: int) -> dict[str, np.ndarray]:
    """What there was to see after each control step, (steps, N, ...), and whether an episode ended in it."""
    buffers = Buffers(made, 1, samples=made.muscle_spec is not None)
    made.reset(7, buffers["observations"][-1:][0])
    seen: dict[str, list[Any]] = {name: [] for name in ("push", "com_velocity", "root_velocity", "done", "state")}
    for _ in range(steps):
        buffers["observations"][0] = buffers["observations"][-1]
        buffers.run(made, with_policy=True)
        for name in ("push", "com_velocity", "root_velocity"):
            seen[name].append(made.look(name))
        seen["done"].append(buffers.done[-1].copy())
        seen["state"].append(made.save())
    return {name: np.array(values) for name, values in seen.items()}


@pytest.mark.parametrize("side", AHEAD)
def test_a_push_changes_momentum_by_force_times_time(side: str, tmp_path: Path) -> None:
    """Of somebody who falls from high above the ground and faces along x: nothing else acts along the ground."""
    preset = tmp_path / "falling.yaml"
    preset.write_text(FALLING.replace("SIDE", side))
    made = native.simulation(native.scenario(str(preset)), humans=3)
    model, buffers = made.scenario.human.model, Buffers(made, 1, samples=False)
    made.reset(7, buffers["observations"][0])
    states, data = made.save(), mujoco.MjData(model)
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
    for state in states:
        mujoco.mj_setState(model, data, state[:size], mujoco.mjtState.mjSTATE_INTEGRATION)
        data.qpos[2] += 30
        mujoco.mj_getState(model, data, state[:size], mujoco.mjtState.mjSTATE_INTEGRATION)
    made.restore(states)
    momentum = [np.zeros((3, 2))]
    for _ in range(12):
        buffers["actions"][:] = 0
        buffers.run(made, with_policy=False)
        assert not buffers.done.any()
        momentum.append(made.scenario.human.mass * made.look("com_velocity")[:, :2])
    expected = np.zeros((12, 3, 2))
    expected[3:9] = 120 / 30 * np.array(AHEAD[side])  # begun 0.1 s into the episode, in six of 30 steps a second
    # An integration in steps keeps the momentum of a body that moves its limbs up to about a hundredth.
    assert np.diff(momentum, axis=0) == pytest.approx(expected, abs=0.1)
    assert momentum[-1] == pytest.approx(np.tile(0.2 * 120 * np.array(AHEAD[side]), (3, 1)), abs=0.25)


def test_pushes_are_as_strong_as_long_and_as_far_apart_as_they_are_to_be() -> None:
    made = native.simulation(native.scenario("walk-myolegs", **_dotted(native.PUSHES)), humans=40)
    seen = stepped(made, 60)
    strength = np.linalg.norm(seen["push"], axis=2)
    assert (seen["push"][:, :, 2] == 0).all()
    on = strength > 0
    assert (strength[on] > 50).all()
    assert (strength[on] < 150).all()
    first = on.argmax(0)
    whole = [k for k in range(40) if not seen["done"][: first[k] + 4, k].any()]
    assert len(whole) > 20
    assert {int(first[k]) for k in whole} == {3, 4, 5, 6}, "0.1 to 0.2 s after the beginning, of 30 steps a second"
    for k in whole:
        assert on[first[k] : first[k] + 4, k].tolist() == [True, True, True, False]
        assert np.ptp(seen["push"][first[k] : first[k] + 3, k], axis=0) == pytest.approx([0, 0, 0])
    angles = [np.arctan2(*seen["push"][first[k], k, 1::-1]) for k in whole]
    assert {int(angle // (np.pi / 2)) for angle in angles} == {-2, -1, 0, 1}, "any direction"


def test_the_force_is_where_mujoco_looks_for_it() -> None:
    """In the state that is saved, on the root; and nowhere else."""
    made = native.simulation(native.scenario(**_dotted(native.PUSHES)), humans=5)
    seen = stepped(made, 6)
    model, root = made.scenario.human.model, made.scenario.human.root_body
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
    data, pushed = mujoco.MjData(model), 0
    for states, forces in zip(seen["state"], seen["push"], strict=True):
        for state, force in zip(states, forces, strict=True):
            mujoco.mj_setState(model, data, state[:size], mujoco.mjtState.mjSTATE_INTEGRATION)
            np.testing.assert_array_equal(data.xfrc_applied[root, :3], force)
            assert not np.delete(data.xfrc_applied, root, axis=0).any()
            assert force[1] == 0, "a planar human is pushed in its plane"
            pushed += bool(force.any())
    assert pushed > 3


def test_nobody_is_pushed_who_is_not_to_be() -> None:
    plain = native.simulation(native.scenario(), humans=2)
    assert not stepped(plain, 4)["push"].any()
    later = native.simulation(native.scenario(**_dotted({"task.pushes": {"force": 100, "every": [5, 6]}})), humans=2)
    native.assert_same_bits(native.rollout(plain, 8), native.rollout(later, 8))


def test_a_planar_human_has_no_sides() -> None:
    given = {"task.pushes": {"force": 100, "side": "left"}}
    with pytest.raises(UserError, match="expected pushes from front, back or any side for a planar human, got left"):
        native.simulation(native.scenario(**_dotted(given)))


def _dotted(overrides: dict[str, Any]) -> dict[str, Any]:
    return {key.replace(".", "__"): value for key, value in overrides.items()}
