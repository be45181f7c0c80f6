"""An environment held to its word: what it gives is compared with what it promised before anybody uses it."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from soleus.environments.base import Broken
from soleus.environments.bounds import LARGEST, REWARDS, shown_number
from soleus.environments.convert import action_spec, observation_spec
from soleus.environments.folder import Folder, Home, where
from soleus.environments.info import RAW_RETURN, numbers
from soleus.environments.promise import Unlike, promise, shown
from soleus.errors import UserError, described

Make = Callable[[], "gymnasium.Env[Any, Any]"]

_TOO_FEW, _TOO_MANY = "not enough values to unpack (expected 5, got 4)", "too many values to unpack (expected 2"


class _Tap(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Adds up the rewards of an episode below a wrapper that scales them."""

    def __init__(self, env: "gymnasium.Env[Any, Any]", check: Callable[[Any], float]) -> None:
        """check: returns a reward as a number, or raises Broken."""
        super().__init__(env)
        self._check = check
        self.total = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.total = 0.0
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> Any:
        result = self.env.step(action)
        if isinstance(result, tuple) and len(result) == 5:  # else whoever unpacks it says so
            self.total += self._check(result[1])
        return result


def layers(env: "gymnasium.Env[Any, Any]") -> list["gymnasium.Wrapper[Any, Any, Any, Any]"]:
    """Return the wrappers of an environment, the outermost first."""
    found = []
    while isinstance(env, gymnasium.Wrapper):
        found.append(env)
        env = env.env
    return found


def is_a(wrapper: Any, name: str) -> bool:
    """Whether a wrapper is of a class of this name, or of one built on it."""
    return any(kind.__name__ == name for kind in type(wrapper).__mro__)


def _tap(env: "gymnasium.Env[Any, Any]", check: Callable[[Any], float]) -> _Tap | None:
    """Put a tap below the innermost wrapper that scales rewards by statistics of its own, where there is one."""
    scaling = [one for one in layers(env) if is_a(one, "NormalizeReward")]
    if not scaling:
        return None
    tap = _Tap(scaling[-1].env, check)
    scaling[-1].env = tap
    return tap


class Checked(gymnasium.Wrapper[Any, Any, Any, Any]):
    """One environment; observations, rewards and ends come in their spaces' own types, or Broken says what came.

    A working folder that it changes to is its own. Where a wrapper scales rewards by statistics of its own, the last
    info of an episode has the return before that as RAW_RETURN.
    """

    def __init__(self, make: Make, name: str, number: int, home: Home, limit: int | None = None) -> None:
        """number: of the environment among all. limit: steps after which an episode is truncated, besides its own.

        Raises UserError for spaces that cannot be learnt with.
        """
        self.name, self.number = name, number
        self._limit, self._steps = limit or sys.maxsize, 0
        self._folder = Folder(home)
        with self._folder:
            env = make()
        if not isinstance(env, gymnasium.Env):
            raise UserError(f"{name}: expected a gymnasium.Env, got {type(env).__module__}.{type(env).__qualname__}")
        super().__init__(env)
        observation_spec(getattr(env, "observation_space", None), name)
        action_spec(getattr(env, "action_space", None), name)
        self._seen = promise(env.observation_space)
        space = env.action_space
        self._scalar = np.dtype(space.dtype) if isinstance(space, spaces.Box) and space.shape == () else None
        self._tap = _tap(env, self._reward)
        self._first = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start a new episode."""
        with self._folder:
            try:
                result = self.env.reset(seed=seed, options=options)
            except ValueError as error:
                if str(error).startswith(_TOO_MANY) and _below_us(error):
                    raise self._old("reset() to return (observation, info)", "another result") from error
                raise
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], Mapping):
            raise self._old("reset() to return (observation, info)", shown(result))
        try:
            seen = self._seen(result[0], self._first)
        except Unlike as unlike:
            raise self._unlike(unlike) from None
        self._first = False
        self._steps = 0
        return seen, dict(result[1])

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step."""
        folder = self._folder
        if folder.own is not None:
            folder.__enter__()
        if self._scalar is not None:
            action = np.asarray(action, self._scalar)  # vector environments take numbers out of their arrays
        try:
            result = self.env.step(action)
        except ValueError as error:
            if str(error) == _TOO_FEW and _below_us(error):
                raise self._old(_STEP, "4 values") from error
            raise
        finally:
            if where() != folder.home.path:
                folder.__exit__()
        if not isinstance(result, tuple) or len(result) != 5:
            raise self._old(_STEP, f"{len(result)} values" if isinstance(result, tuple) else shown(result))
        seen, reward, terminated, truncated, info = result
        if type(reward) is not float or not -LARGEST <= reward <= LARGEST:
            reward = self._reward(reward)
        if type(terminated) is not bool:
            terminated = self._flag("terminated", terminated)
        if type(truncated) is not bool:
            truncated = self._flag("truncated", truncated)
        self._steps += 1
        if self._steps >= self._limit and not terminated:
            truncated = True
        if type(info) is not dict and not isinstance(info, Mapping):
            raise Broken(
                f"{self.name}: expected info to be a dictionary, got {shown(info)} of environment {self.number}"
            )
        if self._tap is not None and (terminated or truncated):
            info = {**info, RAW_RETURN: self._tap.total}
        try:
            return self._seen(seen, False), reward, terminated, truncated, info
        except Unlike as unlike:
            raise self._unlike(unlike) from None

    def close(self) -> None:
        """Close it."""
        with self._folder:
            self.env.close()

    def _unlike(self, unlike: Unlike) -> Broken:
        return Broken(f"{self.name}: expected observations {unlike} of environment {self.number}")

    def _reward(self, reward: Any) -> float:
        """Return a reward of another type than float. Raises Broken for what is not one finite number."""
        try:
            array = np.asarray(reward)
        except ValueError:  # a ragged list
            array = np.zeros(0)
        if array.size == 1 and isinstance(array.item(), int):  # of Python, which are of any size
            value: Any = array.item()
        elif array.size == 1 and array.dtype.kind in "biuf":
            value = float(array.item())
        else:
            raise Broken(
                f"{self.name}: expected a reward that is one number, got {shown(reward)} of environment {self.number}"
            )
        if not -LARGEST <= value <= LARGEST:
            raise Broken(f"{self.name}: {REWARDS}, got {shown_number(value)} of environment {self.number}")
        return float(value)

    def _flag(self, which: str, flag: Any) -> bool:
        if isinstance(flag, np.bool_) or (isinstance(flag, (int, np.integer)) and flag in (0, 1)):
            return bool(flag)
        if isinstance(flag, np.ndarray) and flag.size == 1 and flag.dtype.kind in "biu" and flag.item() in (0, 1):
            return bool(flag.item())
        raise Broken(
            f"{self.name}: expected {which} to be true or false, got {shown(flag)} of environment {self.number}"
        )

    def _old(self, expected: str, got: str) -> Broken:
        return Broken(f"{self.name}: expected {expected}, as Gymnasium does, got {got} of environment {self.number}")


class Laconic(Checked):
    """One for a vector environment, which copies all of an info: it says what is recorded of an episode's last.

    sys.exit() becomes an error: a process of such an environment would end without a word.
    """

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start a new episode."""
        try:
            return super().reset(seed=seed, options=options)[0], {}
        except SystemExit as error:
            raise RuntimeError(described(error)) from None

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step."""
        try:
            seen, reward, terminated, truncated, info = super().step(action)
        except SystemExit as error:
            raise RuntimeError(described(error)) from None
        return seen, reward, terminated, truncated, dict(numbers(info)) if terminated or truncated else {}


_STEP = "step() to return (observation, reward, terminated, truncated, info)"


def _below_us(error: BaseException) -> bool:
    """Whether an error is Gymnasium's own, of unpacking what an environment gave, and none of the environment."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith("gymnasium.")
