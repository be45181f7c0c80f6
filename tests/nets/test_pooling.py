import threading

import pytest
import torch
from torch.nn import functional

from soleus.nets.pooling import max_pool


def pooled(images: torch.Tensor, pool, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled images, and the gradient of the images for random gradients."""
    images = images.detach().requires_grad_()
    out = pool(images)
    grad = torch.randn(out.shape, generator=torch.Generator().manual_seed(seed)).to(out.dtype)
    (grad_in,) = torch.autograd.grad(out, images, grad.to(memory_format=torch.channels_last))
    return out.detach(), grad_in


def by_torch(images: torch.Tensor) -> torch.Tensor:
    return functional.max_pool2d(images, 3, 2, 1)


def random_images(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    images = torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))
    return images.to(dtype).to(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 16, 8, 8), (2, 32, 7, 5), (1, 5, 1, 1), (4, 48, 2, 3), (2, 16, 64, 33)])
def test_equals_torch(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    images = random_images(shape, dtype)
    ours, grad = pooled(images, max_pool)
    expected, _ = pooled(images, by_torch)
    assert torch.equal(ours, expected)
    # Gradients are summed in float32 and rounded once: as torch's are for wider numbers.
    _, exact = pooled(images.float(), lambda wide: by_torch(wide).to(dtype))
    torch.testing.assert_close(grad.float(), exact, rtol=2**-8 if dtype == torch.bfloat16 else 1e-6, atol=1e-6)


def test_ties_go_to_the_first_and_what_is_no_number_wins() -> None:
    images = torch.randint(-2, 3, (5, 16, 9, 10)).float().to(memory_format=torch.channels_last)
    ours, expected = pooled(images, max_pool), pooled(images, by_torch)
    assert torch.equal(ours[0], expected[0])
    torch.testing.assert_close(ours[1], expected[1])
    images[2, 3, 4, 5] = torch.nan
    torch.testing.assert_close(max_pool(images), by_torch(images), equal_nan=True)


@pytest.mark.filterwarnings("ignore:Input #0 requires gradient")  # it would rather have float64
def test_gradients_are_right_in_numbers() -> None:
    images = random_images((2, 16, 5, 6), torch.float32).requires_grad_()
    assert torch.autograd.gradcheck(max_pool, (images,), eps=1e-3, atol=1e-2, rtol=1e-2, check_undefined_grad=False)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    images = random_images((7, 32, 12, 12), torch.bfloat16)
    before = torch.get_num_threads()
    results = []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        results.append(pooled(images, max_pool))
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for result in results[1:] for a, b in zip(result, results[0], strict=True))


def test_several_threads_may_pool_at_a_time() -> None:
    images = [random_images((5, 16, 20 + i, 20), torch.float32) for i in range(4)]
    expected = [pooled(one, by_torch) for one in images]
    wrong = []

    def work(i: int) -> None:
        for _ in range(20):
            got = pooled(images[i], max_pool)
            if not (torch.equal(got[0], expected[i][0]) and torch.allclose(got[1], expected[i][1])):
                wrong.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


@pytest.mark.parametrize("images", [torch.randn(2, 16, 6, 6), torch.randn(2, 16, 6, 6, dtype=torch.float64)])
def test_other_layouts_and_types_are_left_to_torch(images: torch.Tensor) -> None:
    for one, two in zip(pooled(images, max_pool), pooled(images, by_torch), strict=True):
        assert torch.equal(one, two)
