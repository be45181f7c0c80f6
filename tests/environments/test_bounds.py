import numpy as np
import pytest
from gymnasium import spaces

from soleus.environments.base import Broken
from soleus.environments.bounds import Bounds, check_rewards


def test_what_oversteps_its_bounds_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    space = spaces.Dict(a=spaces.Box(-1, 1, (2,)), b=spaces.Discrete(3), c=spaces.Box(0, np.inf, ()))
    bounds = Bounds(space, "x", 10)
    rows = np.zeros((3, 6), np.float32)
    rows[:, 5] = 1e30
    bounds.check(rows)
    assert not capsys.readouterr().err
    rows[2, 1] = 1.5
    for _ in range(2):
        bounds.check(rows)
    said = capsys.readouterr().err
    assert said.startswith("warning: x: expected observations of Dict('a': Box(-1.0, 1.0, (2,), float32), ")
    assert said.endswith("got 1.5 of environment 12; they are learnt from as they are\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_ends_it(value: float) -> None:
    bounds = Bounds(spaces.Box(-np.inf, np.inf, (2,)), "x", 0)
    rows = np.zeros((2, 2), np.float32)
    rows[1, 0] = value
    with pytest.raises(Broken, match=f"x: expected finite observations, got {value} of environment 7"):
        bounds.check(rows, [3, 7])


@pytest.mark.parametrize(
    ("rewards", "said"),
    [
        (np.zeros(3), r"expected 2 rewards, one number each, got float64 of shape \(3,\)"),
        (np.array([1, None]), ".*got object of shape"),
        (
            [0.0, np.nan],
            r"expected finite rewards of -3.4028e\+38 to 3.4028e\+38, which float32 holds, got nan of environment 5",
        ),
        ([1e300, 0.0], r"expected finite rewards .*, got 1e\+300 of environment 4"),
    ],
)
def test_rewards_of_many(rewards: object, said: str) -> None:
    with pytest.raises(Broken, match=f"x: {said}"):
        check_rewards(rewards, 2, "x", 4)


def test_rewards_are_stored_as_float32() -> None:
    assert check_rewards(np.array([1, 2]), 2, "x", 0).dtype == np.float32
