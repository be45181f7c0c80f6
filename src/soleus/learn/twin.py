"""A network that the core learns and torch keeps."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from soleus import _core
from soleus.exchange.weights import to_numpy
from soleus.learn.adam import Adam


class Twin:
    """A network in torch and in the core: weights and Adam's moments go from one to the other and back."""

    def __init__(self, network: _core.LearntNetwork, parameters: Sequence[Tensor], optimizer: Adam) -> None:
        self.network, self.parameters, self.optimizer = network, list(parameters), optimizer

    def load_weights(self) -> None:
        """Give the core the weights alone."""
        self.network.load_weights([to_numpy(one.detach()) for one in self.parameters])

    def load(self) -> None:
        """Give the core weights and moments; those of a new optimizer are zero."""
        for one in self.parameters:
            if not self.optimizer.state[one]:
                moments = {name: torch.zeros_like(one.detach()) for name in ("exp_avg", "exp_avg_sq")}
                self.optimizer.state[one].update({"step": torch.zeros(()), **moments})
        steps = {int(self.optimizer.state[one]["step"]) for one in self.parameters}
        assert len(steps) == 1, "one network's parameters have taken the same steps"
        self.network.load(*self._arrays(), steps=steps.pop())

    def store(self) -> None:
        """Take weights and moments back."""
        self.network.store(*self._arrays())
        for one in self.parameters:
            self.optimizer.state[one]["step"].fill_(self.network.steps)

    def _arrays(self) -> tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]], list[npt.NDArray[Any]]]:
        states = [self.optimizer.state[one] for one in self.parameters]
        first, second = ([to_numpy(state[name]) for state in states] for name in ("exp_avg", "exp_avg_sq"))
        return [to_numpy(one.detach()) for one in self.parameters], first, second

    @property
    def rate(self) -> float:
        """The learning rate of its parameters."""
        groups = self.optimizer.param_groups
        return float(next(group["lr"] for group in groups if any(one is self.parameters[0] for one in group["params"])))
