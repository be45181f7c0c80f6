"""Humans of a preset, stepped natively, as the vector environment that Stable-Baselines3 takes."""

from typing import Any

import numpy as np
from whole_vec_env import WholeVecEnv

import soleus


class NativeVecEnv(WholeVecEnv):
    """N humans; step() gives copies, as what an off-policy learner keeps has to last."""

    def __init__(self, preset: str, num_envs: int, seed: int) -> None:
        self.env = soleus.make_vec(preset, num_envs=num_envs, seed=seed)
        super().__init__(num_envs, self.env.single_observation_space, self.env.single_action_space)

    def reset(self) -> np.ndarray:
        return self.env.reset()[0].copy()

    def restarted(self, seed: int) -> np.ndarray:
        """The first observations of the episodes of a seed."""
        return self.env.reset(seed=seed)[0].copy()

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        seen, rewards, terminated, truncated, info = self.env.step(self.actions)
        done = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(done):
            infos[i] = {"terminal_observation": info["final_obs"][i], "TimeLimit.truncated": bool(truncated[i])}
        return seen.copy(), rewards.copy(), done.copy(), infos

    def close(self) -> None:
        self.env.close()
