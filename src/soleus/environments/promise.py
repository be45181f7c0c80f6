"""What a space promises of an observation, and whether one that came is of it: its kind of number, shape and bounds."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium import Space, spaces

Check = Callable[[Any, bool], Any]
"""Returns an observation in its space's own type, or raises Unlike. The flag: whether it is an environment's first."""

_TAKEN = {"f": "biuf", "i": "biu", "u": "biu", "b": "biu"}  # kinds of numbers that lose nothing in a box of a kind


class Unlike(Exception):
    """What came is not of the space: what was expected, and what came, in words."""

    def __init__(self, space: Space[Any], part: str, came: str) -> None:
        super().__init__(f"of {described(space)}{part}, got {came}")


def described(space: Space[Any]) -> str:
    """Return a space in words, in one line that is not long."""
    text = " ".join(str(space).split())
    if len(text) <= 100:
        return text
    if isinstance(space, spaces.Dict):
        return f"Dict of {', '.join(repr(key) for key in space.spaces)}"
    if isinstance(space, spaces.Tuple):
        return f"Tuple of {len(space.spaces)} parts"
    return f"{type(space).__name__} of shape {space.shape} and {space.dtype}"


def shown(value: Any) -> str:
    """Return what came, in words where it is long."""
    if isinstance(value, np.ndarray) and value.shape:
        return f"an array of shape {value.shape} and {value.dtype}"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # its own, or of a whole number of thousands of digits
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"a {type(value).__name__}"


def promise(space: Space[Any], part: str = "") -> Check:
    """Return the check of a space that can be flattened. part: which part of the whole it is, in words."""
    if isinstance(space, spaces.Box):
        return _box(space, part)
    if isinstance(space, spaces.Discrete):
        return _discrete(space, part)
    if isinstance(space, spaces.MultiDiscrete):
        return _whole(space, part, space.start, space.start + space.nvec - 1)
    if isinstance(space, spaces.MultiBinary):
        return _whole(space, part, np.zeros(space.shape, np.int8), np.ones(space.shape, np.int8))
    if isinstance(space, spaces.Dict):
        return _dict(space, part)
    assert isinstance(space, spaces.Tuple), space
    return _tuple(space, part)


def part_of(part: str, key: Any) -> str:
    """Return the words for a part of a part."""
    return f"{part}[{key!r}]" if part else f" in part {key!r}"


def _array(space: Space[Any], part: str, seen: Any) -> Any:
    """Return an array of the space's shape. Raises Unlike."""
    try:
        array = np.asarray(seen)
    except Exception:  # a ragged list, a tensor that wants a gradient, ...
        raise Unlike(space, part, f"a {type(seen).__name__} that is no array") from None
    kind = "f" if space.dtype is None else np.dtype(space.dtype).kind
    if array.dtype.kind not in _TAKEN[kind]:
        one = f", such as {array.flat[0]:.6g}" if array.size and array.dtype.kind == "f" and array.shape else ""
        raise Unlike(space, part, shown(array if array.shape else seen) + one)
    if array.shape != space.shape:
        raise Unlike(space, part, shown(array if array.shape else seen))
    return array


def _outside(low: Any, high: Any, array: Any) -> Any:
    """Return the first value that is not within bounds, or None."""
    wrong = ~((array >= low) & (array <= high))
    return array[wrong][0] if wrong.any() else None


def _limits(dtype: Any) -> tuple[int, int]:
    """Return the least and the largest whole number of a type."""
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def _box(box: spaces.Box, part: str) -> Check:
    """Whole numbers have to be within bounds always, real ones in the first observation; Bounds sees to the others."""
    shape, dtype = box.shape, np.dtype(box.dtype)
    whole = dtype.kind in "biu"
    low, high = (side.astype(np.int8) if dtype.kind == "b" else side for side in (box.low, box.high))
    narrow = dtype.kind in "iu" and bool((low > _limits(dtype)[0]).any() or (high < _limits(dtype)[1]).any())

    def check(seen: Any, first: bool) -> Any:
        same = type(seen) is np.ndarray and seen.dtype is dtype and seen.shape == shape
        if same and not narrow and not first:
            return seen
        array = _array(box, part, seen)
        if whole:
            wrong = _outside(low, high, array)
            if wrong is not None:
                raise Unlike(box, part, str(wrong))
            return array.astype(dtype, copy=False)
        with np.errstate(over="ignore"):
            array = array.astype(dtype, copy=False)
        if first and np.isfinite(array).all():  # others are not finite: Bounds says it
            wrong = _outside(low, high, array)
            if wrong is not None:
                raise Unlike(box, part, str(wrong))
        return array

    return check


def _discrete(space: spaces.Discrete, part: str) -> Check:
    start, end = int(space.start), int(space.start + space.n)

    def check(seen: Any, first: bool) -> Any:
        kind = type(seen)
        if (
            kind is not int
            and not (getattr(seen, "shape", None) == () and getattr(seen.dtype, "kind", "") in "biu")
            and kind is not bool
        ):
            raise Unlike(space, part, shown(seen))
        if not start <= seen < end:
            raise Unlike(space, part, shown(seen))
        return int(seen)

    return check


def _whole(space: Any, part: str, low: Any, high: Any) -> Check:
    def check(seen: Any, first: bool) -> Any:
        array = _array(space, part, seen)
        wrong = _outside(low, high, array)
        if wrong is not None:
            raise Unlike(space, part, str(wrong))
        return array.astype(space.dtype, copy=False)

    return check


def _dict(space: spaces.Dict, part: str) -> Check:
    checks = {key: promise(inner, part_of(part, key)) for key, inner in space.spaces.items()}

    def check(seen: Any, first: bool) -> Any:
        if not isinstance(seen, Mapping):
            raise Unlike(space, part, shown(seen))
        if seen.keys() != checks.keys():
            raise Unlike(space, part, f"a dictionary of {', '.join(map(repr, seen)) or 'nothing'}")
        return {key: one(seen[key], first) for key, one in checks.items()}

    return check


def _tuple(space: Any, part: str) -> Check:
    checks = [promise(inner, part_of(part, i)) for i, inner in enumerate(space.spaces)]

    def check(seen: Any, first: bool) -> Any:
        if not isinstance(seen, (tuple, list)) or len(seen) != len(checks):
            raise Unlike(space, part, f"{len(seen)} parts" if isinstance(seen, (tuple, list)) else shown(seen))
        return tuple(one(value, first) for one, value in zip(checks, seen, strict=True))

    return check
