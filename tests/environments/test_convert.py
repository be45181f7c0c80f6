from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import concatenate, create_empty_array

from soleus.environments.convert import action_spec, flat_rows, observation_spec, row_of
from soleus.errors import UserError
from soleus.exchange.spaces import ActionSpec

U8 = np.uint8


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (spaces.Box(-1, 1, (3,)), (3,)),
        (spaces.Box(-1, 1, (2, 3), np.float64), (6,)),
        (spaces.Box(0, 255, (7,), U8), (7,)),
        (spaces.Box(0, 9, (), np.int64), (1,)),
        (spaces.Discrete(4), (4,)),
        (spaces.MultiDiscrete([2, 3]), (5,)),
        (spaces.MultiBinary(3), (3,)),
        (spaces.Dict(b=spaces.Discrete(2), a=spaces.Box(0, 1, (2,))), (4,)),
        (spaces.Tuple((spaces.Discrete(3), spaces.Box(0, 255, (2, 2, 3), U8))), (15,)),
        (spaces.Box(0, 255, (64, 48, 3), U8), (64, 48, 3)),
        (spaces.Box(0, 255, (4, 84, 80), U8), (84, 80, 4)),
        (spaces.Box(0, 255, (84, 80), U8), (84, 80, 1)),
        (spaces.Box(0, 255, (4, 84, 80, 3), U8), (84, 80, 12)),
    ],
    ids=str,
)
def test_observations_of_every_space(space: Any, shape: tuple[int, ...]) -> None:
    spec, convert = observation_spec(space, "x")
    assert spec.shape == shape
    seen = np.empty((1, *shape), spec.dtype)
    seen[0] = convert(space.sample())
    assert np.isfinite(seen).all()


def test_channels_keep_their_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 255, (3, 40, 50), U8)
    _, convert = observation_spec(spaces.Box(0, 255, (3, 40, 50), U8), "x")
    np.testing.assert_array_equal(convert(image)[..., 2], image[2])
    batch = np.stack([image, image + 1])
    np.testing.assert_array_equal(convert(batch)[1, ..., 0], image[0] + 1)
    frames = np.random.default_rng(0).integers(0, 255, (4, 40, 50, 3), U8)
    _, convert = observation_spec(spaces.Box(0, 255, (4, 40, 50, 3), U8), "x")
    np.testing.assert_array_equal(convert(frames)[..., 3:6], frames[1])
    np.testing.assert_array_equal(convert(frames[None])[0, ..., 9:], frames[3])


def test_a_discrete_observation_is_one_hot() -> None:
    _, convert = observation_spec(spaces.Discrete(4), "x")
    assert convert(2).tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("space", "name"),
    [
        (spaces.Text(4), "Text"),
        (spaces.Sequence(spaces.Discrete(2)), "Sequence"),
        (
            spaces.Dict(a=spaces.Discrete(2), b=spaces.Tuple((spaces.Text(3),))),
            r"Text in part 'b'\[0\]; env.wrappers: \[{FilterObservation: {filter_keys: \[a\]}}\] leaves it out",
        ),
        (spaces.Tuple((spaces.Text(3),)), "Text in part 0"),
        (None, "builtins.NoneType"),
        (spaces.Graph(spaces.Discrete(2), None), "Graph"),
    ],
    ids=["text", "sequence", "inner", "nothing else", "none", "graph"],
)
def test_other_observations_are_refused(space: Any, name: str) -> None:
    expected = "x: expected observations of Box, Discrete, MultiDiscrete or MultiBinary, or a Dict or Tuple of them"
    with pytest.raises(UserError, match=f"{expected}, got {name}$"):
        observation_spec(space, "x")


@pytest.mark.parametrize(
    ("space", "spec"),
    [
        (spaces.Discrete(5, start=2), ActionSpec("discrete", (5,))),
        (spaces.Box(-2, 2, (3,)), ActionSpec("continuous", (1, 1, 1))),
        (spaces.Box(-2, 2, (2, 2), np.float64), ActionSpec("continuous", (1,) * 4)),
        (spaces.MultiDiscrete([2, 3], start=[1, 1]), ActionSpec("multidiscrete", (2, 3))),
        (spaces.MultiBinary(3), ActionSpec("multibinary", (1, 1, 1))),
        (spaces.MultiBinary([2, 2]), ActionSpec("multibinary", (1, 1, 1, 1))),
        (spaces.MultiDiscrete([[2, 3], [4, 5]]), ActionSpec("multidiscrete", (2, 3, 4, 5))),
        (spaces.Box(-1, 1, ()), ActionSpec("continuous", (1,))),
        (spaces.Box(0, 1, (3,), np.bool_), ActionSpec("multibinary", (1, 1, 1))),
        (spaces.Box(-5, 10, (2, 2), np.int64), ActionSpec("multidiscrete", (16,) * 4)),
        (spaces.Box(3, 4, (), np.uint8), ActionSpec("multidiscrete", (2,))),
    ],
    ids=str,
)
def test_actions_of_every_space(space: Any, spec: ActionSpec) -> None:
    found, convert = action_spec(space, "x")
    assert found == spec
    rng = np.random.default_rng(0)
    for _ in range(20):
        if spec.kind == "continuous":
            mine = rng.normal(0, 3, spec.shape).astype(np.float32)
        elif spec.kind == "multibinary":
            mine = rng.integers(0, 2, spec.shape, np.int32)
        else:
            mine = np.asarray(rng.integers(0, spec.sizes if spec.shape else spec.sizes[0]), np.int32)
        assert space.contains(convert(mine)), convert(mine)
        many = convert(np.stack([mine, mine]))
        assert [space.contains(one) for one in np.asarray(many)] == [True, True], "a batch of them"
        assert np.asarray(convert(mine)).dtype == space.dtype


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Text(3), "expected actions of Box, .*, got Text"),
        (spaces.Dict(a=spaces.Discrete(2)), "got Dict"),
        (spaces.Sequence(spaces.Discrete(2)), "got Sequence"),
        (spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)]), "got OneOf"),
        (spaces.Box(0, 2**40, (2,), np.int64), "expected actions of at most 1,024 whole numbers, .*, got Box"),
        (spaces.Box(-1, 1, (0,)), "expected actions of one number or more, got Box"),
        (None, "got builtins.NoneType"),
    ],
    ids=str,
)
def test_other_actions_are_refused(space: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"x: .*{message}") as raised:
        action_spec(space, "x")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(-1, 1, (2, 3)),
        spaces.Discrete(5, start=-1),
        spaces.MultiDiscrete([3, 2]),
        spaces.MultiBinary(4),
        spaces.Dict(b=spaces.Discrete(3), a=spaces.Tuple((spaces.Box(0, 1, ()), spaces.MultiDiscrete([2, 2])))),
    ],
    ids=str,
)
def test_a_batch_is_flattened_as_its_rows_are(space: Any) -> None:
    _, convert = observation_spec(space, "x")
    rows = [space.sample() for _ in range(3)]
    batch = concatenate(space, rows, create_empty_array(space, 3))
    np.testing.assert_array_equal(flat_rows(space, batch, 3), [convert(row) for row in rows])
    assert all(space.contains(row_of(space, batch, i)) for i in range(3)) or isinstance(space, spaces.Dict)
