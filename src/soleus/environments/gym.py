"""Gymnasium environments, stepped one by one in the process that holds them."""

import errno
import importlib
import sys
from collections.abc import Sequence
from typing import Any

import cloudpickle
import gymnasium
import numpy as np

from soleus.config import EnvironmentConfig
from soleus.environments.base import Array, Broken, Slots
from soleus.environments.bounds import Bounds
from soleus.environments.checked import Checked, Make, layers
from soleus.environments.convert import action_spec, observation_spec
from soleus.environments.folder import Home
from soleus.environments.info import episode_of
from soleus.environments.promise import described as in_words
from soleus.errors import UserError, described
from soleus.exchange.seeds import environment_seed
from soleus.machine.stopping import let_through
from soleus.sim.registration import register


def maker(config: EnvironmentConfig, options: dict[str, Any]) -> Make:
    """Return what makes one environment; a `package:ID` imports the package, which registers the ID.

    Making one raises UserError for an ID that is unknown, a package or wrapper that cannot be imported, options that
    do not fit.
    """

    def make() -> "gymnasium.Env[Any, Any]":
        register()  # our own are Gymnasium environments too
        try:
            env: gymnasium.Env[Any, Any] = gymnasium.make(config.name, disable_env_checker=True, **options)
            for layer in config.wrappers:
                for path, keywords in layer.items():
                    env = _wrapper(path)(env, **keywords)
        except UserError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            let_through(error)
            hint = ""
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                hint = "; env.numbered gives each environment a port of its own"
            elif isinstance(error, ModuleNotFoundError) and error.name == "imageio":
                hint = ": pip install 'soleus[environments]'"
            raise UserError(
                f"env.id: expected an environment that can be made, but {config.id}: {described(error)}{hint}"
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

    def __init__(self, makers: Sequence[Make], name: str, first: int = 0, limit: int | None = None) -> None:
        """first: of the environments in the whole run, the one that is this group's first; seeds go by it.

        limit: steps after which an episode is truncated; None: those of the environments themselves.
        """
        self.current = np.zeros(1, np.int64)
        self.first = first
        self.num_envs = len(makers)
        self._home = Home()
        self.envs: list[Checked] = []
        try:
            for i, make in enumerate(makers):
                self.current[0] = i
                self.envs.append(Checked(make, name, first + i, self._home, limit))
            self._alike(name)
            space = self.envs[0].observation_space
            self.observation, self._see = observation_spec(space, name)
            self.action, self._act = action_spec(self.envs[0].action_space, name)
        except BaseException:
            self.close()
            raise
        self._bounds = None if self.observation.is_image else Bounds(space, name, first)
        self.control_dt: float | None = None

    def _alike(self, name: str) -> None:
        """Raise Broken where the spaces differ from one environment to the next."""
        for of in ("observation_space", "action_space"):
            wanted = getattr(self.envs[0], of)
            for env in self.envs[1:]:
                if getattr(env, of) != wanted:
                    raise Broken(
                        f"{name}: expected one {of} of all environments, got {in_words(wanted)} of environment"
                        f" {self.first} and {in_words(getattr(env, of))} of environment {env.number}"
                    )

    @property
    def action_space(self) -> Any:
        """Of each."""
        return self.envs[0].action_space

    @property
    def wrappers(self) -> list[Any]:
        """Of the first, the outermost first."""
        return layers(self.envs[0])

    def watch(self, place: Array) -> None:
        """Say in place[0] which environment is at work: who asks may be another process, after this one's death."""
        self.current = place

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes."""
        self._home.look()
        for i, env in enumerate(self.envs):
            self.current[0] = i
            out[i] = self._see(env.reset(seed=environment_seed(seed, self.first + i))[0])
        if self._bounds:
            self._bounds.check(out)

    def step(self, actions: Array, out: Slots) -> None:
        """Step each; one whose episode ends is reset at once."""
        see, current = self._see, self.current
        acts = self._act(actions)
        if self.action.kind == "discrete":
            acts = acts.tolist()  # environments take these fastest
        seen, rewards, terminated, truncated = out.observations, out.rewards, out.terminated, out.truncated
        out.valid[:] = 1
        out.ended.clear()
        self._home.look()
        for i, env in enumerate(self.envs):
            current[0] = i
            observation, reward, fell, late, info = env.step(acts[i])
            if fell or late:
                out.final_observations[i] = see(observation)
                out.ended[i] = episode_of(info)
                observation, _ = env.reset()
            seen[i] = see(observation)
            rewards[i], terminated[i], truncated[i] = reward, fell, late
        if self._bounds:
            self._bounds.check(seen)
            if out.ended:
                ended = list(out.ended)
                self._bounds.check(out.final_observations[ended], ended)

    def close(self) -> None:
        """Close each."""
        for env in self.envs:
            try:
                env.close()
            except (Exception, SystemExit) as error:
                print(f"warning: an environment could not be closed: {described(error)}", file=sys.stderr)
        self.envs = []
