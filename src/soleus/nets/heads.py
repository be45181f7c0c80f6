"""Distributions over actions: how a policy's outputs become actions and their probabilities.

Rollouts sample in NumPy from random numbers that they bring, the learner takes log-densities in torch; the tests hold
the two together. P parameters a state come from the network, M states at a time.
"""

import math
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from soleus.exchange.spaces import ActionSpec

Float32 = npt.NDArray[np.float32]
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class Head(Protocol):
    """A distribution over actions."""

    def log_prob(self, parameters: Tensor, actions: Tensor) -> Tensor:
        """Log-density (M,) of actions (M, *action.shape) under parameters (M, P)."""

    def entropy(self, parameters: Tensor) -> Tensor:
        """Mean entropy [nat] over the states, a scalar."""

    def noise(self, rng: np.random.Generator, steps: int) -> Float32:
        """Random numbers (steps, components) that so many samples of one environment take."""

    def sample(self, parameters: Float32, noise: Float32) -> tuple[npt.NDArray[Any], Float32]:
        """Actions (M, *action.shape) and their log-densities (M,) from noise (M, components)."""

    def mode(self, parameters: Float32) -> npt.NDArray[Any]:
        """The likeliest actions (M, *action.shape)."""


class Gaussian:
    """Independent normals about the means (M, A), whose standard deviations do not depend on the state."""

    def __init__(self, log_std: Tensor) -> None:
        self.log_std = log_std  # (A,)

    def log_prob(self, parameters: Tensor, actions: Tensor) -> Tensor:
        """Log-density (M,) of actions (M, A)."""
        z = (actions - parameters) * torch.exp(-self.log_std)
        return -0.5 * z.square().sum(-1) - (self.log_std + HALF_LOG_TWO_PI).sum()

    def entropy(self, parameters: Tensor) -> Tensor:
        """Differential entropy, the same in every state."""
        return self.log_std.sum() + self.log_std.numel() * (0.5 + HALF_LOG_TWO_PI)

    def noise(self, rng: np.random.Generator, steps: int) -> Float32:
        """Standard normals."""
        return rng.standard_normal((steps, self.log_std.numel()), np.float32)

    def sample(self, parameters: Float32, noise: Float32) -> tuple[Float32, Float32]:
        """Return mean + std * noise."""
        log_std = self.log_std.detach().numpy()
        log_probs = -0.5 * np.square(noise).sum(-1) - (log_std + np.float32(HALF_LOG_TWO_PI)).sum()
        return parameters + np.exp(log_std) * noise, log_probs

    def mode(self, parameters: Float32) -> Float32:
        """Return the means."""
        return parameters


class Categorical:
    """One choice of n, by logits (M, n)."""

    def log_prob(self, parameters: Tensor, actions: Tensor) -> Tensor:
        """Log-probability (M,) of choices (M,)."""
        return torch.log_softmax(parameters, -1).gather(-1, actions.long()[:, None]).squeeze(-1)

    def entropy(self, parameters: Tensor) -> Tensor:
        """Mean of -sum p log p."""
        log_p = torch.log_softmax(parameters, -1)
        return -(log_p.exp() * log_p).sum(-1).mean()

    def noise(self, rng: np.random.Generator, steps: int) -> Float32:
        """Uniform numbers in [0, 1)."""
        return rng.random((steps, 1), np.float32)

    def sample(self, parameters: Float32, noise: Float32) -> tuple[npt.NDArray[np.int32], Float32]:
        """Invert the distribution function at the noise."""
        shifted = parameters - parameters.max(-1, keepdims=True)
        weights = np.exp(shifted)
        below = np.cumsum(weights, -1)
        total = below[:, -1:]
        # The last choice is never left out where rounding puts the noise past the sum.
        actions = (below[:, :-1] <= noise * total).sum(-1, dtype=np.int32)
        rows = np.arange(len(actions))
        return actions, shifted[rows, actions] - np.log(total[:, 0])

    def mode(self, parameters: Float32) -> npt.NDArray[np.int32]:
        """Return the largest logit's choice."""
        return np.asarray(parameters.argmax(-1), np.int32)


class MultiCategorical:
    """Several independent choices, component a one of sizes[a]; logits (M, sum of sizes) side by side."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = list(sizes)
        self.part = Categorical()
        self.ends = np.cumsum(sizes)[:-1]

    def log_prob(self, parameters: Tensor, actions: Tensor) -> Tensor:
        """Sum over the components of actions (M, A)."""
        parts = torch.split(parameters, self.sizes, -1)
        return torch.stack([self.part.log_prob(one, actions[:, a]) for a, one in enumerate(parts)]).sum(0)

    def entropy(self, parameters: Tensor) -> Tensor:
        """Sum over the components."""
        return torch.stack([self.part.entropy(one) for one in torch.split(parameters, self.sizes, -1)]).sum(0)

    def noise(self, rng: np.random.Generator, steps: int) -> Float32:
        """Uniform numbers in [0, 1), one a component."""
        return rng.random((steps, len(self.sizes)), np.float32)

    def sample(self, parameters: Float32, noise: Float32) -> tuple[npt.NDArray[np.int32], Float32]:
        """Sample each component with its own noise."""
        parts = np.split(parameters, self.ends, -1)
        drawn = [self.part.sample(one, noise[:, a : a + 1]) for a, one in enumerate(parts)]
        return np.stack([actions for actions, _ in drawn], -1), np.sum([log_probs for _, log_probs in drawn], 0)

    def mode(self, parameters: Float32) -> npt.NDArray[np.int32]:
        """Return each component's largest logit."""
        return np.stack([self.part.mode(one) for one in np.split(parameters, self.ends, -1)], -1)


class Bernoulli:
    """Independent bits, by the logits (M, A) of a one."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def log_prob(self, parameters: Tensor, actions: Tensor) -> Tensor:
        """Sum over the bits (M, A)."""
        return -torch.nn.functional.softplus(torch.where(actions > 0, -parameters, parameters)).sum(-1)

    def entropy(self, parameters: Tensor) -> Tensor:
        """Mean over the states of the sum over the bits."""
        softplus = torch.nn.functional.softplus
        return (softplus(parameters) - parameters * torch.sigmoid(parameters)).sum(-1).mean()

    def noise(self, rng: np.random.Generator, steps: int) -> Float32:
        """Uniform numbers in [0, 1), one a bit."""
        return rng.random((steps, self.bits), np.float32)

    def sample(self, parameters: Float32, noise: Float32) -> tuple[npt.NDArray[np.int32], Float32]:
        """Return one where the noise is below the probability."""
        actions = (noise < 1 / (1 + np.exp(-parameters))).astype(np.int32)
        log_probs = -np.logaddexp(np.float32(0), np.where(actions > 0, -parameters, parameters)).sum(-1)
        return actions, log_probs

    def mode(self, parameters: Float32) -> npt.NDArray[np.int32]:
        """Return one where it is likelier than zero."""
        return (parameters > 0).astype(np.int32)


def head_of(action: ActionSpec, log_std: Tensor | None) -> Head:
    """Return the distribution over an action; log_std: (A,), of continuous ones."""
    if action.kind == "continuous":
        assert log_std is not None
        return Gaussian(log_std)
    if action.kind == "discrete":
        return Categorical()
    return MultiCategorical(action.sizes) if action.kind == "multidiscrete" else Bernoulli(len(action.sizes))
