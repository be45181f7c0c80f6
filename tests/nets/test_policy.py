import numpy as np
import pytest
import torch

from soleus.config import PolicyConfig, PpoConfig
from soleus.errors import UserError
from soleus.exchange.batch import Layout
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.exchange.weights import Weights
from soleus.nets.cnn import ImpalaCnn, NatureCnn
from soleus.nets.policy import FlatImage, build_policy, build_value, weights_of

IMAGES = Layout(2, ObservationSpec((40, 40, 3)), ActionSpec("discrete", (4,)))
VECTORS = Layout(2, ObservationSpec((6,)), ActionSpec("multidiscrete", (3, 2)))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    ("network", "encoder"),
    [("auto", NatureCnn), ("nature_cnn", NatureCnn), ("impala_cnn", ImpalaCnn), ("mlp", FlatImage)],
)
def test_images_choose_their_network(network: str, encoder: type) -> None:
    policy = build_policy(PolicyConfig(network=network, hidden=(8,)), IMAGES, generator())  # type: ignore[arg-type]
    assert isinstance(policy.encoder, encoder)
    images = torch.randint(0, 255, (5, 40, 40, 3), dtype=torch.uint8)
    assert policy(images).shape == (5, 4)
    value = build_value(PpoConfig(value_hidden=(8,)), policy, generator())
    assert value(policy.features(images)).shape == (5,)
    assert policy.shares_features == (network != "mlp")


def test_vectors_have_networks_of_their_own() -> None:
    policy = build_policy(PolicyConfig(hidden=(8, 8)), VECTORS, generator())
    assert policy.encoder is None
    assert policy(torch.zeros(5, 6)).shape == (5, 5)
    assert list(policy.state_dict()) == [f"net.{i}.{kind}" for i in (0, 2, 4) for kind in ("weight", "bias")]
    with pytest.raises(UserError, match=r"policy.network: expected mlp for observations of shape \(6,\), got nature"):
        build_policy(PolicyConfig(network="nature_cnn"), VECTORS, generator())


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("network", ["nature_cnn", "impala_cnn", "mlp"])
def test_a_frozen_policy_gives_the_same_bits(network: str, precision: torch.dtype) -> None:
    policy = build_policy(PolicyConfig(network=network), IMAGES, generator(), precision)  # type: ignore[arg-type]
    images = torch.randint(0, 255, (5, 40, 40, 3), dtype=torch.uint8, generator=generator())
    with torch.inference_mode():
        for _ in range(2):
            assert torch.equal(policy.frozen()(images), policy(images))
            for parameter in policy.parameters():
                parameter.data.mul_(1.5)


def test_the_policy_lives_in_its_weights() -> None:
    policy = build_policy(PolicyConfig(hidden=(8,)), VECTORS, generator())
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    weights = weights_of(policy, VECTORS.observation)
    assert list(weights) == [*before, "normalizer.mean", "normalizer.std"]
    for name, tensor in before.items():
        np.testing.assert_array_equal(weights[name], tensor.numpy())
    seen = torch.ones(1, 6)
    other = Weights(weights.shapes)
    other.flat[:] = 2 * weights.flat
    expected = policy(seen).detach().clone()
    weights.load(other)
    assert not torch.equal(policy(seen), expected)
    np.testing.assert_array_equal(policy.net[0].weight.detach().numpy(), 2 * before["net.0.weight"].numpy())
    weights.load({name: tensor for name, tensor in {**before, **{n: weights[n] for n in list(weights)[-2:]}}.items()})
    torch.testing.assert_close(policy(seen), expected)


def test_bfloat16_stays_near_float32() -> None:
    images = torch.randint(0, 255, (64, 40, 40, 3), dtype=torch.uint8)
    exact, rounded = (
        build_policy(PolicyConfig(), IMAGES, generator(), kind) for kind in (torch.float32, torch.bfloat16)
    )
    fine, coarse = exact.features(images), rounded.features(images)
    assert coarse.dtype == torch.float32
    assert (fine - coarse).norm() < 0.02 * fine.norm()
