"""States of learners and networks: nested mappings of tensors, numbers and text, compared with what was promised."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def as_arrays(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of tensors as one of arrays."""
    return {key: value.numpy() for key, value in content.items()}


def flaw_of(found: Any, expected: Any, name: str = "", sizes: bool = True) -> str | None:
    """Say where one nested structure of tensors, numbers and text is not as another one; None where it is.

    Names, kinds, shapes and dtypes are compared, and that numbers are finite. sizes: whether the first size of a tensor
    has to be the same.
    """
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return f"{name}: expected a mapping, got {type(found).__name__}"
        other = next((key for key in (*expected, *found) if key not in found or key not in expected), None)
        if other is not None:
            return f"{name}: {'missing' if other in expected else 'unexpected'} '{other}'".removeprefix(": ")
        inner = ((found[key], expected[key], f"{name}.{key}".lstrip(".")) for key in expected)
        return next((flaw for one in inner if (flaw := flaw_of(*one, sizes))), None)
    if isinstance(expected, np.ndarray):
        expected = torch.from_numpy(expected)
    if isinstance(expected, torch.Tensor):
        if not isinstance(found, torch.Tensor):
            return f"{name}: expected a tensor, got {type(found).__name__}"
        start = 0 if sizes else 1
        if (
            found.dtype != expected.dtype
            or found.ndim != expected.ndim
            or found.shape[start:] != expected.shape[start:]
        ):
            return f"{name}: expected {_kind(expected)}, got {_kind(found)}"
        if found.is_floating_point() and not torch.isfinite(found).all():
            return f"{name}: expected finite numbers, got others"
        return None
    if isinstance(expected, (int, float)) and not isinstance(expected, bool):
        fine = isinstance(found, (int, float)) and not isinstance(found, bool) and math.isfinite(found)
        return None if fine else f"{name}: expected a number, got {found!r}"
    return None if isinstance(found, type(expected)) else f"{name}: expected {expected!r}, got {found!r}"


def _kind(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
