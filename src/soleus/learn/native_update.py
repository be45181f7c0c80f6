"""The update of proximal policy optimization in the core (cpp/learn): of two multilayer perceptrons, on CPUs."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from soleus import _core
from soleus.config import PpoConfig
from soleus.exchange.spaces import ActionSpec
from soleus.exchange.weights import to_numpy
from soleus.learn.adam import Adam
from soleus.learn.samples import Samples
from soleus.learn.twin import Twin
from soleus.learn.update import Epoch
from soleus.nets.policy import Policy, Value

_FIGURES = 5


class NativeUpdate:
    """Steps of Adam on all learner threads; the same number of threads gives the same bits."""

    @staticmethod
    def uncovered(policy: Policy, device: torch.device) -> str | None:
        """Say why the core does not cover a policy; None: it does."""
        if device.type != "cpu":
            return f"the device {device.type}"
        return None if policy.encoder is None else "observations that are images"

    def __init__(
        self, config: PpoConfig, policy: Policy, value: Value, optimizer: Adam, action: ActionSpec, threads: int
    ) -> None:
        self.optimizer, self.value = optimizer, value
        self.core = _core.PpoUpdate(
            policy=list(policy.spec.sizes),
            policy_activation=policy.spec.activation,
            value=list(value.spec.sizes),
            value_activation=value.spec.activation,
            kind=action.kind,
            sizes=list(action.sizes) if action.kind in ("discrete", "multidiscrete") else [len(action.sizes)],
            clip=config.clip,
            value_clip=config.value_clip,
            entropy=config.entropy,
            value_coefficient=config.value_coefficient,
            max_grad_norm=config.max_grad_norm,
            adam_epsilon=optimizer.defaults["eps"],
            threads=threads,
        )
        spreads = [] if policy.log_std is None else [policy.log_std]
        self.policy_twin = Twin(self.core.policy, [*policy.net.parameters(), *spreads], optimizer)
        self.value_twin = Twin(self.core.value, list(value.net.parameters()), optimizer)

    def at_work(self) -> AbstractContextManager[None]:
        """Nothing to prepare: the core's threads wait for its next call."""
        return nullcontext()

    def values(self, observations: Tensor) -> npt.NDArray[np.float32]:
        """Return values (M,) in units of the return at observations as the networks see them."""
        self.value_twin.load_weights()
        values = np.empty(len(observations), np.float32)
        self.core.values(to_numpy(observations), values)
        return values * np.float32(self.value.std) + np.float32(self.value.mean)

    @staticmethod
    def arrays_of(samples: Samples) -> dict[str, npt.NDArray[np.float32]]:
        """Return samples as the core takes them."""
        return {name: to_numpy(tensor.float().contiguous()) for name, tensor in vars(samples).items()}

    @contextmanager
    def of(self, samples: Samples) -> Iterator[Epoch]:
        """Give what takes an epoch's steps on samples; the weights in torch are the new ones at its end."""
        arrays = self.arrays_of(samples)
        twins = (self.policy_twin, self.value_twin)
        for twin in twins:
            twin.load()

        def epoch(order: Tensor, size: int) -> Tensor:
            figures = np.empty((-(-len(order) // size), _FIGURES), np.float32)
            self.core.epoch(arrays, to_numpy(order), size, self.policy_twin.rate, self.value_twin.rate, figures)
            return torch.from_numpy(figures)

        yield epoch
        for twin in twins:
            twin.store()

    def close(self) -> None:
        """Nothing to end: the core's threads are the calling thread's."""
