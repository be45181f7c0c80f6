"""EnvPool's native environments, among them Procgen's: stepped together, without the interpreter lock."""

import warnings
from typing import Any

import numpy as np

from soleus.config import EnvironmentConfig
from soleus.environments.base import Array, Broken, Slots
from soleus.environments.bounds import Bounds, check_rewards
from soleus.environments.convert import action_spec, flat_rows, observation_spec, row_of
from soleus.environments.info import episode_of
from soleus.environments.promise import Unlike, promise
from soleus.errors import UserError, described, first_line, nearest
from soleus.exchange.seeds import environment_seed

GAMES = (
    "bigfish",
    "bossfight",
    "caveflyer",
    "chaser",
    "climber",
    "coinrun",
    "dodgeball",
    "fruitbot",
    "heist",
    "jumper",
    "leaper",
    "maze",
    "miner",
    "ninja",
    "plunder",
    "starpilot",
)
_MODES = ("easy", "hard", "exploration")
_HELD_OUT_LEVELS = 1_000_000


def procgen(config: EnvironmentConfig, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return EnvPool's name of a Procgen game, and its options. Raises UserError for an unknown game or mode."""
    if config.name not in GAMES:
        hint = nearest(config.name, GAMES) or f"; expected one of {', '.join(GAMES)}"
        raise UserError(f"env.id: unknown Procgen game '{config.name}'{hint}")
    rest = {**options, "channel_first": False}
    mode = rest.pop("distribution_mode", "hard")
    if mode not in _MODES:
        raise UserError(f"env.options.distribution_mode: expected one of {', '.join(_MODES)}, got {mode!r}")
    return f"{config.name.capitalize()}{mode.capitalize()}-v0", rest


def held_out(options: dict[str, Any]) -> dict[str, Any]:
    """Return the levels to evaluate on: those after the ones that options train on; where these are all, all."""
    levels, first = options.get("num_levels", 0), options.get("start_level", 0)
    return {"num_levels": _HELD_OUT_LEVELS, "start_level": first + levels} if levels else {}


def _import() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import envpool
    except ImportError as error:
        raise UserError(f"env.id: expected {_PACKAGE}, but {error}") from None
    return envpool


_PACKAGE = "the package envpool (pip install 'soleus[environments]')"
_QT = "Qt 5's runtime for Procgen (apt install libqt5gui5, or dnf install qt5-qtbase-gui)"


def missing() -> str:
    """Return what EnvPool or, where that is here, Procgen lacks on this machine; "" where nothing."""
    try:
        _import()
    except UserError:
        return _PACKAGE
    try:
        from envpool.procgen import ProcgenEnvSpec  # noqa: F401 - it is there where its libraries were found
    except ImportError:
        return _QT
    return ""


class PoolGroup:
    """Environments of one EnvPool. It starts one again on request, so that every step is one to learn from."""

    wrappers = ()

    def __init__(self, name: str, options: dict[str, Any], num_envs: int, num_threads: int, first: int = 0) -> None:
        """first: of the environments in the whole run, the one that is this group's first; seeds go by it.

        Raises UserError where EnvPool or, for Procgen, Qt 5's runtime is missing, for an unknown name or option.
        """
        self.num_envs, self.first = num_envs, first
        self.control_dt: float | None = None
        self._name, self._options = name, {**options, "num_envs": num_envs, "num_threads": num_threads}
        self._pool: Any = None
        self._make(0)
        self._describe(name)

    def _describe(self, name: str) -> None:
        self.observation, self._see = observation_spec(self._pool.observation_space, name)
        self._space, self.action_space = self._pool.observation_space, self._pool.action_space
        self.action, self._act = action_spec(self.action_space, name)
        # EnvPool gives C++'s least positive number as the lower bound where it means none.
        self._bounds = None if self.observation.is_image else Bounds(self._space, name, self.first, bounded=False)

    def _make(self, seed: int) -> None:
        envpool = _import()
        self.close()
        seeds = [environment_seed(seed, self.first + i) for i in range(self.num_envs)]
        try:
            known = envpool.list_all_envs()
            if self._name not in known:
                raise UserError(f"env.id: EnvPool has no '{self._name}'{nearest(self._name, known)}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._pool = envpool.make(
                    self._name, env_type="gymnasium", seed=seeds[0], env_seed=seeds, **self._options
                )
        except ImportError as error:
            raise UserError(f"env.id: expected {missing() or 'what EnvPool needs'}, but {first_line(error)}") from None
        except UserError:
            raise
        except Exception as error:
            known = envpool.make_spec(self._name).config._fields
            unfit = isinstance(error, TypeError) and self._options.keys() <= {*known}  # it says no more than that
            said = f"one has a value of another type in {self._options}" if unfit else described(error)
            raise UserError(f"env.options: expected options of {self._name}, but {said}") from None

    def watch(self, place: Array) -> None:
        """All are stepped at once."""
        place[0] = -1

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes, of environments made again: EnvPool takes seeds only there."""
        self._make(seed)
        observations = self._pool.reset()[0]
        self._compare(observations)
        self._write(observations, out, np.arange(self.num_envs))

    def _compare(self, observations: Any) -> None:
        """Raise Broken where first observations are not of the space; those of native code keep their kind."""
        check = promise(self._space)
        for i in range(self.num_envs):
            try:
                check(row_of(self._space, observations, i), False)
            except Unlike as unlike:
                raise Broken(f"{self._name}: expected observations {unlike} of environment {self.first + i}") from None

    def step(self, actions: Array, out: Slots) -> None:
        """Step all at once; those whose episodes end are restarted at once."""
        observations, rewards, terminated, truncated, info = self._pool.step(self._actions(actions))
        out.rewards[:] = check_rewards(rewards, self.num_envs, self._name, self.first)
        out.terminated[:], out.truncated[:] = terminated, truncated
        out.valid[:] = 1
        out.ended.clear()
        self._write(observations, out.observations, np.arange(self.num_envs))
        ended = np.flatnonzero(terminated | truncated)
        if len(ended):
            for i in ended:
                out.ended[int(i)] = episode_of(_own(info, int(i), self.num_envs))
            out.final_observations[ended] = out.observations[ended]
            self._write(self._pool.reset(ended.astype(np.int32))[0], out.observations, ended)

    def _write(self, observations: Any, out: Array, rows: Array) -> None:
        if self._bounds is None:
            out[rows] = self._see(observations)
            return
        out[rows] = flat = flat_rows(self._space, observations, len(rows)).astype(np.float32, copy=False)
        self._bounds.check(flat, rows)

    def _actions(self, actions: Array) -> Any:
        if self.action.kind == "discrete" and not self.action_space.start:
            return actions
        return self._act(actions)

    def close(self) -> None:
        """Release EnvPool's threads."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None


def _own(info: dict[str, Any], i: int, count: int) -> dict[str, Any]:
    """Return what environment i said. EnvPool's own numbers of environments are none of an episode's."""
    arrays = {name: values for name, values in info.items() if name != "env_id" and isinstance(values, np.ndarray)}
    return {name: values[i] for name, values in arrays.items() if values.shape == (count,)}
