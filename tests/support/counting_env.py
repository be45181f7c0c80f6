"""Environments for the tests of collectors: registered by name, made in workers, failing on request."""

import os
import signal
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Counting(gymnasium.Env[Any, Any]):
    """Observes its own steps; ends after `length` of them, by itself or, where `late`, by its time limit.

    fail: a file; while it exists, the environment that removes it first fails in the way that it names.
    """

    def __init__(self, length: int = 5, late: bool = False, fail: str = "", seen: str = "vector") -> None:
        self.observation_space: Any = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        if seen == "image":
            self.observation_space = spaces.Box(0, 255, (40, 40, 3), np.uint8)
        self.action_space = spaces.Discrete(2)
        self.length, self.late, self.fail, self.seen = length, late, fail, seen
        self.count, self.episode = 0, -1

    def observe(self) -> Any:
        if self.seen == "image":
            return np.full((40, 40, 3), self.count, np.uint8)
        return np.array([self.count, self.episode], np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.count, self.episode = 0, self.episode + 1
        return self.observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self.fail:
            self.fail_on_request()
        self.count += 1
        over = self.count == self.length
        return self.observe(), float(self.count), over and not self.late, over and self.late, {}

    def fail_on_request(self) -> None:
        try:
            with open(self.fail) as file:
                how = file.read()
            os.remove(self.fail)
        except OSError:
            return
        if how == "raise":
            raise ValueError("asked to fail")
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)


def scaled(**options: Any) -> gymnasium.Env[Any, Any]:
    """Return one whose own code scales its rewards, by statistics that a wrapper keeps."""
    return gymnasium.wrappers.NormalizeReward(Counting(**options))


gymnasium.register("Counting-v0", entry_point="counting_env:Counting")
gymnasium.register("Scaled-v0", entry_point="counting_env:scaled")
