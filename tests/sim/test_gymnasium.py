"""The Gymnasium face: its contract with Gymnasium, and its messages."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import soleus
from pictures import assert_shows_the_muscles
from soleus.errors import UserError
from soleus.render.camera import Camera
from soleus.render.stage import Stage
from soleus.sim.gymnasium import make_vec


@pytest.fixture(scope="module")
def env():
    return make_vec("walk2d", num_envs=6, num_threads=2, seed=3)


def test_one_human_passes_gymnasiums_checker():
    made = gymnasium.make("soleus/walk2d-v0")
    check_env(made.unwrapped, skip_render_check=True)


def test_what_is_registered_can_be_made():
    known = [name for name in gymnasium.registry if name.startswith("soleus/")]
    assert "soleus/walk-myolegs-v0" in known
    assert not [name for name in known if "cartpole" in name or "procgen" in name or "gymnasium" in name]
    native = gymnasium.make_vec("soleus/walk2d-v0", num_envs=2, vectorization_mode="vector_entry_point")
    assert isinstance(native, type(make_vec("walk2d")))
    assert native.num_envs == 2


def test_a_human_draws_itself():
    made = gymnasium.make("soleus/walk2d-v0", render_mode="rgb_array")
    made.reset(seed=0)
    made.action_space.seed(0)
    simulation = made.unwrapped._batch.simulation
    stage = Stage(simulation.scenario.human)
    camera = Camera(stage.human, stage.model, "side")
    pictures = []
    for _ in range(2):
        stage.pose(simulation.qpos()[0])
        camera.follow(stage.data)
        pictures.append(made.render())
        assert pictures[-1].shape == (480, 640, 3)
        assert pictures[-1].dtype == np.uint8
        assert_shows_the_muscles(pictures[-1], stage, camera)
        for _ in range(10):
            made.step(made.action_space.sample())
    assert not np.array_equal(*pictures)
    made.close()


def test_the_last_picture_of_an_episode_is_of_its_end() -> None:
    pictures = []
    for seconds in (0.2, 2.0):
        made = gymnasium.make("soleus/walk2d-v0", render_mode="rgb_array", overrides={"task.episode_seconds": seconds})
        made.reset(seed=0)
        ended = [made.step(np.zeros(made.action_space.shape, np.float32))[3] for _ in range(6)]
        assert ended == [False] * 5 + [seconds == 0.2]
        pictures.append(made.render())
        made.close()
    np.testing.assert_array_equal(*pictures, "as if the episode went on")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"render_mode": "rgb_array"}, "render_mode: expected none for many humans .*, got 'rgb_array'"),
        ({"num_threads": "2"}, "num_threads: expected a whole number of at least 1, got '2'"),
        ({"num_threads": 1.5}, "num_threads: expected a whole number of at least 1, got 1.5"),
        ({"num_threads": 0}, "num_threads: expected a whole number of at least 1, got 0"),
        ({"num_envs": "many"}, "num_envs: expected a whole number of at least 1, got 'many'"),
        ({"seed": ""}, "seed: expected a whole number from 0 to .*, got ''"),
        ({"overrides": ["ppo.epochs"]}, "overrides: expected values by dotted key, such as .*, got \\['ppo.epochs'\\]"),
        ({"overrides": {1: 2}}, "overrides: expected values by dotted key, such as .*, got {1: 2}"),
    ],
)
def test_what_make_vec_is_given(given, message):
    with pytest.raises(UserError, match=message):
        make_vec("walk2d", **given)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "1", True])
def test_a_seed_that_is_none(env, seed):
    said = "seed: expected a whole number from 0 to"
    with pytest.raises(UserError, match=said):
        env.reset(seed=seed)
    with pytest.raises(UserError, match=said):
        gymnasium.make("soleus/walk2d-v0").unwrapped.reset(seed=seed)


@pytest.mark.parametrize("given", [{}, {"render_mode": None}])
def test_who_does_not_ask_for_pictures_gets_none(given):
    made = gymnasium.make("soleus/walk2d-v0", **given).unwrapped
    made.reset(seed=0)
    with pytest.raises(
        UserError, match="render: expected render_mode rgb_array when the environment was made, got none"
    ):
        made.render()
    with pytest.raises(UserError, match="render_mode: expected rgb_array or none, got 'ascii'"):
        type(made)("walk2d", render_mode="ascii")


def test_one_human_takes_and_refuses_what_many_do():
    made = gymnasium.make("soleus/walk2d-v0").unwrapped
    with pytest.raises(UserError, match=r"step: expected reset\(\) first"):
        made.step(np.zeros(6))
    made.reset(seed=0)
    made.step(np.zeros(6))
    made.step([0] * 6)
    with pytest.raises(UserError, match="actions: expected finite values"):
        made.step(np.full(6, np.nan))
    with pytest.raises(UserError, match=r"actions: expected shape \(6,\), got \(1, 6\)"):
        made.step(np.zeros((1, 6)))
    with pytest.raises(UserError, match="reset: expected no options, got 'reset_mask'"):
        made.reset(options={"reset_mask": np.ones(1, bool)})


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
        (lambda a: a[0], r"expected shape \(6, 6\), got \(6,\)"),
        (lambda a: a.astype(complex), "expected numbers that fit float32, got complex128"),
        (lambda a: a.astype(str), "expected numbers that fit float32, got <U"),
        (lambda a: [[1], [1, 2]], "expected numbers, got a list that is no array"),
        (lambda a: None, "expected numbers that fit float32, got object"),
        (lambda a: a + np.inf, "finite .* human 0"),
        (lambda a: np.where(np.arange(6)[:, None] == 4, np.nan, a).astype(np.float32), "finite .* human 4"),
    ],
)
def test_bad_actions(env, spoil, message):
    env.reset(seed=0)
    before = env.simulation.save()
    with pytest.raises(UserError, match=message):
        env.step(spoil(np.zeros((6, 6), np.float32)))
    np.testing.assert_array_equal(before, env.simulation.save())


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int64, np.uint8, bool, list])
def test_actions_of_any_kind_of_number_are_taken(env, kind):
    seen = []
    for actions in (np.ones((6, 6), np.float32), np.ones((6, 6)).tolist() if kind is list else np.ones((6, 6), kind)):
        env.reset(seed=0)
        seen.append(env.step(actions)[0].copy())
    np.testing.assert_array_equal(*seen)


def test_masked_humans_alone_start_anew(env):
    env.reset(seed=3)
    zeros = np.zeros((6, 6), np.float32)
    for _ in range(3):
        seen = env.step(zeros)[0].copy()
    mask = np.array([True, False, False, True, False, False])
    restarted, _ = env.reset(options={"reset_mask": mask})
    np.testing.assert_array_equal(restarted[~mask], seen[~mask])
    assert (restarted[mask] != seen[mask]).any(1).all()
    goes_on = env.step(zeros)[0][~mask].copy()
    env.reset(seed=3)
    for _ in range(4):
        alone = env.step(zeros)[0]
    np.testing.assert_array_equal(goes_on, alone[~mask], "they walk on as if nothing had been")
    again = [env.reset(seed=5, options={"reset_mask": mask})[0][mask].copy() for _ in range(2)]
    np.testing.assert_array_equal(*again)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reset_mask": [True] * 6}, r"reset_mask: expected a bool array of shape \(6,\), got list"),
        ({"reset_mask": np.ones(5, bool)}, r"got bool of shape \(5,\)"),
        ({"reset_mask": np.ones(6, int)}, r"got int64 of shape \(6,\)"),
        ({"reset_mask": np.zeros(6, bool)}, "expected one human or more to restart, got none"),
        ({"reset_mask": np.ones(6, bool), "pose": 3}, "reset: expected no option but reset_mask, got 'pose'"),
        ("again", "reset: expected options as a dictionary, got str"),
    ],
)
def test_bad_options(env, options, message):
    env.reset(seed=0)
    before = env.simulation.save()
    with pytest.raises(UserError, match=message):
        env.reset(options=options)
    np.testing.assert_array_equal(before, env.simulation.save())


def test_nothing_goes_before_a_reset():
    fresh = make_vec("walk2d", num_envs=2, num_threads=1)
    with pytest.raises(UserError, match=r"step: expected reset\(\) first"):
        fresh.step(np.zeros((2, 6), np.float32))
    with pytest.raises(UserError, match=r"reset_mask: expected reset\(\) of all humans first"):
        fresh.reset(options={"reset_mask": np.ones(2, bool)})


@pytest.mark.parametrize("mode", ["next_step", "disabled"])
def test_other_modes_of_starting_anew_give_the_same_episodes(mode):
    """What SAME_STEP gives, with the last observation of an episode in a step of its own."""
    rng = np.random.default_rng(0)
    same, other = (make_vec("walk2d", 3, 1, seed=0, autoreset_mode=one) for one in ("same_step", mode))
    assert other.metadata["autoreset_mode"].name.lower() == mode
    np.testing.assert_array_equal(same.reset()[0], other.reset()[0])
    ends = 0
    for _ in range(40):
        actions = rng.uniform(-1, 1, (3, 6)).astype(np.float32)
        wanted, rewards, *flags, info = (np.array(x) if isinstance(x, np.ndarray) else x for x in same.step(actions))
        seen, got, *others, told = (np.array(x) if isinstance(x, np.ndarray) else x for x in other.step(actions))
        np.testing.assert_array_equal(rewards, got)
        np.testing.assert_array_equal(flags, others)
        done = flags[0] | flags[1]
        for i in np.flatnonzero(done):
            ends += 1
            np.testing.assert_array_equal(seen[i], info["final_obs"][i])
            assert told["return"][i] == info["final_info"]["return"][i]
        if not done.any():
            np.testing.assert_array_equal(seen, wanted)
            continue
        if mode == "disabled":
            with pytest.raises(UserError, match="step: expected reset"):
                other.step(actions)
            seen = other.reset(options={"reset_mask": done})[0]
        else:
            states = other.simulation.save()
            seen, got, *others, _ = other.step(actions)
            assert not np.any(np.array(others)[:, done])
            assert not got[done].any()
            other.simulation.restore(np.where(done[:, None], other.simulation.save(), states))
            other._buffers["observations"][1][~done] = wanted[~done]
            other._ended[:] = False  # whoever ended in the step that was taken back has not
        np.testing.assert_array_equal(seen[done], wanted[done])
    assert ends


def test_wrappers_of_observations_work_in_the_next_step():
    wrapped = gymnasium.wrappers.vector.NormalizeObservation(make_vec("walk2d", 2, 1, autoreset_mode="next_step"))
    wrapped = gymnasium.wrappers.vector.NormalizeReward(wrapped)
    wrapped.reset(seed=0)
    for _ in range(40):
        assert np.isfinite(wrapped.step(wrapped.action_space.sample())[0]).all()


def test_an_unknown_mode_is_one_line():
    expected = "autoreset_mode: expected one of next_step, same_step, disabled, got 'never'"
    with pytest.raises(UserError, match=expected):
        make_vec("walk2d", autoreset_mode="never")


def test_no_humans():
    with pytest.raises(UserError, match="num_envs: expected a whole number of at least 1, got 0"):
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


def test_unknown_term():
    with pytest.raises(UserError, match=r"unknown term 'poze'.*pose"):
        make_vec("walk2d", overrides={"task.reward.terms.poze.weight": 1.0})


def test_a_diverged_human_is_named(env, capsys):
    env.reset(seed=0)
    states = env.simulation.save()
    states[3, 1 + env.simulation.scenario.human.model.nq] = np.inf
    env.simulation.restore(states)
    *_, terminated, _, info = env.step(np.zeros(env.action_space.shape, np.float32))
    assert terminated[3]
    assert info["final_info"]["diverged"].tolist() == [False, False, False, True, False, False]
    assert "human 3 diverged" in capsys.readouterr().err


def test_gravity_points_down(tmp_path):
    overrides = _file(tmp_path, MUSCLES)
    file = tmp_path / "puppet.xml"
    file.write_text(file.read_text().replace("<mujoco>", '<mujoco><option gravity="0 0 0"/>'))
    with pytest.raises(UserError, match="expected gravity down along z"):
        make_vec("walk2d", overrides=overrides)
    with pytest.raises(UserError, match="costs: expected always for a product, which has no costs, got held"):
        make_vec("walk2d", overrides={"task.reward.combine": "product", "task.reward.costs": "held"})


def test_who_steps_by_hand_has_the_rewards_of_an_evaluation():
    """costs: held is for those who learn in a run."""
    overrides = {"task.reward.costs": "held", "task.reward.terms.metabolic_cost": {"weight": -0.05}}
    held, always = (
        make_vec("walk2d", num_envs=2, num_threads=1, seed=0, overrides={**overrides, "task.reward.costs": costs})
        for costs in ("held", "always")
    )
    for env in (held, always):
        env.reset(seed=0)
    for _ in range(3):
        actions = np.zeros((2, held.single_action_space.shape[0]), np.float32)
        np.testing.assert_array_equal(held.step(actions)[1], always.step(actions)[1])


def test_products_take_no_negative_weights():
    overrides = {"task.reward.combine": "product", "task.reward.terms.pose.weight": -1.0}
    with pytest.raises(UserError, match="expected weights of 0 or more in a product"):
        make_vec("walk2d", overrides=overrides)
