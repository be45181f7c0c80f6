"""The update of proximal policy optimization by torch: of all networks, on all devices, and what others are held to."""

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from soleus.config import PpoConfig
from soleus.learn.adam import Adam
from soleus.learn.replicas import Replicas
from soleus.learn.samples import Samples
from soleus.learn.update import Epoch
from soleus.nets.policy import Policy, Value

_CHUNK = 512  # images whose values are computed at a time: their feature maps stay in the cache's reach


def clipped_surrogate(ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Mean of min(r A, clip(r, 1 - clip, 1 + clip) A), the objective to maximise."""
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).mean()


def value_loss(values: Tensor, old_values: Tensor, targets: Tensor, clip: float | None) -> Tensor:
    """Half the mean squared error; with clip, the worse of it and that of values held within clip of the old ones."""
    loss = (values - targets).square()
    if clip is not None:
        loss = torch.maximum(loss, (old_values + (values - old_values).clamp(-clip, clip) - targets).square())
    return 0.5 * loss.mean()


class TorchUpdate:
    """Steps of Adam on the losses' gradients, as torch finds them."""

    def __init__(self, config: PpoConfig, policy: Policy, value: Value, optimizer: Adam, shards: int) -> None:
        self.config, self.policy, self.value, self.optimizer = config, policy, value, optimizer
        nets = (policy, value)
        parameters = [one for net in nets for one in net.parameters()]
        # Apart, so that a rough value function does not slow the policy; together where they share an encoder.
        self._clipped = [parameters] if policy.shares_features else [list(net.parameters()) for net in nets]
        self.replicas = Replicas(parameters, shards)

    def at_work(self) -> AbstractContextManager[None]:
        """While it lasts, operations of this thread are not split over threads of their own."""
        return self.replicas.at_work()

    @torch.no_grad()
    def values(self, observations: Tensor) -> npt.NDArray[np.float32]:
        """Return values (M,) in units of the return at observations as the networks see them."""

        def values(part: Tensor) -> Tensor:
            return torch.as_tensor(self.value(self.policy.features(part))).cpu()

        image = observations.dim() > 2
        parts = torch.split(observations, _CHUNK) if image and len(observations) else (observations,)
        return torch.cat(self.replicas.map(torch.no_grad()(values), parts)).numpy()

    @contextmanager
    def of(self, samples: Samples) -> Iterator[Epoch]:
        """Give what takes an epoch's steps on samples."""
        yield functools.partial(self._epoch, samples)

    def _epoch(self, samples: Samples, order: Tensor, size: int) -> Tensor:
        return torch.stack([self.step(samples, index) for index in torch.split(order, size)]).cpu()

    def step(self, samples: Samples, index: Tensor) -> Tensor:
        """Take one gradient step on rows of the samples; return the figures of loss() (5,)."""
        figures = self.replicas.backward(lambda part: self.loss(samples.rows(part)), index)
        for parameters in self._clipped:
            nn.utils.clip_grad_norm_(parameters, self.config.max_grad_norm)
        self.optimizer.step()
        return figures

    def loss(self, rows: Samples) -> tuple[Tensor, Tensor]:
        """Return the loss, and policy loss, value loss, KL divergence, clipped share and entropy as a tensor (5,)."""
        config = self.config
        features = self.policy.features(rows.observations)
        parameters = self.policy.net(features)
        log_ratio = self.policy.head.log_prob(parameters, rows.actions) - rows.log_probs
        ratio = log_ratio.exp()
        policy_loss = -clipped_surrogate(ratio, rows.advantages, config.clip)
        loss_of_value = value_loss(self.value.normalized(features), rows.values, rows.targets, config.value_clip)
        loss = policy_loss + config.value_coefficient * loss_of_value
        entropy = self.policy.head.entropy(parameters)
        if config.entropy:
            loss = loss - config.entropy * entropy
        with torch.no_grad():
            # The low-variance unbiased estimate of KL(old, new) by Schulman, "Approximating KL divergence" (2020).
            kl = (ratio - 1 - log_ratio).mean()
            clipped = ((ratio - 1).abs() > config.clip).float().mean()
            return loss, torch.stack([policy_loss, loss_of_value, kl, clipped, entropy])

    def close(self) -> None:
        """End the threads that learn."""
        self.replicas.close()
