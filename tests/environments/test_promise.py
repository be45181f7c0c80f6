"""What is of a space, and what is not: the words for it."""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from soleus.environments.promise import Unlike, described, promise

IMAGE = spaces.Box(0, 255, (4, 5, 3), np.uint8)
VECTOR = spaces.Box(-1, 1, (3,), np.float32)
FLAGS = spaces.Box(0, 1, (2,), np.bool_)
PARTS = spaces.Dict(a=VECTOR, b=spaces.Tuple((spaces.Discrete(3), spaces.MultiBinary(2))))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("space", "seen"),
    [
        (VECTOR, np.ones(3, np.float32)),
        (VECTOR, np.ones(3)),
        (VECTOR, [0, 0.5, -1]),
        (VECTOR, np.ones(3, bool)),
        (IMAGE, np.full((4, 5, 3), 255, np.uint8)),
        (IMAGE, np.full((4, 5, 3), 255, np.int64)),
        (FLAGS, np.array([True, False])),
        (FLAGS, np.array([1, 0])),
        (spaces.Box(-1, 1, ()), 0.5),
        (spaces.Box(0, 9, (2,), np.int16), np.array([0, 9])),
        (spaces.Discrete(3, start=-1), -1),
        (spaces.Discrete(3), np.int8(2)),
        (spaces.Discrete(3), np.array(2)),
        (spaces.Discrete(2), True),
        (spaces.MultiDiscrete([2, 3], start=[5, 0]), np.array([6, 2])),
        (spaces.MultiBinary((2, 2)), np.eye(2, dtype=bool)),
        (PARTS, {"b": (2, np.array([0, 1])), "a": np.zeros(3)}),
    ],
    ids=str,
)
def test_what_is_of_a_space_comes_in_its_own_type(space: Any, seen: Any, first: bool) -> None:
    found = promise(space)(seen, first)
    if isinstance(space, spaces.Box):
        assert found.dtype == space.dtype
        np.testing.assert_array_equal(found, seen)
    assert space.contains(np.asarray(found) if isinstance(space, spaces.Box) else found)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("space", "seen", "said"),
    [
        (VECTOR, np.ones(1, np.float32), r"got an array of shape \(1,\) and float32"),
        (VECTOR, 0.5, "got 0.5"),
        (VECTOR, None, "got None"),
        (VECTOR, [[1.0], 1.0, 1.0], "got a list that is no array"),
        (VECTOR, np.array(["a", "b", "c"]), "and <U1"),
        (VECTOR, np.ones(3, complex), "and complex128"),
        (IMAGE, np.full((4, 5, 3), 0.7), r"got an array of shape \(4, 5, 3\) and float64, such as 0.7"),
        (IMAGE, np.full((4, 5, 1), 7, np.uint8), r"got an array of shape \(4, 5, 1\) and uint8"),
        (IMAGE, np.full((4, 5, 3), 300), "got 300"),
        (IMAGE, np.full((4, 5, 3), -1, np.int8), "got -1"),
        (spaces.Box(0, 9, (2,), np.uint8), np.array([0, 10], np.uint8), "got 10"),
        (FLAGS, np.array([1, 2]), "got 2"),
        (FLAGS, np.array([0.0, 1.0]), "and float64"),
        (spaces.Discrete(3), 3, r"of Discrete\(3\), got 3"),
        (spaces.Discrete(3), -1, "got -1"),
        (spaces.Discrete(3), 1.0, "got 1.0"),
        (spaces.Discrete(3), np.array([1]), r"got an array of shape \(1,\)"),
        (spaces.Discrete(3), "1", "got '1'"),
        (spaces.MultiDiscrete([2, 3]), np.array([1, 3]), "got 3"),
        (spaces.MultiDiscrete([2, 3]), np.array([0.0, 1.0]), "and float64"),
        (spaces.MultiBinary(2), np.array([0, 2]), "got 2"),
        (PARTS, {"a": np.zeros(3)}, "got a dictionary of 'a'"),
        (PARTS, np.zeros(3), r"got an array of shape \(3,\)"),
        (PARTS, {"a": np.zeros(3), "b": (1,)}, "in part 'b', got 1 parts"),
        (PARTS, {"a": np.zeros(2), "b": (1, np.zeros(2, int))}, r"Box.* in part 'a', got an array of shape \(2,\)"),
        (PARTS, {"a": np.zeros(3), "b": (5, np.zeros(2, int))}, r"Discrete\(3\) in part 'b'\[0\], got 5"),
    ],
    ids=str,
)
def test_what_is_not_is_said(space: Any, seen: Any, said: str, first: bool) -> None:
    with pytest.raises(Unlike, match=said) as raised:
        promise(space)(seen, first)
    assert "\n" not in str(raised.value)


def test_real_numbers_are_held_to_their_bounds_at_first() -> None:
    check = promise(VECTOR)
    with pytest.raises(Unlike, match=r"got 1\.5"):
        check(np.array([0, 1.5, 0]), True)
    assert check(np.array([0, 1.5, 0]), False)[1] == 1.5
    wide = promise(spaces.Box(-np.inf, np.inf, (1,), np.float32))
    assert wide(np.array([1e300]), True) == np.inf, "whoever stores it looks for what is not finite"


def test_a_space_is_described_in_one_line() -> None:
    low = np.arange(100.0)
    assert described(spaces.Box(low, low + 1, dtype=np.float64)) == "Box of shape (100,) and float64"
    assert described(VECTOR) == "Box(-1.0, 1.0, (3,), float32)"
