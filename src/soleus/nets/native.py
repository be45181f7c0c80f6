"""The convolutions of the networks on images as one native piece of work, on processors with matrix tiles for bfloat16.

Between the layers nothing leaves the processor's cache, and nothing is kept for the backward pass, which computes it
again (cpp/images/encoder.h). Values are those of torch under its autocast to bfloat16, within that type's rounding.
"""

import atexit
import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


@functools.cache
def impala_encoder(height: int, width: int, channels: int, widths: tuple[int, ...], scale: float) -> Any:
    """Return the native convolutions of ImpalaCnn, or None where this processor, or these widths, have none."""
    from soleus import _core

    if not _core.has_tiles() or not _core.ImpalaEncoder.supports(widths):
        return None
    return _core.ImpalaEncoder(height, width, channels, widths, scale)


@functools.cache
def nature_encoder(height: int, width: int, channels: int, scale: float) -> Any:
    """Return the native convolutions of NatureCnn, or None where this processor has none."""
    from soleus import _core

    return _core.NatureEncoder(height, width, channels, scale) if _core.has_tiles() else None


# Before the interpreter ends, for nanobind counts what is alive then.
atexit.register(impala_encoder.cache_clear)
atexit.register(nature_encoder.cache_clear)


def takes(images: Tensor, parameters: Sequence[Tensor]) -> bool:
    """Whether native convolutions compute this: on a CPU under autocast to bfloat16, for images that are constants."""
    return (
        images.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and images.dtype in (torch.uint8, torch.float32)
        and not images.requires_grad
        and all(tensor.dtype == torch.float32 and tensor.is_contiguous() for tensor in parameters)
    )


def convolutions(encoder: Any, images: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Return features (M, F) in bfloat16 of images (M, H, W, C); parameters: a weight and a bias of each convolution.

    It runs on as many threads as torch would. Gradients are the same bits at any number of them.
    """
    features: Tensor = _Convolutions.apply(encoder, images.contiguous(), *parameters)  # type: ignore[no-untyped-call]
    return features


class _Convolutions(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, encoder: Any, images: Tensor, *parameters: Tensor) -> Tensor:
        features = torch.empty(len(images), encoder.features, dtype=torch.bfloat16)
        encoder.forward(images, [tensor.detach() for tensor in parameters], features, torch.get_num_threads())
        ctx.encoder = encoder
        ctx.save_for_backward(images, *parameters)
        return features

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        images, *parameters = ctx.saved_tensors
        gradients = [torch.empty_like(tensor) for tensor in parameters]
        weights = [tensor.detach() for tensor in parameters]
        ctx.encoder.backward(images, weights, grad.contiguous(), gradients, torch.get_num_threads())
        return None, None, *gradients
