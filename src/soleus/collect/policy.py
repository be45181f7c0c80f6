"""The policy in rollouts of environments: torch computes the network, NumPy samples by keyed random numbers."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from soleus.config import RunConfig
from soleus.exchange.batch import Layout
from soleus.exchange.weights import check_policy
from soleus.nets.policy import build_policy, normalize, weights_of
from soleus.nets.precision import effective_precision

Array = npt.NDArray[Any]


class ActingPolicy(Protocol):
    """What a rollout needs of a policy: actions for observations."""

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Swap the weights whole; raises UserError, the old ones staying, for a state that does not fit."""

    def begin(self, round_number: int, steps: int) -> None:
        """Prepare a round of so many steps; its random numbers depend on its number."""

    def act(self, t: int, observations: Array, actions: Array, log_probs: Array) -> None:
        """Write actions and their log-densities for the observations of step t, in place."""


class TorchPolicy:
    """The policy of a configuration on environments first ... first + count - 1.

    The random numbers of an action depend only on (seed, environment, round, step), not on who steps the environment.
    """

    def __init__(self, config: RunConfig, layout: Layout, first: int, count: int) -> None:
        precision = effective_precision(config.ppo.precision, layout.observation.is_image)
        self.policy = build_policy(config.policy, layout, torch.Generator(), precision).requires_grad_(False)
        self.weights = weights_of(self.policy, layout.observation)
        self._seed, self._first, self._count = config.train.seed, first, count
        self._noise: Array = np.zeros(0, np.float32)
        self._network = self.policy.frozen()
        self._normalizer: tuple[torch.Tensor, torch.Tensor] | None = None
        if not layout.observation.is_image:
            mean, std = (torch.from_numpy(self.weights[f"normalizer.{name}"]) for name in ("mean", "std"))
            self._normalizer = mean, std

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Take over weights, in one copy."""
        check_policy(self.weights.shapes, state)
        self.weights.load(state)
        self._network = self.policy.frozen()

    def take(self, flat: npt.NDArray[np.float32]) -> None:
        """Take over weights of the same policy, as weights.flat, in one copy."""
        self.weights.flat[:] = flat
        self._network = self.policy.frozen()

    def begin(self, round_number: int, steps: int) -> None:
        """Draw the round's random numbers."""
        streams = []
        for env in range(self._first, self._first + self._count):
            source = np.random.Philox(key=[self._seed, env], counter=[0, 0, 0, round_number])
            streams.append(self.policy.head.noise(np.random.Generator(source), steps))
        self._noise = np.stack(streams, axis=1)  # (T, M, components)

    @torch.inference_mode()
    def parameters(self, observations: Array) -> npt.NDArray[np.float32]:
        """Return the distribution's parameters (M, P) at raw observations."""
        seen = torch.from_numpy(observations)
        if self._normalizer:
            seen = normalize(seen, *self._normalizer)
        parameters: npt.NDArray[np.float32] = self._network(seen).numpy()
        return parameters

    def act(self, t: int, observations: Array, actions: Array, log_probs: Array) -> None:
        """Sample actions; write them and their log-densities."""
        actions[...], log_probs[...] = self.policy.head.sample(self.parameters(observations), self._noise[t])

    def likeliest(self, observations: Array) -> Array:
        """Return the likeliest actions."""
        return self.policy.head.mode(self.parameters(observations))
