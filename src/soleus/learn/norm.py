"""Running mean and variance of observations and returns, and the scale of rewards."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from soleus.exchange.state import flaw_of

Float64 = npt.NDArray[np.float64]


class RunningMoments:
    """Mean and variance of a stream, merged batch by batch in float64 (Chan, Golub & LeVeque 1983).

    memory: with it, older samples fade: the stream weighs no more than that many samples when the next batch comes.
    """

    def __init__(self, shape: tuple[int, ...], memory: float | None = None) -> None:
        self.mean: Float64 = np.zeros(shape)
        self.variance: Float64 = np.ones(shape)
        self.count = 0.0
        self.memory = memory

    def update(self, samples: npt.NDArray[np.floating[Any]]) -> None:
        """Take in samples (M, *shape)."""
        count = float(len(samples))
        if count == 0:
            return
        mean = samples.mean(axis=0, dtype=np.float64)
        variance = samples.var(axis=0, dtype=np.float64)
        before = self.count if self.memory is None else min(self.count, self.memory)
        total = before + count
        delta = mean - self.mean
        self.variance = (self.variance * before + variance * count + delta * delta * (before * count / total)) / total
        self.mean = self.mean + delta * (count / total)
        self.count = total

    def std(self, epsilon: float) -> Float64:
        """Standard deviation plus epsilon; 1 before any sample."""
        return np.sqrt(self.variance) + epsilon if self.count else np.ones_like(self.variance)

    def state_dict(self) -> dict[str, Any]:
        """Return the moments as tensors and numbers."""
        return {
            "mean": torch.tensor(self.mean, dtype=torch.float64),
            "variance": torch.tensor(self.variance, dtype=torch.float64),
            "count": self.count,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from state_dict(). Raises ValueError for moments of another shape, or that are none."""
        found = {name: state[name] for name in own} if (own := self.state_dict()).keys() <= state.keys() else state
        if (flaw := flaw_of(found, own)) or float(state["variance"].min()) < 0 or state["count"] < 0:
            raise ValueError(flaw or "expected a variance and a count of at least 0, got others")
        self.mean = np.asarray(state["mean"].numpy(), np.float64).copy()
        self.variance = np.asarray(state["variance"].numpy(), np.float64).copy()
        self.count = float(state["count"])


class RewardScaler:
    """Divides rewards by the standard deviation of the discounted return so far, as in the Procgen paper.

    The return runs forward through each environment's steps, R <- gamma R + r, and starts at zero in every episode
    (Cobbe et al. 2020, after the reward normalisation of OpenAI Baselines).
    """

    LIMIT, EPSILON = 10.0, 1e-8

    def __init__(self, num_envs: int, gamma: float) -> None:
        self.gamma = gamma
        self.running: Float64 = np.zeros(num_envs)
        self.moments = RunningMoments(())

    def scale(
        self, rewards: npt.NDArray[np.float32], ended: npt.NDArray[np.bool_], valid: npt.NDArray[np.bool_] | None
    ) -> npt.NDArray[np.float32]:
        """Take in rewards (T, N) with the steps that ended an episode; return them scaled, within +-LIMIT.

        valid: (T, N) steps that count, or None for all; those that do not start a return again.
        """
        returns = np.empty(rewards.shape)
        for t, row in enumerate(rewards):
            self.running = self.gamma * self.running + row
            returns[t] = self.running
            self.running = np.where(ended[t] if valid is None else ended[t] | ~valid[t], 0.0, self.running)
        self.moments.update(returns.reshape(-1) if valid is None else returns[valid])
        scaled = rewards / np.sqrt(self.moments.variance + self.EPSILON)
        return np.clip(scaled, -self.LIMIT, self.LIMIT).astype(np.float32)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next scale() depends on."""
        return {**self.moments.state_dict(), "running": torch.tensor(self.running)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from state_dict()."""
        self.moments.load_state_dict(state)
        if state["running"].shape == self.running.shape:  # another number of environments starts returns again
            self.running = state["running"].numpy().copy()
