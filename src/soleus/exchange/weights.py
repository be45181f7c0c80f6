"""Networks described once: shapes and tensor names that the collectors and the learner both hold to.

Neither torch nor the native core appears here. A network is a `NetworkSpec`; its weights are a mapping from the names
that ``torch.nn.Sequential`` gives ("0.weight", "0.bias", "2.weight", ...) to arrays or tensors.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.config import CoordinationConfig, PolicyConfig
from soleus.errors import UserError

Float32 = npt.NDArray[np.float32]

ACTIVATIONS = ("tanh", "relu", "elu", "leaky_relu", "identity", "relu_tanh")
LEAKY_SLOPE = 0.2
OBSERVATION_CLIP = 10.0  # normalised observations are clipped to +- this before they enter a network
TORQUE_SCALE = 200.0  # [N m] divides both inputs of the muscle network


@dataclass(frozen=True)
class NetworkSpec:
    """A multilayer perceptron: sizes and activations. Activations are those of ACTIVATIONS."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: str
    output_activation: str = "identity"

    def __post_init__(self) -> None:
        for name in (self.activation, self.output_activation):
            if name not in ACTIVATIONS:
                raise UserError(f"expected an activation of {', '.join(ACTIVATIONS)}, got '{name}'")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths from the inputs to the outputs."""
        return (self.inputs, *self.hidden, self.outputs)

    @property
    def activations(self) -> list[str]:
        """The activation of each layer."""
        return [self.activation] * len(self.hidden) + [self.output_activation]

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor by its name; weights are (outputs, inputs) as torch keeps them."""
        shapes: dict[str, tuple[int, ...]] = {}
        for i, (fan_in, fan_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            shapes[f"{2 * i}.weight"] = (fan_out, fan_in)
            shapes[f"{2 * i}.bias"] = (fan_out,)
        return shapes


def policy_network(policy: PolicyConfig, observation_size: int, action_size: int) -> NetworkSpec:
    """Return the network that gives the mean action from normalised observations."""
    return NetworkSpec(observation_size, policy.hidden, action_size, policy.activation)


def muscle_network(coordination: CoordinationConfig, crossings: int, actuated: int, muscles: int) -> NetworkSpec:
    """Return the muscle coordination network: (moments, desired - passive torque) / TORQUE_SCALE -> activations.

    crossings, actuated: of the MuscleLayout, the non-zeros of the moment matrix and its rows.
    """
    return NetworkSpec(crossings + actuated, coordination.hidden, muscles, "leaky_relu", "relu_tanh")


def policy_tensors(spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
    """Shapes of a whole policy: its network under "net.", the log standard deviations, the observation normaliser.

    The network sees clip((observation - mean) / std, +-OBSERVATION_CLIP); std already includes its epsilon.
    """
    return {
        **{f"net.{name}": shape for name, shape in spec.tensors().items()},
        "log_std": (spec.outputs,),
        "normalizer.mean": (spec.inputs,),
        "normalizer.std": (spec.inputs,),
    }


class Weights(Mapping[str, Float32]):
    """Tensors by name that lie side by side in one float32 vector, `flat`: copied, published and taken whole.

    flat: the vector to lie in, as one that processes share; by default a new one, of zeros.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], flat: Float32 | None = None) -> None:
        self.shapes = dict(shapes)
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes.values()])
        self.flat: Float32 = np.zeros(int(ends[-1]) if len(ends) else 0, np.float32) if flat is None else flat
        self._views = {
            name: self.flat[int(end) - int(np.prod(shape)) : int(end)].reshape(shape)
            for (name, shape), end in zip(self.shapes.items(), ends, strict=True)
        }

    def __getitem__(self, name: str) -> Float32:
        """Return a view: it changes with the vector."""
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over a state of these names and shapes: in one copy where its tensors lie in the same order."""
        if isinstance(state, Weights) and list(state.shapes) == list(self.shapes):
            self.flat[:] = state.flat
        else:
            for name, view in self._views.items():
                view[...] = to_numpy(state[name])


def to_numpy(tensor: Any) -> npt.NDArray[Any]:
    """Return an array for an array or a torch tensor on any device."""
    return np.asarray(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor)


def check_tensors(shapes: Mapping[str, tuple[int, ...]], state: Mapping[str, Any], what: str) -> None:
    """Raise UserError naming the first missing, extra, misshapen or non-finite tensor of a state.

    Weights made for these shapes are looked through as the one vector that they are.
    """
    if isinstance(state, Weights) and state.shapes == shapes and np.isfinite(state.flat).all():
        return
    missing = [name for name in shapes if name not in state]
    if missing:
        raise UserError(f"{what}: expected tensor '{missing[0]}' of shape {shapes[missing[0]]}, but it is missing")
    extra = [name for name in state if name not in shapes]
    if extra:
        raise UserError(f"{what}: unexpected tensor '{extra[0]}'; expected only {', '.join(shapes)}")
    for name, shape in shapes.items():
        array = to_numpy(state[name])
        if array.shape != shape:
            raise UserError(f"{what}: expected tensor '{name}' of shape {shape}, got {array.shape}")
        if not np.issubdtype(array.dtype, np.floating):
            raise UserError(f"{what}: expected floating-point values in tensor '{name}', got {array.dtype}")
        if not np.isfinite(array).all():
            raise UserError(f"{what}: expected finite values in tensor '{name}', got some that are not")


_FULLY_CONNECTED = re.compile(r"fc\.?(\d+)\.(weight|bias)")


def sequential_names(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state under the names of NetworkSpec.tensors.

    Layers may also be called fc.0, fc.2, fc.4, ... (a Sequential named fc) or fc1, fc2, fc3, ...; other names stay.
    """
    found = [_FULLY_CONNECTED.fullmatch(name) for name in state]
    numbers = sorted({int(match[1]) for match in found if match})
    return {
        f"{2 * numbers.index(int(match[1]))}.{match[2]}" if match else name: tensor
        for (name, tensor), match in zip(state.items(), found, strict=True)
    }


def check_state(spec: NetworkSpec, state: Mapping[str, Any], what: str) -> None:
    """Raise UserError naming the first missing, extra, misshapen or non-finite tensor of a plain network's state."""
    check_tensors(spec.tensors(), state, what)


def check_policy(
    policy: NetworkSpec | Mapping[str, tuple[int, ...]], state: Mapping[str, Any], what: str = "policy"
) -> None:
    """Like check_state, for a whole policy; the normaliser's std has to be positive.

    policy: its network (see policy_tensors), or the shapes of all its tensors.
    """
    shapes = policy_tensors(policy) if isinstance(policy, NetworkSpec) else policy
    check_tensors(shapes, state, what)
    if "normalizer.std" in shapes and not (to_numpy(state["normalizer.std"]) > 0).all():
        raise UserError(f"{what}: expected positive values in tensor 'normalizer.std', got some that are not")


def layers(spec: NetworkSpec, state: Mapping[str, Any], prefix: str = "") -> list[tuple[Float32, Float32, str]]:
    """Return per layer (weight (out, in) C-contiguous, bias (out,), activation), the form that the core takes."""
    count = len(spec.sizes) - 1
    return [
        (
            np.ascontiguousarray(to_numpy(state[f"{prefix}{2 * i}.weight"]), np.float32),
            np.ascontiguousarray(to_numpy(state[f"{prefix}{2 * i}.bias"]), np.float32),
            spec.activation if i < count - 1 else spec.output_activation,
        )
        for i in range(count)
    ]


def core_policy(
    spec: NetworkSpec, state: Mapping[str, Any]
) -> tuple[list[tuple[Float32, Float32, str]], Float32, Float32, Float32]:
    """Return a policy as the core takes it: its layers, then mean and deviation of the normaliser, and log_std.

    Raises UserError for a state that does not fit.
    """
    check_policy(spec, state)
    mean, std, log_std = (
        np.ascontiguousarray(to_numpy(state[name]), np.float32)
        for name in ("normalizer.mean", "normalizer.std", "log_std")
    )
    return layers(spec, state, "net."), mean, std, log_std
