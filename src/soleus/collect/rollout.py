"""T steps of a group of environments with a policy: the same code in the main process and in every worker."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soleus.collect.policy import ActingPolicy
from soleus.collect.slots import Arrays, slots_of
from soleus.environments.base import Episode, Group
from soleus.environments.info import InfoSums


@dataclass
class Times:
    """Time that a round has spent on each part [s]."""

    acting: float = 0.0
    stepping: float = 0.0


class Rollout:
    """Collects rollouts into some columns of the arrays of a round.

    `place` is two numbers that other threads and processes may read: how many steps have been taken in all, and which
    environment is being stepped, or -1 for all of them.
    """

    def __init__(
        self,
        group: Group,
        actor: ActingPolicy,
        arrays: Arrays,
        columns: slice,
        place: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self.group, self.actor, self.arrays, self.columns = group, actor, arrays, columns
        self.steps = len(arrays["rewards"])
        self.place = np.array([0, -1]) if place is None else place
        group.watch(self.place[1:])
        self.info = InfoSums()  # of the episodes that ended in this round
        self._returns = np.zeros(group.num_envs)  # of the episodes under way
        self._lengths = np.zeros(group.num_envs, np.int32)

    def reset(self, seed: int) -> None:
        """Start new episodes; the next round begins with their first observations."""
        self.group.reset(seed, self.arrays["observations"][-1, self.columns])
        self._returns[:] = 0
        self._lengths[:] = 0

    def run(self, round_number: int) -> Times:
        """Collect a round, which begins where the last one ended."""
        arrays, columns, clock = self.arrays, self.columns, time.perf_counter
        observations, actions, log_probs = (arrays[name] for name in ("observations", "actions", "log_probs"))
        observations[0, columns] = observations[-1, columns]
        self.actor.begin(round_number, self.steps)
        self.info = InfoSums()
        times = Times()
        for t in range(self.steps):
            self.place[0] += 1
            start = clock()
            self.actor.act(t, observations[t, columns], actions[t, columns], log_probs[t, columns])
            acted = clock()
            slots = slots_of(arrays, t, columns)
            self.group.step(actions[t, columns], slots)
            self._count(t, slots.ended)
            times.acting += acted - start
            times.stepping += clock() - acted
        return times

    def _count(self, t: int, ended: Mapping[int, Episode]) -> None:
        """Add a step to the return and the length of every episode."""
        arrays, columns = self.arrays, self.columns
        self._returns += arrays["rewards"][t, columns]
        self._lengths += arrays["valid"][t, columns]
        done = (arrays["terminated"][t, columns] | arrays["truncated"][t, columns]).astype(bool)
        if not done.any():
            return
        for i, episode in ended.items():
            self.info.add(episode.info)
            if episode.raw_return is not None:
                self._returns[i] = episode.raw_return
        arrays["episode_returns"][t, columns][done] = self._returns[done]
        arrays["episode_lengths"][t, columns][done] = self._lengths[done]
        self._returns[done] = 0
        self._lengths[done] = 0

    def under_way(self) -> dict[str, np.ndarray]:
        """Return the returns and lengths of the episodes under way."""
        return {"returns": self._returns.copy(), "lengths": self._lengths.copy()}

    def go_on(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on with what under_way() gave."""
        self._returns[:], self._lengths[:] = state["returns"], state["lengths"]
