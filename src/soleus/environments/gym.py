"""Gymnasium environments, stepped one by one in the process that holds them."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import cloudpickle
import gymnasium
import numpy as np

from soleus.config import EnvironmentConfig
from soleus.environments.base import Array, Slots, stream
from soleus.environments.convert import action_spec, observation_spec
from soleus.errors import UserError, described
from soleus.registration import register

Make = Callable[[], "gymnasium.Env[Any, Any]"]


def maker(config: EnvironmentConfig, options: dict[str, Any]) -> Make:
    """Return what makes one environment; a `package:ID` imports the package, which registers the ID.

    Making one raises UserError for an ID that is unknown, a package or wrapper that cannot be imported, options that
    do not fit.
    """

    def make() -> "gymnasium.Env[Any, Any]":
        register()  # our own are Gymnasium environments too
        try:
            env: gymnasium.Env[Any, Any] = gymnasium.make(config.name, **options)
            for layer in config.wrappers:
                for path, keywords in layer.items():
                    env = _wrapper(path)(env, **keywords)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"env.id: expected an environment that can be made, but {config.id}: {described(error)}"
            ) from None
        return env

    return make


def registered(config: EnvironmentConfig) -> bytes:
    """Return how an environment is registered here, for another process: classes of a script or a notebook too.

    Nothing for `package:ID`, which that process imports itself.
    """
    register()
    spec = gymnasium.registry.get(config.name) if config.scheme == "gymnasium" else None
    return cloudpickle.dumps(spec) if spec else b""


def register_again(registration: bytes) -> None:
    """Register an environment as registered() found it."""
    if registration:
        spec = cloudpickle.loads(registration)
        gymnasium.registry.setdefault(spec.id, spec)


def _wrapper(path: str) -> Any:
    module, colon, name = path.partition(":")
    if not colon:
        module, name = "gymnasium.wrappers", path
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        raise UserError(
            f"env.wrappers: expected module:Class, or a class of gymnasium.wrappers, got '{path}'"
        ) from None


class GymGroup:
    """Environments of one process, stepped in turn."""

    def __init__(self, makers: Sequence[Make], name: str, first: int = 0) -> None:
        """first: of the environments in the whole run, the one that is this group's first; seeds go by it."""
        self.current = np.zeros(1, np.int64)
        self.first = first
        self.num_envs = len(makers)
        self.envs = []
        try:
            for i, make in enumerate(makers):
                self.current[0] = i
                self.envs.append(make())
            self.observation, self._see = observation_spec(self.envs[0].observation_space, name)
            self.action, self._act = action_spec(self.envs[0].action_space, name)
        except BaseException:
            self.close()
            raise
        self.control_dt: float | None = None

    def watch(self, place: Array) -> None:
        """Say in place[0] which environment is at work: who asks may be another process, after this one's death."""
        self.current = place

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes."""
        for i, env in enumerate(self.envs):
            self.current[0] = i
            out[i] = self._see(env.reset(seed=stream(seed, self.first + i))[0])

    def step(self, actions: Array, out: Slots) -> None:
        """Step each; one whose episode ends is reset at once."""
        see, act, current = self._see, self._act, self.current
        seen, rewards, terminated, truncated = out.observations, out.rewards, out.terminated, out.truncated
        out.valid[:] = 1
        for i, env in enumerate(self.envs):
            current[0] = i
            observation, reward, fell, late, _ = env.step(act(actions[i]))
            if fell or late:
                out.final_observations[i] = see(observation)
                observation, _ = env.reset()
            seen[i] = see(observation)
            rewards[i], terminated[i], truncated[i] = reward, fell, late

    def close(self) -> None:
        """Close each."""
        for env in self.envs:
            try:
                env.close()
            except Exception as error:
                print(f"warning: an environment could not be closed: {described(error)}", file=sys.stderr)
        self.envs = []
