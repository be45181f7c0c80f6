"""Multilayer perceptrons in torch, from a NetworkSpec."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from soleus.exchange.weights import LEAKY_SLOPE, NetworkSpec

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
