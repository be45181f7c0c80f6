"""Layers over a group of any kind: what it shows, and what the end of an episode means."""

from typing import Any

import numpy as np

from soleus.environments.base import Array, Group, Slots
from soleus.exchange.spaces import ObservationSpec


class _Layer:
    """A group that passes everything on."""

    def __init__(self, inner: Group) -> None:
        self.inner = inner
        self.num_envs, self.control_dt = inner.num_envs, inner.control_dt
        self.observation, self.action = inner.observation, inner.action

    def watch(self, place: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        """Pass it on."""
        self.inner.watch(place)

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes."""
        self.inner.reset(seed, out)

    def step(self, actions: Array, out: Slots) -> None:
        """Step the group."""
        self.inner.step(actions, out)

    def close(self) -> None:
        """Close the group."""
        self.inner.close()


class TerminatingGroup(_Layer):
    """A group whose time limit is part of the game: an episode that it ends has no future, as if it were lost."""

    def step(self, actions: Array, out: Slots) -> None:
        """Step the group; what it truncates is terminated."""
        self.inner.step(actions, out)
        out.terminated |= out.truncated
        out.truncated[:] = 0


class StackedGroup(_Layer):
    """A group that shows its last `frames` observations, the latest last; an episode starts with copies of its first.

    Images are stacked in their channels, vectors end to end.
    """

    def __init__(self, inner: Group, frames: int) -> None:
        super().__init__(inner)
        self.frames = frames
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
        inner = Slots(self._seen, self._final, out.rewards, out.terminated, out.truncated, out.valid, out.ended)
        self.inner.step(actions, inner)
        # An environment that restarted in a step of its own shows the first frame of its episode there.
        fresh = (out.terminated | out.truncated).astype(bool)
        older = self._stack[..., self.depth :]
        if fresh.any():
            out.final_observations[fresh] = np.concatenate([older[fresh], self._final[fresh]], axis=-1)
        self._stack[:] = np.concatenate([older, self._seen], axis=-1)
        restarted = fresh | (out.valid == 0)
        if restarted.any():
            self._stack[restarted] = np.concatenate([self._seen[restarted]] * self.frames, axis=-1)
        out.observations[:] = self._stack


def innermost(group: Group) -> Group:
    """Return the group below all layers."""
    while isinstance(group, _Layer):
        group = group.inner
    return group
