"""What is seen of a policy at work is what it did."""

import itertools

import mujoco
import numpy as np
import pytest

import hill_walker
from small_run import small_run
from soleus.config import load_config, load_human_config
from soleus.run.trained import load_trained
from soleus.sim.buffers import EPISODE_COLUMNS, Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation
from soleus.sim.trace import STATE, Playback, play


@pytest.fixture(scope="module")
def trained():
    return load_trained(small_run())


def test_the_last_row_of_a_trace_is_where_the_human_is(trained):
    playback = Playback(load_scenario(trained.human()), trained.policy, trained.muscle, num_envs=3, seed=5)
    for _ in range(4):
        step = playback.step()
        going = np.flatnonzero(~step.done)
        states = playback.simulation.save()[:, : playback.size]
        np.testing.assert_array_equal(step.trace[-1, going, : playback.size], states[going])
    assert step.trace.shape == (16, 3, playback.size + 2 * 18 + 1)
    activation, tension, power = np.split(step.trace[..., playback.size :], [18, 36], axis=-1)
    assert ((activation >= 0) & (activation <= 1)).all()
    assert (tension >= 0).all()
    assert (power > 0).all()


def test_looking_changes_nothing(trained):
    scenario = load_scenario(trained.human())
    seen, unseen = (Simulation(scenario, 2, 1, 3) for _ in range(2))
    rewards = []
    for made, trace in ((seen, True), (unseen, False)):
        made.load_policy(trained.policy)
        buffers = Buffers(made, 12, samples=False, trace=trace)
        made.reset(3, buffers["observations"][0])
        buffers.run(made, with_policy=True)
        rewards.append(buffers["rewards"].copy())
    np.testing.assert_array_equal(*rewards)


def test_humans_have_numbers_among_all_that_share_a_seed():
    scenario = load_scenario(load_config("walk2d"))
    everybody, last = Simulation(scenario, 6, 1, 3), Simulation(scenario, 2, 1, 3, first=4)
    first = []
    for made in (everybody, last):
        seen = np.zeros((made.core.humans, made.core.observation_size), np.float32)
        made.reset(3, seen)
        first.append(seen)
    np.testing.assert_array_equal(first[0][4:], first[1])


def test_episodes_are_whole_and_stand_on_the_ground(trained):
    played = play(trained.human(), trained.policy, trained.muscle, episodes=3, seconds=1.5, seed=2)
    assert len(played.traces) == 3
    missed, wanted = played.residual_sums
    assert 0 < missed < wanted
    for trace in played.traces:
        length = len(trace.times)
        assert length % 16 == 0
        assert length <= 1.5 * 480
        assert trace.qpos.shape == (length, trace.human.model.nq)
        assert np.abs(np.diff(trace.qpos, axis=0)).max() < 0.2, "without a break"
        assert trace.metabolic_w_kg > 0
        assert trace.ground_force[..., 2].min() >= 0, "the ground only pushes"
        assert trace.ground_force[..., 2].max() > 100


@pytest.mark.parametrize("mode", ["torque", "muscle", "hill"])
def test_ground_forces_carry_the_weight(mode, tmp_path):
    """Over a whole jump-free while, the mean vertical force is the weight, but for the change of momentum; by muscles
    that MuJoCo does not know, too.
    """
    trained = load_trained(small_run())
    overrides = {"control.engine": "lanes", "policy.mirror": False}
    if mode == "hill":
        overrides |= hill_walker.write(tmp_path)
    else:
        overrides["control.mode"] = mode
    config = load_human_config("test-walk2d-small", overrides)
    model = load_scenario(config).human.model
    played = play(config, trained.policy, None, episodes=4, seconds=2.0, seed=1)
    data = mujoco.MjData(model)
    for trace in played.traces:
        momenta = []
        for row in (0, -1):
            data.qpos[:], data.qvel[:] = trace.qpos[row], trace.qvel[row]
            mujoco.mj_forward(model, data)
            mujoco.mj_subtreeVel(model, data)
            momenta.append(data.subtree_linvel[1, 2] * trace.human.mass)
        time = trace.times[-1]
        expected = trace.human.mass * 9.81 + (momenta[1] - momenta[0]) / time
        feet = trace.ground_force[..., 2].sum(1).mean()
        assert feet == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
def test_muscles_pull_with_the_forces_that_mujoco_computes(trained, engine):
    """And the power that they take is about the mean of the episode, which is seen at control steps alone."""
    config = load_human_config("test-walk2d-small", {"control.engine": engine})
    playback = Playback(load_scenario(config), trained.policy, None, num_envs=3, seed=5)
    model, human = playback.simulation.stepped_model(), playback.human
    data, powers = mujoco.MjData(model), []
    while not (step := playback.step()).done.any():
        tension, power = np.split(step.trace[..., playback.size + 18 :], [18], axis=-1)
        powers.append(power[..., 0].copy())
        mujoco.mj_setState(model, data, np.ascontiguousarray(step.trace[7, 1, : playback.size]), STATE)
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(-data.actuator_force[human.muscle_actuator], tension[7, 1], rtol=1e-6, atol=1e-6)
    (first, *_) = np.flatnonzero(step.done)
    mean = playback.buffers["episodes"][0, first, EPISODE_COLUMNS.index("metabolic_w_kg")]
    assert np.concatenate(powers)[:, first].mean() / human.mass == pytest.approx(mean, rel=0.3)


def test_muscles_that_mujoco_does_not_know_pull_alike_on_both_engines(tmp_path):
    """Nearly: each engine solves the contacts in its own coordinates, and is asked for other activations by that."""
    trained, overrides = load_trained(small_run()), hill_walker.write(tmp_path)
    found = []
    for engine in ("lanes", "mujoco"):
        config = load_human_config("test-walk2d-small", {"control.engine": engine, "policy.mirror": False} | overrides)
        playback = Playback(load_scenario(config), trained.policy, None, num_envs=12, seed=5)
        found.append(playback.step().trace[0, :, playback.size + 18 : playback.size + 36])
    lanes, mujoco_ = found
    assert lanes.min() > 0
    assert np.corrcoef(lanes.ravel(), mujoco_.ravel())[0, 1] > 0.95
    assert np.median(np.abs(lanes / mujoco_ - 1)) < 0.03


def test_the_ground_presses_where_the_feet_are(trained):
    played = play(trained.human(), trained.policy, trained.muscle, episodes=2, seconds=0.6, seed=2)
    for trace in played.traces:
        human, data = trace.human, mujoco.MjData(trace.human.model)
        pressing = trace.ground_force[..., 2] > 0
        assert pressing.any()
        np.testing.assert_array_equal(np.isfinite(trace.pressure).all(-1), pressing)
        np.testing.assert_array_equal(trace.ground_moment[~pressing], 0)
        for t in range(0, len(trace.qpos), 16):
            data.qpos[:] = trace.qpos[t]
            mujoco.mj_kinematics(human.model, data)
            for side in np.flatnonzero(pressing[t]):
                away = trace.pressure[t, side] - data.xpos[human.feet[side]]
                assert np.linalg.norm(away, axis=1).min() < 0.3
                assert trace.pressure[t, side, 2] == pytest.approx(0, abs=0.02)
        # All contacts are in one plane: there is no moment about an axis in it, but for how deep they are.
        assert np.abs(trace.ground_moment[..., :2]).max() < 0.02 * np.abs(trace.ground_force).max()


def test_a_push_is_a_force_on_a_body(trained):
    playback = Playback(load_scenario(trained.human()), trained.policy, trained.muscle)
    playback.push(playback.human.root_body, np.array([50.0, 0.0, 0.0]))
    data = mujoco.MjData(playback.human.model)
    mujoco.mj_setState(playback.human.model, data, playback.simulation.save()[0, : playback.size], STATE)
    np.testing.assert_array_equal(data.xfrc_applied[playback.human.root_body, :3], [50, 0, 0])


def test_residuals_are_of_the_episodes_that_are_seen(trained):
    """Who has fallen restarts in the same simulation; that is no part of it."""
    together = play(trained.human(), trained.policy, None, episodes=3, seconds=3.0, seed=4)
    lengths = [len(trace.times) for trace in together.traces]
    assert len(set(lengths)) > 1, "the test wants people who fall at different times"
    scenario = load_scenario(trained.human())
    playback = Playback(scenario, trained.policy, None, num_envs=3, seed=4)
    sums, left = np.zeros(3), np.array(lengths) // 16
    while left.any():
        playback.step()
        sums += playback.buffers["residual_sums"][left > 0].sum(0)
        left = np.maximum(left - 1, 0)
    np.testing.assert_allclose(together.residual_sums, sums[:2], rtol=1e-12)


def test_after_a_divergence_a_trace_holds_no_earlier_state(trained):
    """What is not finite is left out by whoever reads a trace: an old state would be spliced in as if it were new."""
    playback = Playback(load_scenario(trained.human()), trained.policy, trained.muscle, num_envs=2)
    calm = playback.step().trace.copy()
    assert np.isfinite(calm).all()
    playback.push(playback.human.root_body, np.array([1e9, 0.0, 0.0]))
    step = playback.step()
    assert step.done.all()
    assert playback.buffers["diverged"].all()
    there = np.isfinite(step.trace).all(2)
    for human in range(2):
        length = int(there[:, human].sum())
        assert length < len(there), "the push is huge"
        assert there[:length, human].all(), "there is nothing behind the last state"
    shared = [np.array_equal(a, b, equal_nan=True) for a, b in zip(calm, step.trace, strict=True)]
    assert not any(shared)
    again = playback.step()
    assert np.isfinite(again.trace[0]).all(), "it goes on from a fresh start"


def test_a_human_that_diverges_at_once_leaves_an_empty_trace(trained):
    scenario = load_scenario(trained.human())
    buffers = Buffers(made := Simulation(scenario, 1, 1, 3), 2, samples=False, trace=True)
    made.load_policy(trained.policy)
    made.reset(3, buffers["observations"][0])
    states = made.save()
    states[0, 1 + scenario.human.model.nq] = np.nan
    made.restore(states)
    buffers.run(made, with_policy=True)
    assert np.isnan(buffers["trace"][:16]).all()
    assert np.isfinite(buffers["trace"][16:]).all()


def test_one_that_diverges_ends_its_own_episode_and_no_other(trained, monkeypatch):
    def played():
        return play(trained.human(), trained.policy, trained.muscle, episodes=3, seconds=0.5, seed=2)

    calm, step, numbers = played(), Playback.step, itertools.count()

    def spoil(playback):
        if next(numbers) == 3:
            states = playback.simulation.save()
            states[1, 1 + playback.human.model.nq] = np.nan  # a velocity of the second
            playback.simulation.restore(states)
        return step(playback)

    monkeypatch.setattr(Playback, "step", spoil)
    upset = played()
    assert len(calm.traces[1].times) > 3 * 16
    assert len(upset.traces[1].times) == 3 * 16, "its trace ends where the last finite state is"
    for name in ("qpos", "qvel", "activation", "ground_force"):
        np.testing.assert_array_equal(getattr(upset.traces[1], name), getattr(calm.traces[1], name)[: 3 * 16])
        for other in (0, 2):
            np.testing.assert_array_equal(getattr(upset.traces[other], name), getattr(calm.traces[other], name))
    assert [upset.traces[other].metabolic_w_kg for other in (0, 2)] == [
        calm.traces[other].metabolic_w_kg for other in (0, 2)
    ]
    assert np.isfinite([*upset.residual_sums, upset.traces[1].metabolic_w_kg]).all()
    assert 0 < upset.residual_sums[0] < upset.residual_sums[1]
