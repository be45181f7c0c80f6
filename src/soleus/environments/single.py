"""One environment that is not ours as a plain Gymnasium environment, which shows what a policy has learnt to see."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from soleus.config import EnvironmentConfig
from soleus.environments.convert import observation_spec
from soleus.environments.make import maker_of
from soleus.errors import UserError


class Seen(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Observations as policies take them: vectors, or images (H, W, C), of the last `frames` steps.

    Actions stay those of the environment.
    """

    def __init__(self, env: "gymnasium.Env[Any, Any]", name: str, frames: int) -> None:
        super().__init__(env)
        spec, self._see = observation_spec(env.observation_space, name)
        self._frames, self._image = frames, spec.is_image
        *shape, depth = spec.shape
        self._stack = np.zeros((*shape, frames * depth), spec.dtype)
        low, high = (0, 255) if spec.is_image else (-np.inf, np.inf)
        self.observation_space = spaces.Box(low, high, self._stack.shape, spec.dtype)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start a new episode, whose first observation fills all frames."""
        seen, info = self.env.reset(seed=seed, options=options)
        first = np.asarray(self._see(seen))
        self._stack[:] = np.concatenate([first] * self._frames, axis=-1)
        return self._stack.copy(), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step the environment."""
        seen, reward, terminated, truncated, info = self.env.step(action)
        latest = np.asarray(self._see(seen))
        self._stack[:] = np.concatenate([self._stack[..., latest.shape[-1] :], latest], axis=-1)
        return self._stack.copy(), reward, terminated, truncated, info


def make_single(config: EnvironmentConfig, number: int = 0, render_mode: str | None = None) -> Seen:
    """Return the environment of a number, on the options meant for evaluation.

    Raises UserError for what cannot be made, and for environments that are no Gymnasium ones.
    """
    if config.scheme != "gymnasium":
        raise UserError(f"env: expected an environment of Gymnasium, got '{config.id}', which steps many at once")
    more = {} if render_mode is None else {"render_mode": render_mode}
    return Seen(maker_of(config, number, more)(), config.id, config.frame_stack)
