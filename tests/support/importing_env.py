"""An environment that tells whether its process has imported the clients of loggers."""

import sys
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

CLIENTS = ("wandb", "mlflow", "tensorboard")


class Importing(gymnasium.Env[Any, Any]):
    """Episodes of three steps, in whose last info `clients` is how many have been imported."""

    observation_space = spaces.Box(0, 1, (1,), np.float32)
    action_space = spaces.Discrete(2)
    count = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.count = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.count += 1
        clients = sum(name in sys.modules for name in CLIENTS)
        return np.zeros(1, np.float32), 1.0, self.count == 3, False, {"clients": clients}


gymnasium.register("Importing-v0", Importing)
