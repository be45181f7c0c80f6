"""The Gymnasium face: its contract with Gymnasium, and its messages."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import soleus
from soleus.envs import make_vec
from soleus.errors import UserError


@pytest.fixture(scope="module")
def env():
    return make_vec("walk2d", num_envs=6, num_threads=2, seed=3)


def test_one_human_passes_gymnasiums_checker():
    made = gymnasium.make("soleus/walk2d-v0")
    check_env(made.unwrapped, skip_render_check=True)


def test_vector_environment(env):
    assert isinstance(env, gymnasium.vector.VectorEnv)
    observations, _ = env.reset(seed=3)
    assert observations.dtype == np.float32
    assert observations.shape == env.observation_space.shape == (6, env.single_observation_space.shape[0])
    ended = 0
    for _ in range(60):
        actions = env.action_space.sample()
        observations, rewards, terminated, truncated, info = env.step(actions)
        assert env.observation_space.contains(observations)
        assert (rewards.shape, terminated.shape, truncated.shape) == ((6,),) * 3
        assert (rewards.dtype, terminated.dtype) == (np.float32, np.bool_)
        for i in np.flatnonzero(terminated | truncated):
            ended += 1
            assert info["_final_obs"][i]
            assert not np.array_equal(info["final_obs"][i], observations[i])
            assert info["final_info"]["length_s"][i] > 0
    assert ended


def test_works_under_gymnasiums_wrappers():
    from gymnasium.wrappers.vector import RecordEpisodeStatistics

    made = RecordEpisodeStatistics(make_vec("walk2d", num_envs=3, num_threads=1, seed=0))
    made.reset(seed=0)
    for _ in range(40):
        made.step(made.action_space.sample())
    assert made.episode_count > 0


def test_same_seed_same_episode(env):
    first = env.reset(seed=11)[0].copy()
    other = env.reset(seed=12)[0].copy()
    again = env.reset(seed=11)[0].copy()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_arrays_are_views_of_the_cores_buffers(env):
    env.reset(seed=0)
    actions = np.zeros(env.action_space.shape, np.float32)
    first = env.step(actions)[0]
    second = env.step(actions)[0]
    assert np.shares_memory(first, second)


def test_make_vec_is_at_the_top():
    assert soleus.make_vec is make_vec


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a: a[:, :2], r"expected shape \(6, 6\), got \(6, 2\)"),
        (lambda a: a.astype(np.float64), "expected a float32 array, got float64"),
        (lambda a: a.tolist(), "expected a float32 array, got list"),
        (lambda a: np.where(np.arange(6)[:, None] == 4, np.nan, a).astype(np.float32), "finite .* human 4"),
    ],
)
def test_bad_actions(env, spoil, message):
    env.reset(seed=0)
    before = env.simulation.save()
    with pytest.raises(UserError, match=message):
        env.step(spoil(np.zeros((6, 6), np.float32)))
    np.testing.assert_array_equal(before, env.simulation.save())


def test_no_humans():
    with pytest.raises(UserError, match="num_envs: expected at least 1, got 0"):
        make_vec("walk2d", num_envs=0)


def test_more_threads_than_cpus(capsys):
    make_vec("walk2d", num_envs=2, num_threads=4096)
    assert "4096 threads asked for" in capsys.readouterr().err


PUPPET = """
<mujoco><worldbody><geom type="plane" size="1 1 1"/>
  <body name="pelvis" pos="0 0 1"><freejoint/><geom size=".1"/>
    <site name="a_r" pos=".05 -.1 0"/><site name="a_l" pos=".05 .1 0"/>
    <body name="calcn_r" pos="0 -.1 -.5"><joint name="hip_flexion_r" axis="0 1 0"/><geom size=".05"/>
      <site name="b_r" pos=".05 0 .1"/></body>
    <body name="calcn_l" pos="0 .1 -.5"><joint name="hip_flexion_l" axis="0 1 0"/><geom size=".05"/>
      <site name="b_l" pos=".05 0 .1"/></body>
    <body name="head" pos="0 0 .6"><geom size=".1"/></body></body></worldbody>
  {muscles}
</mujoco>"""
MUSCLES = """
  <tendon><spatial name="flexor_r"><site site="a_r"/><site site="b_r"/></spatial>
          <spatial name="flexor_l"><site site="a_l"/><site site="b_l"/></spatial></tendon>
  <actuator><muscle name="flexor_r" tendon="flexor_r" force="500" lengthrange=".2 .6"/>
            <muscle name="flexor_l" tendon="flexor_l" force="500" lengthrange=".2 .6"/></actuator>"""


def _file(folder, muscles):
    file = folder / "puppet.xml"
    file.write_text(PUPPET.format(muscles=muscles))
    return {"model": str(file), "motion": None, "task": "walk"}


@pytest.mark.parametrize("mode", ["muscle", "excitation", "torque"])
def test_a_users_own_model(tmp_path, mode):
    made = make_vec("walk2d", num_envs=4, num_threads=1, overrides={**_file(tmp_path, MUSCLES), "control.mode": mode})
    made.reset(seed=0)
    for _ in range(10):
        observations, rewards, *_ = made.step(made.action_space.sample())
        assert np.isfinite(observations).all()
        assert np.isfinite(rewards).all()


def test_model_without_muscles(tmp_path):
    with pytest.raises(UserError, match="expected torque for a model without muscles, got 'muscle'"):
        make_vec("walk2d", overrides=_file(tmp_path, ""))


def test_mirror_needs_a_motion():
    with pytest.raises(UserError, match=r"policy\.mirror: expected a motion"):
        make_vec("walk2d", overrides={"motion": None, "task": "walk", "policy.mirror": True})


def test_unknown_term():
    with pytest.raises(UserError, match=r"unknown term 'poze'.*pose"):
        make_vec("walk2d", overrides={"task.reward.terms.poze.weight": 1.0})


def test_a_diverged_human_is_named(env, capsys):
    env.reset(seed=0)
    states = env.simulation.save()
    states[3, 1 + env.simulation.body.human.model.nq] = np.inf
    env.simulation.restore(states)
    *_, terminated, _, info = env.step(np.zeros(env.action_space.shape, np.float32))
    assert terminated[3]
    assert info["final_info"]["diverged"].tolist() == [False, False, False, True, False, False]
    assert "human 3 diverged" in capsys.readouterr().err


def test_gravity_points_down(tmp_path):
    overrides = _file(tmp_path, MUSCLES)
    file = tmp_path / "puppet.xml"
    file.write_text(file.read_text().replace("<mujoco>", '<mujoco><option gravity="0 0 0"/>'))
    with pytest.raises(UserError, match="expected gravity along -z"):
        make_vec("walk2d", overrides=overrides)


def test_products_take_no_negative_weights():
    overrides = {"task.reward.combine": "product", "task.reward.terms.pose.weight": -1.0}
    with pytest.raises(UserError, match="expected weights of 0 or more in a product"):
        make_vec("walk2d", overrides=overrides)
