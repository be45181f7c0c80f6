import numpy as np
import pytest
import torch

from soleus.learn.norm import RewardScaler, RunningMoments


def test_merged_batches_equal_numpy() -> None:
    rng = np.random.default_rng(0)
    data = (rng.normal(size=(1000, 3)) * [1, 10, 0] + [0, 1e4, 5]).astype(np.float32)
    moments = RunningMoments((3,))
    for part in np.split(data, [1, 10, 400, 400]):
        moments.update(part)
    np.testing.assert_allclose(moments.mean, data.mean(0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(moments.variance, data.var(0, dtype=np.float64), rtol=1e-9, atol=1e-12)
    assert moments.count == 1000


def test_before_any_sample_it_changes_nothing() -> None:
    moments = RunningMoments((2,))
    assert moments.mean.tolist() == [0, 0]
    assert moments.std(0.5).tolist() == [1, 1]


def test_memory_forgets() -> None:
    moments = RunningMoments((), memory=10)
    moments.update(np.zeros(1000))
    for _ in range(20):
        moments.update(np.ones(10))
    assert moments.mean > 1 - 1e-5


def test_state_round_trip_is_exact() -> None:
    moments, other = RunningMoments((2,)), RunningMoments((2,))
    moments.update(np.random.default_rng(0).normal(size=(9, 2)))
    other.load_state_dict(moments.state_dict())
    for each in (moments, other):
        each.update(np.arange(8.0).reshape(4, 2))
    np.testing.assert_array_equal(moments.mean, other.mean)
    np.testing.assert_array_equal(moments.variance, other.variance)


def test_rewards_are_scaled_by_the_deviation_of_the_discounted_return() -> None:
    """R = 1, then 0.5 * 1 + 2 = 2.5, which ends the episode, then 3: mean 13/6, variance 13/18."""
    scaler = RewardScaler(1, 0.5)
    rewards = np.array([[1.0], [2.0], [3.0]], np.float32)
    scaled = scaler.scale(rewards, np.array([[False], [True], [False]]), None)
    np.testing.assert_allclose(scaled, rewards / np.sqrt(np.var([1, 2.5, 3])), rtol=1e-6)
    assert scaler.running.tolist() == [3.0]
    again = RewardScaler(1, 0.5)
    again.load_state_dict(scaler.state_dict())
    more = np.array([[1.0]], np.float32)
    np.testing.assert_array_equal(
        again.scale(more, np.array([[False]]), None), scaler.scale(more, np.array([[False]]), None)
    )


def test_scaled_rewards_are_clipped() -> None:
    scaler = RewardScaler(1, 0.9)
    rewards = np.zeros((1000, 1), np.float32)
    rewards[-1] = 100
    assert scaler.scale(rewards, np.zeros((1000, 1), bool), None)[-1] == 10


def test_steps_that_do_not_count_start_a_return_anew() -> None:
    scaler = RewardScaler(2, 1.0)
    rewards = np.array([[1, 1], [5, 1], [1, 1]], np.float32)
    valid = np.array([[True, True], [False, True], [True, True]])
    scaler.scale(rewards, np.zeros((3, 2), bool), valid)
    assert scaler.running.tolist() == [1.0, 3.0]
    assert scaler.moments.count == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [("mean", torch.zeros(3, dtype=torch.float64)), ("variance", -torch.ones(2, dtype=torch.float64)), ("count", -1.0)],
)
def test_moments_of_another_shape_or_impossible_ones_are_refused(name: str, value: object) -> None:
    moments = RunningMoments((2,))
    with pytest.raises(ValueError, match="expected"):
        moments.load_state_dict({**moments.state_dict(), name: value})
    assert moments.mean.tolist() == [0, 0]
