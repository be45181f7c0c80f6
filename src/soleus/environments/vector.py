"""Any Gymnasium VectorEnv as a group: SyncVectorEnv, AsyncVectorEnv, EnvPool, our own BatchEnv."""

import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from soleus.environments.base import Array, Broken, Slots
from soleus.environments.bounds import Bounds, check_rewards
from soleus.environments.convert import action_spec, flat_rows, observation_spec, row_of
from soleus.environments.folder import Home
from soleus.environments.info import episode_of
from soleus.environments.promise import Unlike, promise
from soleus.errors import UserError, described
from soleus.exchange.seeds import environment_seed

_GRACE = 3.0  # [s] for processes of environments to come to an end


class VectorGroup:
    """A VectorEnv of any autoreset mode.

    Where it starts an environment again in a step of its own (NEXT_STEP), that step is not valid. Where it does not by
    itself (DISABLED), it is asked to at once.
    """

    def __init__(
        self,
        env: "VectorEnv[Any, Any, Any]",
        name: str,
        control_dt: float | None = None,
        home: Home | None = None,
        wrappers: Sequence[Any] = (),
    ) -> None:
        """home: the folder that environments stepped in this process are kept from changing. wrappers: of each."""
        self.env, self.name, self.home, self.wrappers = env, name, home, wrappers
        self.num_envs = env.num_envs
        self.control_dt = control_dt
        self.observation, self._see = observation_spec(env.single_observation_space, name)
        self.action, self._act = action_spec(env.single_action_space, name)
        self._bounds = None if self.observation.is_image else Bounds(env.single_observation_space, name, 0)
        mode = (env.metadata or {}).get("autoreset_mode")
        try:
            self.mode = AutoresetMode.NEXT_STEP if mode is None else AutoresetMode(mode)
        except ValueError:
            raise UserError(f"{name}: expected a known autoreset_mode in its metadata, got {mode!r}") from None
        self._ending = False
        self._pending = np.zeros(env.num_envs, bool)  # those that restart in the next step

    @property
    def action_space(self) -> Any:
        """Of each."""
        return self.env.single_action_space

    def watch(self, place: Array) -> None:
        """All are stepped at once."""
        place[0] = -1

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes."""
        if self.home:
            self.home.look()
        observations, _ = self.env.reset(seed=environment_seed(seed, 0))
        self._compare(observations)
        self._write(observations, out)
        self._pending[:] = False

    def _compare(self, observations: Any) -> None:
        """Raise Broken where first observations are not of the space."""
        space = self.env.single_observation_space
        check = promise(space)
        for i in range(self.num_envs):
            try:
                check(row_of(space, observations, i), True)
            except Unlike as unlike:
                raise Broken(f"{self.name}: expected observations {unlike} of environment {i}") from None

    def step(self, actions: Array, out: Slots) -> None:
        """Step all at once."""
        if self.home:
            self.home.look()
        try:
            observations, rewards, terminated, truncated, info = self.env.step(self._act(actions))
        except (EOFError, ConnectionError):
            self._check_processes()
            raise
        out.rewards[:] = check_rewards(rewards, self.num_envs, self.name, 0)
        out.terminated[:], out.truncated[:] = terminated, truncated
        out.valid[:] = ~self._pending
        out.ended.clear()
        done = np.asarray(terminated, bool) | np.asarray(truncated, bool)
        self._write(observations, out.observations)
        self._pending = done & (self.mode == AutoresetMode.NEXT_STEP)
        if not done.any():
            return
        ended = np.flatnonzero(done)
        same_step = self.mode == AutoresetMode.SAME_STEP
        last = info.get("final_info", {}) if same_step else info
        for i in ended:
            out.ended[int(i)] = episode_of(_own(last, int(i)))
        if same_step:
            for i in ended:
                out.final_observations[i] = self._see(info["final_obs"][i])
            if self._bounds:
                self._bounds.check(out.final_observations[ended], ended)
            return
        out.final_observations[done] = out.observations[done]
        if self.mode == AutoresetMode.DISABLED:
            observations, _ = self.env.reset(options={"reset_mask": done})
            self._write(observations, out.observations)

    def _check_processes(self) -> None:
        """Raise UserError where a process of environments has ended; the others are ended too."""
        processes = getattr(self.env, "processes", None) or []
        for process in processes:
            process.join(_GRACE / 10)
        ended = {i: process.exitcode for i, process in enumerate(processes) if process.exitcode is not None}
        if not ended:
            return
        for process in processes:
            process.kill()
        self.env.closed = True  # there is nobody left to be told
        env, code = next(iter(ended.items()))
        raise UserError(
            f"{self.name}: expected processes of environments that go on, but that of environment {env} ended with exit"
            f" code {code}"
        )

    def _write(self, observations: Any, out: Array) -> None:
        if self._bounds is None:
            out[:] = self._see(observations)
            return
        out[:] = flat_rows(self.env.single_observation_space, observations, self.num_envs)
        self._bounds.check(out)

    def close(self) -> None:
        """Close it. Processes of its own that are still at work after some seconds are ended."""
        processes = getattr(self.env, "processes", None)
        if self.env.closed:  # after the death of one of its processes
            return
        if not processes:
            self._close()
            return
        closing = threading.Thread(target=self._close, daemon=True, name="close-environments")
        closing.start()
        closing.join(_GRACE)
        if closing.is_alive():
            self._ending = True
            for process in processes:
                process.kill()
            closing.join(_GRACE)

    def _close(self) -> None:
        try:
            self.env.close()
        except (Exception, SystemExit) as error:  # of environments, or of their processes
            self.env.closed = True  # as far as it goes: it would be tried again when it is collected
            if not self._ending:
                print(f"warning: environments could not be closed: {described(error)}", file=sys.stderr)


def _own(info: Mapping[str, Any], i: int) -> dict[str, Any]:
    """Return what environment i said: its element of every array where the mask beside it says that there is one."""
    found = {}
    for name, values in info.items():
        mask = info.get(f"_{name}")
        if isinstance(values, np.ndarray) and isinstance(mask, np.ndarray) and len(mask) > i and mask[i]:
            found[name] = values[i]
    return found
