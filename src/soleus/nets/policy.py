"""The policy and the value function: an encoder where images are seen, networks on its features, a distribution."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from soleus.config import PolicyConfig, PpoConfig
from soleus.errors import UserError
from soleus.exchange.batch import Layout
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.exchange.weights import OBSERVATION_CLIP, NetworkSpec, Weights, policy_network
from soleus.nets.heads import Head, head_of
from soleus.nets.mlp import build_network


def normalize(observations: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return what a policy's network sees of raw observations (M, D); std (D,) includes its epsilon.

    Rollouts and the learner have to see the same bits: the ratio of an action's probabilities then starts at 1.
    """
    return (observations - mean).div_(std).clamp_(-OBSERVATION_CLIP, OBSERVATION_CLIP)


class FlatImage(nn.Module):
    """Pixels (M, H, W, C) of 0 to 255 as a vector of 0 to 1: what a multilayer perceptron makes of an image."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> Tensor:
        """Return (M, H W C)."""
        return images.flatten(1).float() / 255


def image_encoder(config: PolicyConfig, shape: tuple[int, ...], generator: torch.Generator) -> nn.Module:
    """Return what turns images of a shape (H, W, C) into features (M, encoder.features)."""
    from soleus.nets.cnn import ImpalaCnn, NatureCnn

    if config.network == "mlp":
        return FlatImage(math.prod(shape))
    height, width, channels = shape
    kind = ImpalaCnn if config.network == "impala_cnn" else NatureCnn
    return kind(height, width, channels, generator=generator)


class Policy(nn.Module):
    """A distribution over actions in every state: the network gives its parameters.

    encoder: of images; None for vectors. precision: of the encoder; everything after it is float32.
    """

    def __init__(
        self,
        encoder: nn.Module | None,
        spec: NetworkSpec,
        action: ActionSpec,
        initial_std: float,
        generator: torch.Generator,
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.precision = precision
        self.encoder = encoder
        self.spec = spec
        self.net = build_network(spec, generator, output_gain=0.01)
        self.log_std: nn.Parameter | None = None
        if action.kind == "continuous":
            self.log_std = nn.Parameter(torch.full((spec.outputs,), math.log(initial_std)))
        self.head: Head = head_of(action, self.log_std)

    @property
    def shares_features(self) -> bool:
        """Whether the encoder learns, from the value's gradient too."""
        return self.encoder is not None and any(True for _ in self.encoder.parameters())

    def features(self, observations: Tensor) -> Tensor:
        """Return features (M, F) of images (M, H, W, C) uint8; vectors, normalised, are their own."""
        if self.encoder is None:
            return observations
        half = self.precision == torch.bfloat16
        with torch.autocast(observations.device.type, torch.bfloat16, enabled=half):
            features: Tensor = self.encoder(observations)
        return features.float()

    def forward(self, observations: Tensor) -> Tensor:
        """Return the distribution's parameters (M, P)."""
        parameters: Tensor = self.net(self.features(observations))
        return parameters

    def frozen(self) -> Callable[[Tensor], Tensor]:
        """Return forward() for inference on the CPU, whose encoder may hold on to the weights of this moment.

        What is done once here, a rollout would do at every step.
        """
        from soleus.nets.cnn import ImpalaCnn, NatureCnn

        if self.precision != torch.bfloat16 or not isinstance(self.encoder, ImpalaCnn | NatureCnn):
            return self
        encoder = self.encoder.frozen()

        def parameters(observations: Tensor) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                features = encoder(observations)
            computed: Tensor = self.net(features.float())
            return computed

        return parameters


class Value(nn.Module):
    """The value function on features; its network works in units of (return - mean) / std.

    `rescale` changes those units without changing any value (PopArt, van Hasselt et al. 2016).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, spec: NetworkSpec, generator: torch.Generator) -> None:
        super().__init__()
        self.spec = spec
        self.net = build_network(spec, generator, output_gain=1.0)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    def normalized(self, features: Tensor) -> Tensor:
        """Values (M,) in the network's units at features (M, F)."""
        values: Tensor = self.net(features).squeeze(-1)
        return values

    def forward(self, features: Tensor) -> Tensor:
        """Values (M,) in units of the return at features (M, F)."""
        return self.normalized(features) * self.std + self.mean

    @torch.no_grad()
    def rescale(self, mean: float, std: float) -> None:
        """Work in units of a new mean and standard deviation of the returns."""
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(self.std / std)
        last.bias.mul_(self.std).add_(self.mean - mean).div_(std)
        self.mean.fill_(mean)
        self.std.fill_(std)


def build_policy(
    config: PolicyConfig, layout: Layout, generator: torch.Generator, precision: torch.dtype = torch.float32
) -> Policy:
    """Return the policy of a configuration for what a collector gives. Raises UserError where it cannot see that."""
    seen, action = layout.observation, layout.action
    if not seen.is_image:
        if config.network not in ("auto", "mlp"):
            raise UserError(
                f"policy.network: expected mlp for observations of shape {seen.shape}, got {config.network}"
            )
        spec = policy_network(config, seen.size, action.parameters)
        return Policy(None, spec, action, config.initial_std, generator)
    encoder = image_encoder(config, seen.shape, generator)
    hidden = config.hidden if config.network == "mlp" else ()
    features = encoder.features
    assert isinstance(features, int)
    spec = NetworkSpec(features, hidden, action.parameters, config.activation)
    return Policy(encoder, spec, action, config.initial_std, generator, precision)


def build_value(config: PpoConfig, policy: Policy, generator: torch.Generator) -> Value:
    """Return the value function on a policy's features: a network of its own, or one layer where a CNN is shared."""
    first = policy.net[0]
    assert isinstance(first, nn.Linear)
    hidden = () if policy.shares_features else config.value_hidden
    return Value(NetworkSpec(first.in_features, hidden, 1, config.value_activation), generator)


def weights_of(policy: Policy, observation: ObservationSpec) -> Weights:
    """Return weights, of this moment, that the policy lives in from now on: one vector, its parameters being views.

    Behind them stand the mean and standard deviation that normalise vectors. Whoever writes into the vector changes the
    policy, with a single copy; the policy has to be on the CPU.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in policy.state_dict().items()}
    if not observation.is_image:
        shapes |= {"normalizer.mean": observation.shape, "normalizer.std": observation.shape}
    weights = Weights(shapes)
    for name, parameter in policy.named_parameters():
        view = torch.from_numpy(weights[name])
        view.copy_(parameter.data)
        parameter.data = view
    if not observation.is_image:
        weights["normalizer.std"][:] = 1
    return weights
