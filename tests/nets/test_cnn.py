import copy
import threading

import pytest
import torch

from soleus import _core
from soleus.errors import UserError
from soleus.nets import native
from soleus.nets.cnn import ImpalaCnn, NatureCnn

KINDS = [NatureCnn, ImpalaCnn]
Network = NatureCnn | ImpalaCnn


def network(kind: type[Network], shape: tuple[int, ...] = (64, 64, 3), seed: int = 0, **options) -> Network:
    return kind(*shape, generator=torch.Generator().manual_seed(seed), **options)


def pixels(count: int, shape: tuple[int, ...] = (64, 64, 3), seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)


def computed(
    net: Network, images: torch.Tensor, bfloat16: bool = False, through_torch: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and the gradients of all parameters, in one row, for random gradients of the features."""
    with pytest.MonkeyPatch.context() as patch:
        if through_torch:
            patch.setattr(native, "takes", lambda *_: False)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            features = net(images)
    grad = torch.randn(features.shape, generator=torch.Generator().manual_seed(1)).to(features.dtype)
    grads = torch.autograd.grad(features, list(net.parameters()), grad)
    return features.detach(), torch.cat([one.flatten() for one in grads])


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.float() - b.float()).norm() / b.float().norm())


@pytest.mark.parametrize(("kind", "features"), [(NatureCnn, 512), (ImpalaCnn, 256)])
@pytest.mark.parametrize("shape", [(64, 64, 3), (84, 84, 4), (36, 41, 1)])
def test_shapes_and_types(kind: type[Network], features: int, shape: tuple[int, ...]) -> None:
    net = network(kind, shape)
    images = pixels(3, shape)
    assert net.features == features
    assert net(images).shape == (3, features)
    assert net(images).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert net(images).shape == (3, features)
        assert net(images).dtype == torch.bfloat16
        assert net(images.float()).equal(net(images)), "the same numbers of another type"
    assert (net(images) >= 0).all()


def test_the_networks_are_those_of_the_papers() -> None:
    shapes = [tuple(conv.weight.shape) for conv in network(NatureCnn).convolutions()]
    assert shapes == [(32, 3, 8, 8), (64, 32, 4, 4), (64, 64, 3, 3)]
    assert network(NatureCnn).linear.in_features == 64 * 4 * 4
    impala = network(ImpalaCnn)
    assert len(impala.convolutions()) == 15
    assert impala.linear.in_features == 32 * 8 * 8


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_decide(kind: type[Network]) -> None:
    torch.manual_seed(7)
    one, same, other = (network(kind, seed=seed) for seed in (3, 3, 4))
    state = one.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in same.state_dict().items())
    assert not torch.equal(state["linear.weight"], other.state_dict()["linear.weight"])


def test_initialisation() -> None:
    nature = network(NatureCnn)
    rows = nature.conv2.weight.flatten(1)
    torch.testing.assert_close(rows @ rows.T, 2 * torch.eye(64), atol=1e-4, rtol=0)
    assert not nature.conv2.bias.any()
    conv = network(ImpalaCnn).convolutions()[1]
    bound = 1 / (16 * 9) ** 0.5
    assert 0.98 * bound < conv.weight.max() <= bound
    assert conv.bias.any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(64, 64, 3), (40, 61, 2), (37, 36, 1)])
def test_bfloat16_stays_near_float32(kind: type[Network], shape: tuple[int, ...]) -> None:
    net, images = network(kind, shape), pixels(16, shape)
    exact, exact_grads = computed(net, images)
    ours, grads = computed(net, images, bfloat16=True)
    plain, plain_grads = computed(net, images, bfloat16=True, through_torch=True)
    assert distance(ours, exact) < 0.01
    assert distance(ours, exact) < 1.3 * distance(plain, exact)
    # Roundings move maxima and signs, and with them whole gradients: torch's too.
    assert distance(grads, exact_grads) < 0.15
    assert distance(grads, exact_grads) < 1.3 * distance(plain_grads, exact_grads)


needs_products = pytest.mark.skipif(
    _core.bfloat16_products() == "none", reason="this processor does not multiply in bfloat16"
)


@needs_products
@pytest.mark.parametrize("kind", KINDS)
def test_native_gradients_are_the_same_bits_at_any_number_of_threads(kind: type[Network]) -> None:
    net, images = network(kind), pixels(40)
    before = torch.get_num_threads()
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        flat = native.convolutions(net.native(), images, [p for conv in net.convolutions() for p in conv.parameters()])
        grads = torch.autograd.grad(flat.float().square().sum(), [conv.weight for conv in net.convolutions()])
        results.append([flat, *grads])
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for result in results[1:] for a, b in zip(result, results[0], strict=True))


@needs_products
def test_weights_are_those_of_the_moment() -> None:
    net, images = network(ImpalaCnn), pixels(2)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        before = net(images)
        net.convolutions()[3].weight.data.mul_(2)  # a write that torch's version counters do not see
        assert not torch.equal(net(images), before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bfloat16", [False, True])
def test_several_threads_may_compute_at_a_time(kind: type[Network], bfloat16: bool) -> None:
    net, images = network(kind), pixels(12)
    expected = computed(net, images, bfloat16)
    near = []

    def work() -> None:
        torch.set_num_threads(1)
        for _ in range(3):
            got = computed(copy.deepcopy(net), images, bfloat16)
            near.append(max(distance(a, b) for a, b in zip(got, expected, strict=True)))

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(near) == 9
    assert max(near) < 1e-4


@pytest.mark.parametrize("through_torch", [False, True])
def test_images_that_are_not_whole_or_not_bytes(through_torch: bool) -> None:
    net, images = network(ImpalaCnn, (20, 24, 3)), pixels(6, (24, 20, 3))
    turned = images.permute(0, 2, 1, 3)
    assert not turned.is_contiguous()
    for bfloat16 in (False, True):
        expected = computed(net, turned.contiguous(), bfloat16, through_torch)
        for other in (turned, turned.float(), turned.double()):
            got = computed(net, other, bfloat16, through_torch)
            assert distance(got[0], expected[0]) < 0.01
    scaled = network(ImpalaCnn, (20, 24, 3), scale=1.0)
    torch.testing.assert_close(scaled(turned.float() / 255), net(turned), rtol=1e-4, atol=1e-6)


def test_gradients_reach_images_that_ask_for_them() -> None:
    net, images = network(NatureCnn), pixels(2).float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        net(images).sum().backward()
    assert images.grad is not None
    assert images.grad.any()


def test_gradients_are_right_in_numbers() -> None:
    net, images = network(ImpalaCnn, (6, 5, 2), widths=(16,), features=3), pixels(2, (6, 5, 2))
    loss = lambda: net(images).double().square().sum()  # noqa: E731
    weight = net.convolutions()[1].weight
    (grad,) = torch.autograd.grad(loss(), weight)
    with torch.no_grad():
        for at in [(0, 0, 1, 1), (5, 3, 0, 2), (15, 15, 2, 2)]:
            numbers = []
            for step in (1e-2, -2e-2):
                weight[at] += step
                numbers.append(float(loss()))
            weight[at] += 1e-2
            assert float(grad[at]) == pytest.approx((numbers[0] - numbers[1]) / 2e-2, rel=0.05, abs=1e-5)


def test_other_widths() -> None:
    for widths in [(16,), (32, 64), (24, 8), (16, 16, 16, 48)]:
        net, images = network(ImpalaCnn, (17, 12, 3), widths=widths, features=9), pixels(3, (17, 12, 3))
        exact, ours = computed(net, images), computed(net, images, bfloat16=True)
        assert distance(ours[0], exact[0]) < 0.02


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network(NatureCnn, (35, 64, 3)), r"at least 36x36x1 \(height, width, channels\), got 35x64x3"),
        (lambda: network(ImpalaCnn, (0, 4, 3)), r"at least 1x1x1 \(height, width, channels\), got 0x4x3"),
        (lambda: network(ImpalaCnn, (4, 4, 0)), r"at least 1x1x1 .* got 4x4x0"),
        (lambda: network(ImpalaCnn, widths=()), r"expected one or more widths above 0, got \(\)"),
        (lambda: network(ImpalaCnn)(pixels(2, (64, 63, 3))), r"of shape \(M, \*\(64, 64, 3\)\), got \(2, 64, 63, 3\)"),
    ],
)
def test_what_does_not_fit_is_an_error(make, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
