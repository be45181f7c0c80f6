"""Torch modules from a NetworkSpec: the Gaussian policy, the value function, the muscle network."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from soleus.networks import LEAKY_SLOPE, NetworkSpec, to_numpy

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_GAINS = {"tanh": 5 / 3, "relu": math.sqrt(2), "elu": 1.0, "leaky_relu": math.sqrt(2 / (1 + LEAKY_SLOPE**2))}


class ReluTanh(nn.Module):
    """relu(tanh(x)): the activations of the muscle network, 0 <= a < 1."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of x's shape."""
        return torch.relu(torch.tanh(x))


def _activation(name: str) -> nn.Module:
    modules: dict[str, Any] = {
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "elu": nn.ELU,
        "leaky_relu": lambda: nn.LeakyReLU(LEAKY_SLOPE),
        "relu_tanh": ReluTanh,
    }
    module: nn.Module = modules[name]()
    return module


def build_network(spec: NetworkSpec, generator: torch.Generator, output_gain: float) -> nn.Sequential:
    """Return the network of a spec: orthogonal weights (Saxe et al. 2014), zero biases.

    output_gain: of the last layer. An identity output activation adds no module, so that names stay those of
    NetworkSpec.tensors either way.
    """
    modules: list[nn.Module] = []
    gain = _GAINS[spec.activation]
    pairs = list(zip(spec.sizes, spec.sizes[1:], strict=False))
    for i, (fan_in, fan_out) in enumerate(pairs):
        last = i == len(pairs) - 1
        linear = nn.Linear(fan_in, fan_out)
        nn.init.orthogonal_(linear.weight, output_gain if last else gain, generator=generator)
        nn.init.zeros_(linear.bias)
        modules.append(linear)
        name = spec.output_activation if last else spec.activation
        if name != "identity":
            modules.append(_activation(name))
    return nn.Sequential(*modules)


class Policy(nn.Module):
    """A Gaussian over actions: the network gives the mean; the standard deviation does not depend on the state."""

    def __init__(self, spec: NetworkSpec, initial_std: float, generator: torch.Generator) -> None:
        super().__init__()
        self.net = build_network(spec, generator, output_gain=0.01)
        self.log_std = nn.Parameter(torch.full((spec.outputs,), math.log(initial_std)))

    def log_prob(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Log-density (M,) of actions (M, A) at normalised observations (M, D)."""
        return gaussian_log_prob(self.net(observations), self.log_std, actions)

    def entropy(self) -> Tensor:
        """Differential entropy [nat] of the actions, the same in every state."""
        return self.log_std.sum() + self.log_std.numel() * (0.5 + _HALF_LOG_TWO_PI)

    def export(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return copies of the weights by the names of networks.policy_tensors, without the normaliser."""
        return {name: to_numpy(tensor).copy() for name, tensor in self.state_dict().items()}


def gaussian_log_prob(mean: Tensor, log_std: Tensor, actions: Tensor) -> Tensor:
    """Log-density (M,) of actions (M, A) under independent normals of mean (M, A) and log_std (A,)."""
    z = (actions - mean) * torch.exp(-log_std)
    return -0.5 * z.square().sum(-1) - (log_std + _HALF_LOG_TWO_PI).sum()


class Value(nn.Module):
    """The value function; its network works in units of (return - mean) / std.

    `rescale` changes those units without changing any value (PopArt, van Hasselt et al. 2016).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, spec: NetworkSpec, generator: torch.Generator) -> None:
        super().__init__()
        self.net = build_network(spec, generator, output_gain=1.0)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    def normalized(self, observations: Tensor) -> Tensor:
        """Values (M,) in the network's units at normalised observations (M, D)."""
        values: Tensor = self.net(observations).squeeze(-1)
        return values

    def forward(self, observations: Tensor) -> Tensor:
        """Values (M,) in units of the return at normalised observations (M, D)."""
        return self.normalized(observations) * self.std + self.mean

    @torch.no_grad()
    def rescale(self, mean: float, std: float) -> None:
        """Work in units of a new mean and standard deviation of the returns."""
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(self.std / std)
        last.bias.mul_(self.std).add_(self.mean - mean).div_(std)
        self.mean.fill_(mean)
        self.std.fill_(std)
