"""Frame stacking: an observation holds the last frames, so that velocities can be seen."""

import numpy as np

from soleus.environments.base import Array, Group, Slots
from soleus.spaces import ObservationSpec


class StackedGroup:
    """A group that shows its last `frames` observations, the latest last; an episode starts with copies of its first.

    Images are stacked in their channels, vectors end to end.
    """

    def __init__(self, inner: Group, frames: int) -> None:
        self.inner, self.frames = inner, frames
        self.num_envs, self.action, self.control_dt = inner.num_envs, inner.action, inner.control_dt
        self.current = inner.current
        *shape, self.depth = inner.observation.shape
        self.observation = ObservationSpec((*shape, frames * self.depth))
        self._stack = np.zeros((inner.num_envs, *self.observation.shape), self.observation.dtype)
        one = (inner.num_envs, *inner.observation.shape)
        self._seen, self._final = np.zeros(one, self.observation.dtype), np.zeros(one, self.observation.dtype)

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes."""
        self.inner.reset(seed, self._seen)
        self._stack[:] = np.concatenate([self._seen] * self.frames, axis=-1)
        out[:] = self._stack

    def step(self, actions: Array, out: Slots) -> None:
        """Step the group and shift its frames."""
        inner = Slots(self._seen, self._final, out.rewards, out.terminated, out.truncated, out.valid)
        self.inner.step(actions, inner)
        # An environment that started anew in a step of its own shows the first frame of its episode there.
        fresh = (out.terminated | out.truncated).astype(bool)
        older = self._stack[..., self.depth :]
        if fresh.any():
            out.final_observations[fresh] = np.concatenate([older[fresh], self._final[fresh]], axis=-1)
        self._stack[:] = np.concatenate([older, self._seen], axis=-1)
        restarted = fresh | (out.valid == 0)
        if restarted.any():
            self._stack[restarted] = np.concatenate([self._seen[restarted]] * self.frames, axis=-1)
        out.observations[:] = self._stack

    def close(self) -> None:
        """Close the group."""
        self.inner.close()
