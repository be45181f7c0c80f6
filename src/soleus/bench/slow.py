"""An environment that is slow in Python, as those of users are: what parallel processes are for.

`soleus train --env gymnasium:soleus.bench.slow:Slow-v0` registers it by importing this module.
"""

import time
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

EPISODE_STEPS = 100
_CHUNK = 50  # turns of the loop between two looks at the clock: about 5 us

Observation = npt.NDArray[np.float32]


class Slow(gymnasium.Env[Observation, np.int64]):
    """Says a number in -1 ... 1 and pays 1 for naming its sign; every step computes for a fixed time.

    It computes rather than sleeps: a processor that another process keeps busy cannot do it at the same time. The time
    is that of the thread that steps, so that nobody else's computing counts.
    """

    def __init__(self, step_ms: float = 1.0) -> None:
        """step_ms: CPU time of a step [ms]."""
        self.observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.action_space = spaces.Discrete(2)
        self._step_s = 1e-3 * step_ms
        self._steps = 0
        self._shown = np.zeros(1, np.float32)
        self._number = 1

    def _show(self) -> Observation:
        self._shown = self.np_random.uniform(-1.0, 1.0, 1).astype(np.float32)
        return self._shown

    def _compute(self) -> None:
        end = time.thread_time() + self._step_s
        while time.thread_time() < end:
            for _ in range(_CHUNK):
                self._number = self._number * 48271 % 2147483647  # Park and Miller's random numbers

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode of EPISODE_STEPS steps."""
        super().reset(seed=seed)
        self._steps = 0
        return self._show(), {}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Compute, and pay for the sign."""
        self._compute()
        reward = float((self._shown[0] > 0) == bool(action))
        self._steps += 1
        return self._show(), reward, False, self._steps >= EPISODE_STEPS, {}


gymnasium.register("Slow-v0", entry_point="soleus.bench.slow:Slow")
