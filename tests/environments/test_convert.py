from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from soleus.environments.convert import action_spec, observation_spec
from soleus.errors import UserError
from soleus.spaces import ActionSpec

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
        (spaces.Dict(a=spaces.Discrete(2), b=spaces.Tuple((spaces.Text(3),))), "Text"),
        (spaces.Graph(spaces.Discrete(2), None), "Graph"),
    ],
    ids=["text", "sequence", "inner", "graph"],
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


@pytest.mark.parametrize("space", [spaces.Text(3), spaces.Dict(a=spaces.Discrete(2)), spaces.Box(0, 9, (2,), np.int32)])
def test_other_actions_are_refused(space: Any) -> None:
    with pytest.raises(UserError, match="x: expected actions of Box"):
        action_spec(space, "x")
