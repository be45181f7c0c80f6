"""Gymnasium's spaces and ours: what can be learnt with, and how observations and actions cross over."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import Space, spaces

from soleus.environments.base import Array
from soleus.errors import UserError
from soleus.spaces import ActionSpec, ObservationSpec

_FLATTENED = (spaces.Dict, spaces.Tuple, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def observation_spec(space: Space[Any], name: str) -> tuple[ObservationSpec, Callable[[Any], Array]]:
    """Return the observations of a space as we store them, and what turns one, or a batch of images, into that form.

    Images (uint8 boxes of two dimensions or more) become (H, W, C): channels move last, a stack of frames into the
    channels. Other boxes, and what Gymnasium can flatten into one (Dict, Tuple, Discrete, MultiDiscrete, MultiBinary),
    become float32 vectors, discrete values one-hot. Raises UserError for any other space, and for an empty one.
    """
    if space.is_np_flattenable and spaces.flatdim(space) == 0:
        raise UserError(f"{name}: expected observations of one number or more, got {space}")
    if isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3, 4):
        convert = _image_converter(space.shape)
        return ObservationSpec(convert(np.zeros(space.shape, np.uint8)).shape), convert
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.number):
        return ObservationSpec((int(np.prod(space.shape)),)), lambda seen: np.reshape(seen, -1)
    if isinstance(space, _FLATTENED) and space.is_np_flattenable and not _unsupported(space):
        return ObservationSpec((spaces.flatdim(space),)), lambda seen: spaces.flatten(space, seen)  # type: ignore[return-value]
    wrong = _unsupported(space) or space
    raise UserError(
        f"{name}: expected observations of Box, Discrete, MultiDiscrete or MultiBinary, or a Dict or Tuple of them,"
        f" got {type(wrong).__name__}"
    )


def _unsupported(space: Space[Any]) -> Space[Any] | None:
    """Return the first part of a space that cannot be flattened into numbers."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        inner = space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces
        return next((found for one in inner if (found := _unsupported(one)) is not None), None)
    return None if isinstance(space, (spaces.Box, *_FLATTENED)) else space


def _image_converter(shape: tuple[int, ...]) -> Callable[[Any], Array]:
    """Return what moves the channels last: (..., H, W), (..., C, H, W) or (..., F, H, W, C) of F frames."""
    if len(shape) == 2:
        return lambda image: np.asarray(image)[..., None]
    if len(shape) == 4:  # frames of (H, W, C), the oldest first
        height, width, channels = shape[1], shape[2], shape[0] * shape[3]

        def join(image: Any) -> Array:
            moved = np.moveaxis(np.asarray(image), -4, -2)
            return moved.reshape(*moved.shape[:-4], height, width, channels)

        return join
    if shape[2] <= shape[0]:
        return np.asarray
    return lambda image: np.moveaxis(np.asarray(image), -3, -1)


def clipped(box: spaces.Box, actions: Array) -> Array:
    """Return actions (..., A) in a box's own shape and type, within its bounds."""
    inside = np.clip(actions.reshape(*actions.shape[:-1], *box.shape), box.low, box.high)
    return inside.astype(box.dtype, copy=False)


def action_spec(space: Space[Any], name: str) -> tuple[ActionSpec, Callable[[Array], Any]]:
    """Return the actions of a space as we store them, and what turns one of ours into one of the space's.

    Continuous ones are clipped to the box. Raises UserError for a space that is none of Box, Discrete, MultiDiscrete
    and MultiBinary.
    """
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return ActionSpec("discrete", (int(space.n),)), lambda action: int(action) + start
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating) and len(space.shape):
        box = space
        return ActionSpec.continuous(int(np.prod(box.shape))), lambda action: clipped(box, action)
    if isinstance(space, spaces.MultiDiscrete) and len(space.nvec.shape) == 1:
        first, kind = space.start, space.dtype
        return ActionSpec("multidiscrete", tuple(space.nvec.tolist())), lambda action: (action + first).astype(kind)
    if isinstance(space, spaces.MultiBinary) and len(space.shape) == 1:
        of = space.dtype
        return ActionSpec("multibinary", (1,) * space.shape[0]), lambda action: action.astype(of)
    raise UserError(f"{name}: expected actions of Box (real), Discrete, MultiDiscrete or MultiBinary, got {space}")
