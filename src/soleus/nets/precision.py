"""In which precision networks compute here, and how the C library hands memory out for it."""

import ctypes
import platform
import sys
from pathlib import Path
from typing import Literal

import torch

from soleus.errors import UserError

Precision = Literal["auto", "float32", "bfloat16"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt(3)


def _flags(cpuinfo: Path) -> set[str]:
    """What Linux says of the first processor, in Linux's words; nothing where it is silent."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())


def computes_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has products of bfloat16 (AMX or AVX512-BF16): others widen every number first."""
    capabilities = getattr(torch.cpu, "get_capabilities", None)  # of torch 2.12 and later
    if capabilities is not None:
        known = capabilities()
        return bool(known.get("amx_bf16") or known.get("avx512_bf16"))
    return bool({"amx_bf16", "avx512_bf16"} & _flags(cpuinfo))


def effective_precision(asked: str, images: bool) -> torch.dtype:
    """Return the type that networks compute in: for "auto" bfloat16 for images on a CPU that has it, else float32.

    asked: "auto", "float32" or "bfloat16". Asking for bfloat16 is obeyed everywhere, with a warning where it is slow.
    """
    if asked not in ("auto", "float32", "bfloat16"):
        raise UserError(f"expected a precision of auto, float32, bfloat16, got '{asked}'")
    native = computes_bfloat16()
    if asked == "bfloat16" and not native:
        print("warning: bfloat16 was asked for, but this processor has no instructions for it", file=sys.stderr)
    if asked == "bfloat16" or (asked == "auto" and images and native):
        return torch.bfloat16
    return torch.float32


def tune_allocator() -> bool:
    """Let malloc keep and reuse large blocks; return whether the C library took it, as glibc does.

    By default glibc maps every tensor of more than some megabytes again and gives it back when it is freed, so that
    each gradient step meets fresh pages, which the kernel clears one by one: with this, a step of the IMPALA network
    over 256 images takes torch a fifth less time (200 ms rather than 256 in bfloat16, one thread); native convolutions
    allocate next to nothing and take the same. The process then holds on to its peak of memory.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    taken = [libc.mallopt(_M_MMAP_THRESHOLD, 1 << 30), libc.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)]
    return all(taken)
