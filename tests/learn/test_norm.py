import numpy as np

from soleus.learn.norm import RunningMoments


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
