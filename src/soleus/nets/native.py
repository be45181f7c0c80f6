"""The convolutions of the networks on images as one native piece of work, on processors that multiply in bfloat16.

Those are Intel's with matrix tiles (AMX) and Intel's and AMD's with AVX512-BF16. Between the layers little leaves the
processor's cache (cpp/images/encoder.h). Values are those of torch under its autocast to bfloat16, within that type's
rounding.
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

    if _core.bfloat16_products() == "none" or not _core.ImpalaEncoder.supports(widths):
        return None
    return _core.ImpalaEncoder(height, width, channels, widths, scale)


@functools.cache
def nature_encoder(height: int, width: int, channels: int, scale: float) -> Any:
    """Return the native convolutions of NatureCnn, or None where this processor has none."""
    from soleus import _core

    if _core.bfloat16_products() == "none":
        return None
    return _core.NatureEncoder(height, width, channels, scale)


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


def pack(encoder: Any, parameters: Sequence[Tensor], backward: bool = False) -> Any:
    """Return a weight and a bias of each convolution, as they are now, laid out for an encoder's passes."""
    return encoder.pack([tensor.detach() for tensor in parameters], backward)


def features(encoder: Any, packed: Any, images: Tensor, kept: Any = None) -> Tensor:
    """Return features (M, F) in bfloat16 of images (M, H, W, C), with weights from pack(); no gradient flows through.

    It runs on as many threads as torch would. kept: what encoder.keep(M) gave, to be filled for the backward pass.
    """
    out = torch.empty(len(images), encoder.features, dtype=torch.bfloat16)
    encoder.forward(images.contiguous(), packed, out, kept, torch.get_num_threads())
    return out


def convolutions(encoder: Any, images: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Return the same with weights as they are now, as a function of the parameters.

    Gradients are the same bits at any number of threads.
    """
    if not torch.is_grad_enabled():
        return features(encoder, pack(encoder, parameters), images)
    out: Tensor = _Convolutions.apply(encoder, images.contiguous(), *parameters)  # type: ignore[no-untyped-call]
    return out


@functools.cache
def _keeps() -> bool:
    """Whether the backward pass takes what the forward pass computed rather than compute it again.

    By vectors it takes longer to compute than to bring from memory: a gradient step of the IMPALA network over 256
    images takes 1.2 times as long without. Matrix tiles compute it as fast as memory brings it.
    """
    from soleus import _core

    return bool(_core.bfloat16_products() == "vectors")


class _Convolutions(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, encoder: Any, images: Tensor, *parameters: Tensor) -> Tensor:
        ctx.encoder = encoder
        ctx.packed = pack(encoder, parameters, backward=True)
        ctx.kept = encoder.keep(len(images)) if _keeps() else None
        ctx.save_for_backward(images, *parameters)
        return features(encoder, ctx.packed, images, ctx.kept)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        images, *parameters = ctx.saved_tensors
        gradients = [torch.empty_like(tensor) for tensor in parameters]
        threads = torch.get_num_threads()
        ctx.encoder.backward(images, ctx.packed, grad.contiguous(), ctx.kept, gradients, threads)
        return None, None, *gradients
