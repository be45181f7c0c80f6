"""Gymnasium's spaces and ours: what can be learnt with, and how observations and actions cross over."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import Space, spaces

from soleus.environments.base import Array
from soleus.environments.promise import described, part_of
from soleus.errors import UserError
from soleus.exchange.spaces import ActionSpec, ObservationSpec

_FLATTENED = (spaces.Dict, spaces.Tuple, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
_MOST_CHOICES = 1024  # of one number of a Box of whole numbers


def observation_spec(space: Any, name: str) -> tuple[ObservationSpec, Callable[[Any], Array]]:
    """Return the observations of a space as we store them, and what turns one, or a batch of images, into that form.

    Images (uint8 boxes of two dimensions or more) become (H, W, C): channels move last, a stack of frames into the
    channels. Other boxes, and what Gymnasium can flatten into one (Dict, Tuple, Discrete, MultiDiscrete, MultiBinary),
    become float32 vectors, discrete values one-hot. Raises UserError for any other space, and for an empty one.
    """
    wrong = _unsupported(space)
    if wrong is not None:
        raise UserError(
            f"{name}: expected observations of Box, Discrete, MultiDiscrete or MultiBinary, or a Dict or Tuple of them,"
            f" got {wrong}"
        )
    if spaces.flatdim(space) == 0:
        raise UserError(f"{name}: expected observations of one number or more, got {described(space)}")
    if isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3, 4):
        convert = _image_converter(space.shape)
        return ObservationSpec(convert(np.zeros(space.shape, np.uint8)).shape), convert
    if isinstance(space, spaces.Box):
        size = int(np.prod(space.shape))
        return ObservationSpec((size,)), np.asarray if len(space.shape) == 1 else lambda seen: np.reshape(seen, -1)
    return ObservationSpec((spaces.flatdim(space),)), lambda seen: spaces.flatten(space, seen)  # type: ignore[return-value]


def _unsupported(space: Any, part: str = "", beside: str = "") -> str | None:
    """Return the first part of a space that cannot be flattened into numbers, in words, with a way out.

    beside: the parts beside it.
    """
    if isinstance(space, spaces.Dict | spaces.Tuple):
        named = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        inner = dict(named)
        bad = {key: found for key, one in inner.items() if (found := _unsupported(one, part_of(part, key))) is not None}
        if not bad:
            return None
        said = next(iter(bad.values()))
        rest = [str(key) for key in inner if key not in bad]
        if part or not rest:
            return said
        return f"{said}; env.wrappers: [{{FilterObservation: {{filter_keys: [{', '.join(rest)}]}}}}] leaves it out"
    known = isinstance(space, (spaces.Box, *_FLATTENED))
    return None if known and np.dtype(space.dtype).kind in "biuf" else f"{_kind(space)}{part}"


def _kind(space: Any) -> str:
    """Return what a space is; where it is none of Gymnasium's, whose."""
    kind = type(space)
    return kind.__name__ if kind.__module__.startswith("gymnasium.") else f"{kind.__module__}.{kind.__qualname__}"


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


def row_of(space: Space[Any], batch: Any, i: int) -> Any:
    """Return environment i's observation out of a batch of them."""
    if isinstance(space, spaces.Dict):
        return {key: row_of(inner, batch[key], i) for key, inner in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(row_of(inner, part, i) for inner, part in zip(space.spaces, batch, strict=True))
    return batch[i]


def flat_rows(space: Space[Any], batch: Any, count: int) -> Array:
    """Return vectors (M, D) of a batch of M observations of a space that is no image, in the order of flattening."""
    if isinstance(space, spaces.Dict):
        return np.concatenate([flat_rows(inner, batch[key], count) for key, inner in space.spaces.items()], axis=1)
    if isinstance(space, spaces.Tuple):
        parts = zip(space.spaces, batch, strict=True)
        return np.concatenate([flat_rows(inner, part, count) for inner, part in parts], axis=1)
    if isinstance(space, spaces.Discrete):
        chosen = np.reshape(batch, count).astype(np.int64) - int(space.start)
        one_hot: Array = (chosen[:, None] == np.arange(space.n)).astype(np.float32)
        return one_hot
    if isinstance(space, spaces.MultiDiscrete):
        return np.stack([np.asarray(spaces.flatten(space, one)) for one in batch])
    return np.asarray(batch).reshape(count, -1)


def clipped(box: spaces.Box, actions: Array) -> Array:
    """Return actions (..., A) in a box's own shape and type, within its bounds."""
    inside = np.clip(actions.reshape((*actions.shape[:-1], *box.shape)), box.low, box.high)
    return np.asarray(inside, box.dtype)


def action_spec(space: Any, name: str) -> tuple[ActionSpec, Callable[[Array], Any]]:
    """Return the actions of a space as we store them, and what turns one of ours, or a batch, into the space's.

    Continuous ones are clipped to the box; a Box of whole numbers is a choice for each, one of flags a bit for each.
    Raises UserError for a space that is none of Box, Discrete, MultiDiscrete and MultiBinary, and for an empty one.
    """
    if isinstance(space, spaces.Discrete):
        start, kind = int(space.start), space.dtype
        return ActionSpec("discrete", (int(space.n),)), lambda action: (action + start).astype(kind)
    if not isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
        raise UserError(
            f"{name}: expected actions of Box, Discrete, MultiDiscrete or MultiBinary, got {_kind(space)}"
            " (a wrapper of env.wrappers may turn them into one)"
        )
    shape, of = tuple(space.shape), np.dtype(space.dtype)
    size = int(np.prod(shape))
    if size == 0:
        raise UserError(f"{name}: expected actions of one number or more, got {described(space)}")
    if isinstance(space, spaces.Box) and of.kind == "f":
        box = space
        return ActionSpec.continuous(size), lambda action: clipped(box, action)

    def whole(start: Any) -> Callable[[Array], Any]:
        return lambda action: np.asarray(action.reshape((*action.shape[:-1], *shape)) + start, of)

    if isinstance(space, spaces.MultiBinary) or of.kind == "b":
        return ActionSpec("multibinary", (1,) * size), whole(0)
    low, counts = _choices(space)
    if max(counts) > _MOST_CHOICES:
        raise UserError(
            f"{name}: expected actions of at most {_MOST_CHOICES:,} whole numbers, or of a Box of real ones,"
            f" got {described(space)}"
        )
    return ActionSpec("multidiscrete", tuple(counts)), whole(low)


def _choices(space: spaces.Box | spaces.MultiDiscrete) -> tuple[Any, list[int]]:
    """Return the least choice of each component, in the space's shape, and how many there are of each."""
    if isinstance(space, spaces.MultiDiscrete):
        return space.start, [int(n) for n in space.nvec.ravel()]
    sides = zip(space.low.ravel(), space.high.ravel(), strict=True)
    return space.low.astype(np.int64), [int(high) - int(low) + 1 for low, high in sides]
