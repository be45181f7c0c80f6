import threading

import pytest
import torch
from torch import nn

from soleus.learn.replicas import Replicas


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("rows", [2, 50])
def test_the_mean_of_the_parts_is_the_whole(count: int, rows: int) -> None:
    net, data = network(), torch.randn(80, 6, generator=torch.Generator().manual_seed(1))
    index = torch.randperm(80, generator=torch.Generator().manual_seed(2))[:rows]

    def loss(part: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        out = net(data[part]).square()
        return out.mean(), torch.stack([out.detach().mean(), torch.tensor(3.0)])

    wanted = torch.autograd.grad(loss(index)[0], list(net.parameters()))
    shards = Replicas(list(net.parameters()), count)
    try:
        with shards.at_work():
            figures = shards.backward(loss, index)
        for parameter, gradient in zip(net.parameters(), wanted, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)
        torch.testing.assert_close(figures, torch.tensor([loss(index)[1][0].item(), 3.0]))
    finally:
        shards.close()


def test_work_is_shared_out_in_order() -> None:
    shards = Replicas([], 3)
    assert shards.map(lambda item: 10 * item, list(range(8))) == [0, 10, 20, 30, 40, 50, 60, 70]
    shards.close()


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    shards = Replicas([], 4)
    shards.map(lambda item: item, [1, 2, 3, 4])
    assert threading.active_count() > before
    shards.close()
    assert threading.active_count() == before


def test_an_error_of_a_part_comes_out() -> None:
    shards = Replicas([], 2)

    def fail(item: int) -> int:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item"):
        shards.map(fail, [0, 1])
    shards.close()
