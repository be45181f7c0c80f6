"""Where episodes begin: on the reference, with coupled joints where their drivers put them and muscles already held."""

import itertools

import mujoco
import numpy as np
import pytest
from native import scenario, simulation

from soleus import _core
from soleus.bench.parts import random_state
from soleus.errors import UserError
from soleus.evaluation.humans import evaluate
from soleus.exchange import weights as networks
from soleus.exchange.weights import policy_tensors
from soleus.sim.buffers import Buffers


@pytest.mark.parametrize("preset", ["walk2d", "walk-myolegs"])
def test_starts_on_the_reference(preset):
    made = simulation(scenario(preset), humans=20)
    buffers = Buffers(made, 1, samples=False)
    made.core.reset(0, buffers["observations"][0])
    human, motion = made.scenario.human, made.scenario.motion
    qpos = made.qpos()
    np.testing.assert_allclose(qpos, human.consistent(qpos), atol=1e-12)
    adr = human.model.jnt_qposadr[human.model.dof_jntid[human.coordinate_dof[human.actuated]]]
    distance = np.abs(qpos[:, None, adr] - motion.qpos[None][:, :, adr]).max(-1).min(-1)
    assert distance.max() < 0.04, "every start is a pose of the cycle"
    size = mujoco.mj_stateSize(human.model, mujoco.mjtState.mjSTATE_INTEGRATION)
    activation = made.save()[:, -len(human.muscle_names) :]
    assert made.save().shape[1] > size
    assert activation.max() > 0.05
    assert activation.min() >= 0
    assert activation.max() <= 1


def test_starts_at_rest_with_noise():
    overrides = {"task__initial": "rest", "task__initial_noise": 0.02}
    made = simulation(scenario(**overrides), humans=200)
    buffers = Buffers(made, 1, samples=False)
    made.core.reset(0, buffers["observations"][0])
    human = made.scenario.human
    adr = human.model.jnt_qposadr[human.model.dof_jntid[human.coordinate_dof[human.actuated]]]
    offset = made.qpos()[:, adr] - human.qpos_rest[adr]
    assert abs(offset.mean()) < 0.003
    assert abs(offset.std() - 0.02) < 0.003


def test_old_weights_stay():
    """A state that does not fit is refused by name, and the rollout goes on as if it had never come."""
    made = simulation(scenario(coordination__method="network"), humans=3)
    policy = random_state(policy_tensors(made.policy_spec), 5)
    muscle = random_state(made.muscle_spec.tensors(), 5)

    def first_step():
        buffers = Buffers(made, 1, samples=True)
        made.core.reset(0, buffers["observations"][0])
        buffers.run(made, with_policy=True)
        return buffers["observations"][1].copy()

    before = first_step()
    missing = {key: value for key, value in policy.items() if key != "log_std"}
    misshapen = {**policy, "net.0.weight": policy["net.0.weight"][:, :-1]}
    for state, message in (
        (missing, "'log_std' .* missing"),
        ({**policy, "net.9.bias": policy["log_std"]}, r"unexpected tensor 'net\.9\.bias'"),
        (misshapen, r"'net.0.weight' of shape \(128, 66\), got \(128, 65\)"),
        ({**policy, "log_std": policy["log_std"] * np.nan}, "finite values in tensor 'log_std'"),
    ):
        with pytest.raises(UserError, match=message):
            made.load_policy(state)
    with pytest.raises(UserError, match=r"muscle network: .*'0.weight'.* missing"):
        made.load_muscle({key: value for key, value in muscle.items() if key != "0.weight"})
    np.testing.assert_array_equal(before, first_step())
    made.load_policy(policy)
    assert not np.array_equal(before, first_step())


def test_the_core_takes_float32_alone():
    """Weights of another dtype are refused: a converted copy would be gone before it is read."""
    made = simulation(scenario(), humans=2)
    sizes = made.policy_spec.sizes
    layers = [(np.zeros((b, a)), np.zeros(b), "tanh") for a, b in itertools.pairwise(sizes)]
    vectors = [np.ones(n, np.float32) for n in (sizes[0], sizes[0], sizes[-1])]
    with pytest.raises(ValueError, match="expected a C-contiguous float32 array of 2 dimensions"):
        made.core.load_policy(layers, *vectors)


@pytest.mark.parametrize(("seconds", "steps"), [(0.15, 4), (0.75, 22), (2.75, 82), (10.0, 300)])
def test_episodes_last_as_long_in_evaluation_as_in_the_core(seconds, steps):
    loaded = scenario(task__episode_seconds=seconds)
    made = simulation(loaded, humans=4)
    assert abs(made.core.episode_steps - seconds * 30) <= 0.5
    state = random_state(policy_tensors(made.policy_spec), 1)
    result = evaluate(loaded.config, state, None, episodes=4, seed=0, num_threads=1)
    assert 0 < result["mean_length_s"] <= made.core.episode_steps / 30 + 1e-6
    assert made.core.episode_steps in (steps, steps + 1)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "7", True])
def test_bad_seeds(seed):
    with pytest.raises(UserError, match=r"seed: expected a whole number from 0 to 2\^63 - 1, got"):
        simulation(scenario(), humans=1, seed=seed)


def test_python_and_the_core_agree_on_constants():
    assert networks.OBSERVATION_CLIP == _core.OBSERVATION_CLIP
    assert networks.TORQUE_SCALE == _core.TORQUE_SCALE
    assert pytest.approx(_core.LEAKY_SLOPE) == networks.LEAKY_SLOPE


def test_starts_on_the_move():
    """The whole body, as fast along x as is said, at rest within itself."""
    for preset in ("walk2d", "run-free-myolegs"):
        overrides = {"task__initial": "rest", "task__initial_noise": 0.0, "task__initial_speed": [0.5, 1.5]}
        made = simulation(scenario(preset, **overrides), humans=200)
        made.core.reset(0, Buffers(made, 1, samples=False)["observations"][0])
        human, still = made.scenario.human, mujoco.MjData(made.scenario.human.model)
        speeds = np.zeros(200)
        for k, row in enumerate(made.save()):
            state = np.ascontiguousarray(row[: mujoco.mj_stateSize(human.model, mujoco.mjtState.mjSTATE_INTEGRATION)])
            mujoco.mj_setState(human.model, still, state, mujoco.mjtState.mjSTATE_INTEGRATION)
            mujoco.mj_forward(human.model, still)
            moving = np.zeros(6)
            for body in human.own_bodies:
                kind = mujoco.mjtObj.mjOBJ_BODY
                mujoco.mj_objectVelocity(human.model, still, kind, int(body), moving, 0)
                np.testing.assert_allclose(moving[[0, 1, 2, 4, 5]], 0, atol=1e-6)
                speeds[k] = moving[3]
        assert speeds.min() == pytest.approx(0.5, abs=0.03)
        assert speeds.max() == pytest.approx(1.5, abs=0.03)
