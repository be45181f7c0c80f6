"""Groups of every kind hold to the same contract, whatever way the environments below restart."""

import sys
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import counting_env
from groups import steps
from soleus.config import EnvironmentConfig
from soleus.environments import Group, make_group, make_vector_group
from soleus.environments.gym import GymGroup
from soleus.environments.layers import StackedGroup, TerminatingGroup
from soleus.environments.vector import VectorGroup
from soleus.errors import UserError


def counting(mode: AutoresetMode, kind: Any = SyncVectorEnv) -> Callable[..., Group]:
    def make(**options: Any) -> Group:
        env = kind([lambda: counting_env.Counting(**options)] * 2, autoreset_mode=mode)
        return VectorGroup(env, "counting")

    return make


def gym_group(**options: Any) -> Group:
    return GymGroup([lambda: counting_env.Counting(**options)] * 2, "counting")


GROUPS = {
    "gym": gym_group,
    "same step": counting(AutoresetMode.SAME_STEP),
    "disabled": counting(AutoresetMode.DISABLED),
    "async": counting(AutoresetMode.SAME_STEP, AsyncVectorEnv),
}


@pytest.mark.parametrize("make", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("late", [False, True])
def test_an_episode_that_ends_starts_anew_in_the_same_step(make: Callable[..., Group], late: bool) -> None:
    group = make(length=3, late=late)
    try:
        taken = steps(group, 7)
    finally:
        group.close()
    assert [row.observations[0, 0] for row in taken] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert [row.rewards[1] for row in taken[1:]] == [1, 2, 3, 1, 2, 3, 1]
    ended = [3, 6]
    for t, row in enumerate(taken[1:], start=1):
        assert row.valid.tolist() == [1, 1]
        assert row.terminated.tolist() == [t in ended and not late] * 2
        assert row.truncated.tolist() == [t in ended and late] * 2
        assert row.final_observations[:, 0].tolist() == ([3, 3] if t in ended else [77, 77])


def test_a_step_that_only_starts_anew_is_not_valid() -> None:
    group = counting(AutoresetMode.NEXT_STEP)(length=3)
    taken = steps(group, 7)
    assert [row.observations[0, 0] for row in taken] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert [row.valid[0] for row in taken[1:]] == [1, 1, 1, 0, 1, 1, 1]
    assert taken[3].final_observations[:, 0].tolist() == [3, 3]
    assert not taken[4].terminated.any()


@pytest.mark.parametrize("make", [gym_group, counting(AutoresetMode.NEXT_STEP)], ids=["same step", "next step"])
def test_frames_are_stacked_within_an_episode(make: Callable[..., Group]) -> None:
    group = StackedGroup(make(length=3), 3)
    assert group.observation.shape == (6,)
    taken = steps(group, 5)
    shown = [row.observations[0, ::2].tolist() for row in taken if row is taken[0] or row.valid[0] or True]
    if make is gym_group:
        assert shown == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [0, 0, 0], [0, 0, 1], [0, 1, 2]]
        assert taken[3].final_observations[0, ::2].tolist() == [1, 2, 3]
    else:
        assert shown[:3] == [[0, 0, 0], [0, 0, 1], [0, 1, 2]]
        assert shown[4:] == [[0, 0, 0], [0, 0, 1]]
        assert taken[3].final_observations[0, ::2].tolist() == [1, 2, 3]


def test_a_time_limit_may_be_part_of_the_game() -> None:
    taken = steps(TerminatingGroup(gym_group(length=3, late=True)), 4)
    assert [row.terminated[0] for row in taken[1:]] == [0, 0, 1, 0]
    assert not any(row.truncated.any() for row in taken[1:])


def test_layers_pass_on_which_environment_is_at_work() -> None:
    group, place = StackedGroup(TerminatingGroup(gym_group(length=3)), 2), np.full(1, 7, np.int64)
    group.watch(place)
    steps(group, 1)
    assert place.tolist() == [1]


def test_images_are_stacked_in_their_channels() -> None:
    group = StackedGroup(gym_group(length=9, seen="image"), 2)
    assert group.observation.shape == (40, 40, 6)
    assert steps(group, 2)[2].observations[1, 5, 5].tolist() == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("env", ["gymnasium:CartPole-v1", "gymnasium:Pendulum-v1"])
def test_a_group_repeats_by_its_seed_whoever_holds_the_environments(env: str) -> None:
    config = EnvironmentConfig(id=env)
    whole = steps(make_group(config, 4), 3)[0].observations
    again = steps(make_group(config, 4), 3)[0].observations
    np.testing.assert_array_equal(whole, again)
    parts = [steps(make_group(config, 2, first=first), 3)[0].observations for first in (0, 2)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert len({row.tobytes() for row in whole}) == 4
    assert not np.array_equal(whole, steps(make_group(config, 4), 3, seed=4)[0].observations)


def test_wrappers_are_put_on_from_the_inside() -> None:
    config = EnvironmentConfig(
        id="gymnasium:CartPole-v1",
        wrappers=[{"TimeLimit": {"max_episode_steps": 4}}, "gymnasium.wrappers:FlattenObservation"],  # type: ignore[arg-type]
    )
    assert steps(make_group(config, 2), 4)[4].truncated.tolist() == [1, 1]


def test_a_package_before_the_id_is_imported() -> None:
    config = EnvironmentConfig(id="gymnasium:counting_env:Counting-v0", options={"length": 2})
    assert steps(make_group(config, 3), 2)[2].terminated.tolist() == [1, 1, 1]


def test_the_extra_that_an_environment_of_gymnasium_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio", None)
    for name in [name for name in sys.modules if name.startswith("gymnasium.envs.mujoco")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UserError, match=r"imageio.*: pip install 'soleus\[environments\]'$"):
        make_group(EnvironmentConfig(id="gymnasium:HalfCheetah-v5"), 1)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("CartPole-v1", "env.id: expected gymnasium:ID, envpool:ID, procgen:ID, got 'CartPole-v1'"),
        ("gymnasium:", "env.id: expected gymnasium:ID, envpool:ID, procgen:ID, got 'gymnasium:'"),
        ("gymnasum:X", r"env.id: expected .*, got 'gymnasum:X' \(did you mean 'gymnasium'\?\)"),
        ("gymnasium:NoSuch-v0", "env.id: expected an environment that can be made, but gymnasium:NoSuch-v0: NameNotF"),
        ("gymnasium:nosuchpackage:X-v0", "env.id: .* but gymnasium:nosuchpackage:X-v0: ModuleNotFoundError"),
        ({"id": "gymnasium:CartPole-v1", "options": {"lenght": 3}}, "env.id: .*unexpected keyword argument 'lenght'"),
        (
            {"id": "gymnasium:CartPole-v1", "wrappers": ["NoSuch"]},
            "env.wrappers: expected module:Class, or a class of gymnasium.wrappers, got 'NoSuch'",
        ),
        ({"id": "procgen:coinrun", "wrappers": ["TimeLimit"]}, "env.wrappers: expected none for procgen, whose env"),
        ("procgen:coinrum", r"env.id: unknown Procgen game 'coinrum' \(did you mean 'coinrun'\?\)"),
        (
            {"id": "procgen:coinrun", "options": {"distribution_mode": "eazy"}},
            "env.options.distribution_mode: expected one of easy, hard, exploration, got 'eazy'",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_made_is_one_line(env: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        make_group(EnvironmentConfig.model_validate(env), 1)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_vector_groups_are_made_by_name(vectorization: str) -> None:
    config = EnvironmentConfig(id="gymnasium:CartPole-v1", frame_stack=2)
    group = make_vector_group(config, 3, vectorization, 1)
    try:
        taken = steps(group, 60)
    finally:
        group.close()
    assert taken[0].observations.shape == (3, 8)
    assert sum(row.terminated.sum() for row in taken[1:]) > 3


def test_an_unknown_autoreset_mode_is_refused() -> None:
    env = SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")])
    env.metadata = {"autoreset_mode": "never"}
    with pytest.raises(UserError, match="expected a known autoreset_mode"):
        VectorGroup(env, "x")
