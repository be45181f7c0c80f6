"""Environments held to their word, and kept from one another's folders."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from groups import steps
from soleus.environments.base import Broken
from soleus.environments.checked import Checked, Laconic
from soleus.environments.folder import Home
from soleus.environments.gym import GymGroup
from soleus.environments.vector import VectorGroup
from soleus.errors import UserError


class Plain(gymnasium.Env[Any, Any]):
    """Gives what it is told to, from its third step on."""

    def __init__(self, **gives: Any) -> None:
        self.observation_space: Any = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space: Any = spaces.Discrete(2)
        self.gives, self.count = gives, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self.gives.get("reset", (np.zeros(2, np.float32), {}))

    def step(self, action: Any) -> Any:
        self.count += 1
        gives = self.gives if self.count > 2 else {}
        if "step" in gives:
            return gives["step"]
        names = ("seen", "reward", "terminated", "truncated", "info")
        usual = {"seen": np.zeros(2, np.float32), "reward": 1.0, "terminated": False, "truncated": False, "info": {}}
        return tuple(gives.get(name, usual[name]) for name in names)


RANGE = r"expected finite rewards of -3.4028e\+38 to 3.4028e\+38, which float32 holds"


def group_of(*envs: gymnasium.Env[Any, Any], first: int = 0) -> GymGroup:
    return GymGroup([lambda env=env: env for env in envs], "plain", first)  # type: ignore[misc]


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"seen": np.zeros(1, np.float32)}, r"expected observations of Box.*, got an array of shape \(1,\) and float32 of"),
    ({"seen": np.full(2, np.nan, np.float32)}, "expected finite observations, got nan of"),
    ({"seen": np.full(2, 1e300)}, "expected finite observations, got inf of"),
    ({"reward": np.ones(2)}, r"expected a reward that is one number, got an array of shape \(2,\) and float64 of"),
    ({"reward": None}, "expected a reward that is one number, got None of"),
    ({"reward": "1"}, "expected a reward that is one number, got '1' of"),
    ({"reward": 1j}, "expected a reward that is one number, got 1j of"),
    ({"reward": [[1], [1, 2]]}, "expected a reward that is one number, got .* of"),
    ({"reward": np.nan}, rf"{RANGE}, got nan of"),
    ({"reward": np.float32(np.inf)}, rf"{RANGE}, got inf of"),
    ({"reward": 1e300}, rf"{RANGE}, got 1e\+300 of"),
    ({"reward": -(10**400)}, rf"{RANGE}, got -1e\+400 or so of"),
    ({"reward": np.array([10**5000], object)}, rf"{RANGE}, got 1e\+5000 or so of"),
    ({"reward": np.array([None])}, r"expected a reward that is one number, got an array of shape \(1,\) and object of"),
    ({"terminated": 10**5000}, "expected terminated to be true or false, got a int of"),
    ({"terminated": "no"}, "expected terminated to be true or false, got 'no' of"),
    ({"truncated": None}, "expected truncated to be true or false, got None of"),
    ({"terminated": 2}, "expected terminated to be true or false, got 2 of"),
    (
        {"terminated": np.zeros(2, bool)},
        r"expected terminated to be true or false, got an array of shape \(2,\) and bool of",
    ),
    ({"info": None}, "expected info to be a dictionary, got None of"),
    ({"step": (np.zeros(2), 1.0, False, {})}, r"expected step\(\) to return .*, as Gymnasium does, got 4 values of"),
    ({"step": None}, r"expected step\(\) to return .*, got None of"),
    ({"reset": np.zeros(2)}, r"expected reset\(\) to return .*, got an array of shape \(2,\) and float64 of"),
    (
        {"reset": (0.0, 7.0)},
        r"expected reset\(\) to return \(observation, info\), as Gymnasium does, got \(0.0, 7.0\) of",
    ),
]


def gym_group(env: Plain) -> GymGroup:
    return group_of(Plain(), env, first=4)


def vector_group(env: Plain) -> VectorGroup:
    held = [lambda one=one, i=i: Laconic(lambda: one, "plain", 4 + i, Home()) for i, one in enumerate((Plain(), env))]
    return VectorGroup(SyncVectorEnv(held, autoreset_mode=AutoresetMode.SAME_STEP), "plain")  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [gym_group, vector_group])
@pytest.mark.parametrize(("gives", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_what_is_broken_is_said_of_the_environment(
    make: Callable[[Plain], Any], gives: dict[str, Any], said: str
) -> None:
    finite = "finite observations" in said  # which a group of vectors looks for, whose first environment is number 0
    number = 1 if make is vector_group and finite else 5
    with pytest.raises(Broken, match=f"^plain: {said} environment {number}$"):
        steps(make(Plain(**gives)), 4)


@pytest.mark.parametrize(
    "gives",
    [
        {"reward": np.ones(1)},
        {"reward": True},
        {"reward": np.float64(2)},
        {"terminated": np.bool_(True)},
        {"truncated": 1},
        {"terminated": np.array([True])},
        {"seen": [0.0, 0.0]},
    ],
    ids=str,
)
def test_what_loses_nothing_is_taken(gives: dict[str, Any]) -> None:
    taken = steps(group_of(Plain(**gives)), 4)
    assert taken[3].rewards[0] == float(np.asarray(gives.get("reward", 1.0)).item())
    assert taken[3].terminated[0] == ("terminated" in gives)
    assert taken[3].truncated[0] == ("truncated" in gives)


@pytest.mark.parametrize("wrapper", [gymnasium.wrappers.TimeLimit, gymnasium.wrappers.TimeAwareObservation])
def test_old_ways_are_named_below_wrappers_too(wrapper: Any) -> None:
    keywords = {"max_episode_steps": 9} if wrapper is gymnasium.wrappers.TimeLimit else {}

    def limited(**gives: Any) -> gymnasium.Env[Any, Any]:
        env = Plain(**gives)
        env.spec = gymnasium.envs.registration.EnvSpec("Plain-v0", max_episode_steps=9)
        return wrapper(env, **keywords)  # type: ignore[no-any-return]

    with pytest.raises(Broken, match=r"expected step\(\) to return .*, got 4 values of environment 0"):
        steps(group_of(limited(step=(np.zeros(2), 1.0, False, {}))), 4)
    with pytest.raises(Broken, match=r"expected reset\(\) to return"):
        steps(group_of(limited(reset=np.zeros(3, np.float32))), 4)


def test_values_that_do_not_unpack_in_the_environment_are_its_own_affair() -> None:
    class Own(Plain):
        def step(self, action: Any) -> Any:
            return tuple(one for one, _, _, _, _ in [(1, 2, 3, 4)])  # type: ignore[misc]

    with pytest.raises(ValueError, match="not enough values"):
        steps(group_of(Own()), 1)


def test_spaces_have_to_be_alike() -> None:
    other = Plain()
    other.observation_space = spaces.Box(-1, 1, (3,), np.float32)
    with pytest.raises(Broken, match=r"expected one observation_space of all .*\(2,\).* of environment 4 and .*\(3,\)"):
        group_of(Plain(), other, first=4)


def test_an_environment_without_spaces_or_of_another_library_is_one_line() -> None:
    bare = Plain()
    del bare.observation_space
    with pytest.raises(UserError, match=r"plain: expected observations of Box, .* got builtins.NoneType"):
        group_of(bare)
    with pytest.raises(UserError, match=r"plain: expected a gymnasium.Env, got builtins.object"):
        GymGroup([object], "plain")  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("space", "kind"),
    [
        (spaces.Box(-2, 2, (), np.float32), "continuous"),
        (spaces.Box(-2, 2, (2, 2), np.float64), "continuous"),
        (spaces.Box(0, 10, (2,), np.int64), "multidiscrete"),
        (spaces.Box(-3, 3, (), np.int8), "multidiscrete"),
        (spaces.Box(0, 1, (3,), np.bool_), "multibinary"),
    ],
    ids=str,
)
@pytest.mark.parametrize("vector", [False, True])
def test_actions_are_of_their_space_exactly(vector: bool, space: Any, kind: str) -> None:
    met = []

    class Acted(Plain):
        def step(self, action: Any) -> Any:
            met.append(action)
            return super().step(action)

    env, other = Acted(), Plain()
    env.action_space = other.action_space = space
    group: Any
    if vector:
        held = [lambda one=one: Laconic(lambda: one, "plain", 0, Home()) for one in (other, env)]
        group = VectorGroup(SyncVectorEnv(held, autoreset_mode=AutoresetMode.SAME_STEP), "plain")  # type: ignore
    else:
        group = group_of(other, env)
    assert group.action.kind == kind
    steps(group, 30)
    assert all(isinstance(action, np.ndarray) and space.contains(action) for action in met)
    assert len({np.asarray(action).tobytes() for action in met}) > 1


def test_each_environment_has_a_working_folder_of_its_own(tmp_path: Path) -> None:
    class There(Plain):
        """Changes to its folder when it is told to, and expects to find itself there."""

        def __init__(self, name: str, when: str) -> None:
            self.folder, self.when = tmp_path / name, when
            self.folder.mkdir()
            self.there = False
            super().__init__()
            self.go("init")

        def go(self, now: str) -> None:
            assert Path.cwd() == (self.folder if self.there else home)
            if now == self.when:
                os.chdir(self.folder)
                self.there = True

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.go("reset")
            return super().reset()

        def step(self, action: Any) -> Any:
            self.go("step")
            return super().step(action)

        def close(self) -> None:
            self.go("close")

    home = Path.cwd()
    for when in ("init", "reset", "step", "close"):
        group = GymGroup([lambda w=when: There(w, w), lambda w=when: There(f"{w}2", w), lambda: Plain()], "there")
        steps(group, 4)
        assert Path.cwd() == home
        group.close()
        assert Path.cwd() == home


def test_a_folder_that_was_removed_is_left(tmp_path: Path) -> None:
    class Gone(Plain):
        def step(self, action: Any) -> Any:
            (tmp_path / "gone").mkdir()
            os.chdir(tmp_path / "gone")
            (tmp_path / "gone").rmdir()
            return super().step(action)

    home = Path.cwd()
    steps(group_of(Gone()), 3)
    assert Path.cwd() == home


def test_a_script_that_changes_folder_between_steps_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = group_of(Plain())
    steps(group, 1)
    monkeypatch.chdir(tmp_path)
    steps(group, 1)
    assert Path.cwd() == tmp_path


def test_returns_are_as_the_environment_gives_them() -> None:
    """Whatever wrappers that normalise make of the rewards to learn from."""

    def made() -> gymnasium.Env[Any, Any]:
        return gymnasium.wrappers.NormalizeReward(gymnasium.wrappers.TimeLimit(Plain(), 4))

    held = [lambda: Laconic(made, "plain", 0, Home())]
    for group in (
        GymGroup([made], "plain"),
        VectorGroup(SyncVectorEnv(held, autoreset_mode=AutoresetMode.SAME_STEP), "plain"),  # type: ignore[arg-type]
    ):
        taken = steps(group, 9)
        ended = [row.ended[0] for row in taken if row.ended]
        assert [one.raw_return for one in ended] == [4.0, 4.0]
        assert all("raw_return" not in name for one in ended for name in one.info)
        assert taken[1].rewards[0] != 1.0


def test_checked_is_a_wrapper() -> None:
    assert isinstance(Checked(Plain, "plain", 0, Home()).unwrapped, Plain)
