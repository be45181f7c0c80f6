import numpy as np
import pytest

from soleus.collect.slots import as_batch, check, discard, prefill, round_table
from soleus.errors import UserError
from soleus.exchange.batch import Layout
from soleus.exchange.spaces import ActionSpec, ObservationSpec

LAYOUT = Layout(3, ObservationSpec((2,)), ActionSpec("discrete", (4,)))


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    made = {name: np.zeros(shape, dtype) for name, (shape, dtype) in round_table(LAYOUT, 4).items()}
    prefill(made)
    return made


def fill(arrays: dict[str, np.ndarray]) -> None:
    for name in ("terminated", "truncated"):
        arrays[name][:] = 0
    arrays["valid"][:] = 1
    arrays["rewards"][:] = arrays["log_probs"][:] = 0.5


def test_arrays_are_laid_out_by_step_and_environment() -> None:
    images = Layout(3, ObservationSpec((40, 40, 3)), ActionSpec.continuous(2))
    table = round_table(images, 4)
    assert table["observations"] == ((5, 3, 40, 40, 3), np.uint8)
    assert table["actions"] == ((4, 3, 2), np.float32)


@pytest.mark.parametrize("flag", ["terminated", "truncated", "valid"])
def test_a_slot_that_was_missed_shouts(arrays: dict[str, np.ndarray], flag: str) -> None:
    fill(arrays)
    check(arrays, "x")
    arrays[flag][2, 1] = 255
    with pytest.raises(UserError, match="x: expected step 2 of environment 1 to be written, but it never was"):
        check(arrays, "x")


def test_rewards_have_to_be_finite(arrays: dict[str, np.ndarray]) -> None:
    fill(arrays)
    arrays["rewards"][3, 2] = np.inf
    with pytest.raises(UserError, match=r"x: expected finite rewards of .*, got inf of environment 2"):
        check(arrays, "x")


def test_discarded_columns_count_for_nothing(arrays: dict[str, np.ndarray]) -> None:
    fill(arrays)
    arrays["truncated"][1, 0] = 1
    arrays["episode_returns"][1] = 7
    arrays["rewards"][0, 2] = np.nan
    discard(arrays, slice(1, 3))
    check(arrays, "x")
    batch = as_batch(arrays, None, {}, {})
    assert batch.valid is not None
    assert batch.valid.tolist() == [[True, False, False]] * 4
    assert batch.steps == 4
    assert batch.episode_returns.tolist() == [7]


def test_lengths_are_steps_or_seconds(arrays: dict[str, np.ndarray]) -> None:
    fill(arrays)
    arrays["terminated"][0, 0] = 1
    arrays["episode_lengths"][0, 0] = 30
    assert as_batch(arrays, None, {}, {}).episode_lengths.tolist() == [30]
    assert as_batch(arrays, 0.1, {}, {}).episode_lengths.tolist() == pytest.approx([3])
    assert as_batch(arrays, None, {}, {}).valid is None
