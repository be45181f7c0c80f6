"""Any Gymnasium VectorEnv as a group: SyncVectorEnv, AsyncVectorEnv, EnvPool, our own BatchEnv."""

import sys
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from soleus.environments.base import Array, Slots, stream
from soleus.environments.convert import action_spec, clipped, observation_spec
from soleus.errors import UserError, described


class VectorGroup:
    """A VectorEnv of any autoreset mode.

    Where it starts an environment anew in a step of its own (NEXT_STEP), that step is not valid. Where it does not by
    itself (DISABLED), it is asked to at once.
    """

    def __init__(self, env: "VectorEnv[Any, Any, Any]", name: str, control_dt: float | None = None) -> None:
        self.env = env
        self.num_envs = env.num_envs
        self.control_dt = control_dt
        self.observation, self._see = observation_spec(env.single_observation_space, name)
        self.action, _ = action_spec(env.single_action_space, name)
        self._flat = not self.observation.is_image
        mode = (env.metadata or {}).get("autoreset_mode")
        try:
            self.mode = AutoresetMode.NEXT_STEP if mode is None else AutoresetMode(mode)
        except ValueError:
            raise UserError(f"{name}: expected a known autoreset_mode in its metadata, got {mode!r}") from None
        self._pending = np.zeros(env.num_envs, bool)  # those that start anew in the next step

    def watch(self, place: Array) -> None:
        """All are stepped at once."""
        place[0] = -1

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes."""
        observations, _ = self.env.reset(seed=stream(seed, 0))
        self._write(observations, out)
        self._pending[:] = False

    def step(self, actions: Array, out: Slots) -> None:
        """Step all at once."""
        observations, rewards, terminated, truncated, info = self.env.step(self._actions(actions))
        out.rewards[:] = rewards
        out.terminated[:], out.truncated[:] = terminated, truncated
        out.valid[:] = ~self._pending
        done = np.asarray(terminated, bool) | np.asarray(truncated, bool)
        self._write(observations, out.observations)
        self._pending = done & (self.mode == AutoresetMode.NEXT_STEP)
        if not done.any():
            return
        if self.mode == AutoresetMode.SAME_STEP:
            for i in np.flatnonzero(done):
                out.final_observations[i] = self._see(info["final_obs"][i])
            return
        out.final_observations[done] = out.observations[done]
        if self.mode == AutoresetMode.DISABLED:
            observations, _ = self.env.reset(options={"reset_mask": done})
            self._write(observations, out.observations)

    def _write(self, observations: Any, out: Array) -> None:
        space = self.env.single_observation_space
        if not self._flat:
            out[:] = self._see(observations)
        elif isinstance(space, spaces.Box):
            out[:] = np.reshape(observations, (self.num_envs, -1))
        else:
            for i in range(self.num_envs):
                out[i] = self._see(_row(space, observations, i))

    def _actions(self, actions: Array) -> Any:
        space = self.env.single_action_space
        if isinstance(space, spaces.Box):
            return clipped(space, actions)
        start = getattr(space, "start", 0)
        return (actions + start).astype(space.dtype)

    def close(self) -> None:
        """Close it."""
        try:
            self.env.close()
        except Exception as error:  # of environments, or of their processes
            print(f"warning: environments could not be closed: {described(error)}", file=sys.stderr)


def _row(space: Any, batch: Any, i: int) -> Any:
    """Return environment i's observation out of a batch of Dict or Tuple observations."""
    if isinstance(space, spaces.Dict):
        return {key: _row(inner, batch[key], i) for key, inner in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_row(inner, part, i) for inner, part in zip(space.spaces, batch, strict=True))
    return batch[i]
