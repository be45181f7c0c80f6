import numpy as np
import pytest
import torch

from soleus.errors import UserError
from soleus.exchange.weights import ACTIVATIONS, NetworkSpec, Weights, check_policy, check_state, layers, policy_tensors
from soleus.nets.mlp import build_network

SPEC = NetworkSpec(3, (4, 5), 2, "leaky_relu", "relu_tanh")


def state() -> dict[str, np.ndarray]:
    return {name: np.zeros(shape, np.float32) for name, shape in SPEC.tensors().items()}


def test_names_and_shapes_are_those_of_torch() -> None:
    for activation in ACTIVATIONS[:4]:
        for output in ACTIVATIONS:
            spec = NetworkSpec(3, (4, 5), 2, activation, output)
            network = build_network(spec, torch.Generator(), 1.0)
            assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == spec.tensors()


def test_layers_compute_what_torch_computes() -> None:
    network = build_network(SPEC, torch.Generator().manual_seed(0), 1.0)
    x = torch.randn(7, 3)
    hidden = x.numpy()
    for weight, bias, activation in layers(SPEC, network.state_dict()):
        assert weight.flags.c_contiguous
        assert weight.dtype == bias.dtype == np.float32
        hidden = hidden @ weight.T + bias
        hidden = np.where(hidden > 0, hidden, 0.2 * hidden) if activation == "leaky_relu" else hidden
        hidden = np.maximum(np.tanh(hidden), 0) if activation == "relu_tanh" else hidden
    np.testing.assert_allclose(hidden, network(x).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_whole_state_passes() -> None:
    check_state(SPEC, state(), "muscle network")


def test_missing_tensor() -> None:
    broken = state()
    del broken["2.bias"]
    with pytest.raises(UserError, match=r"muscle network: expected tensor '2.bias' of shape \(5,\), but it is missing"):
        check_state(SPEC, broken, "muscle network")


def test_extra_tensor() -> None:
    with pytest.raises(UserError, match=r"net: unexpected tensor '6.weight'"):
        check_state(SPEC, {**state(), "6.weight": np.zeros(1)}, "net")


def test_misshapen_tensor() -> None:
    broken = {**state(), "0.weight": np.zeros((3, 4), np.float32)}
    with pytest.raises(UserError, match=r"net: expected tensor '0.weight' of shape \(4, 3\), got \(3, 4\)"):
        check_state(SPEC, broken, "net")


def test_values_that_are_not_finite() -> None:
    broken = {**state(), "0.bias": np.full(4, np.inf, np.float32)}
    with pytest.raises(UserError, match=r"net: expected finite values in tensor '0.bias'"):
        check_state(SPEC, broken, "net")


def test_values_that_are_no_floats() -> None:
    with pytest.raises(UserError, match=r"net: expected floating-point values in tensor '0.bias', got int64"):
        check_state(SPEC, {**state(), "0.bias": np.zeros(4, np.int64)}, "net")


def test_normalizer_has_to_be_positive() -> None:
    policy = {name: np.ones(shape, np.float32) for name, shape in policy_tensors(SPEC).items()}
    check_policy(SPEC, policy)
    with pytest.raises(UserError, match=r"expected positive values in tensor 'normalizer.std'"):
        check_policy(SPEC, {**policy, "normalizer.std": np.zeros(3, np.float32)})


def test_unknown_activation() -> None:
    with pytest.raises(UserError, match=r"expected an activation of tanh, .*, got 'swish'"):
        NetworkSpec(1, (2,), 1, "swish")


def test_weights_are_taken_by_name_whatever_their_order() -> None:
    shapes = {"a": (2,), "b": (3,)}
    one, other = Weights(shapes), Weights(dict(reversed(shapes.items())))
    other["a"][:], other["b"][:] = 1, 2
    one.load(other)
    assert one.flat.tolist() == [1, 1, 2, 2, 2]
    assert other.flat.tolist() == [2, 2, 2, 1, 1]
