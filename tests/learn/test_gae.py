import numpy as np

from soleus.learn.gae import generalized_advantages

GAMMA, LAMBDA = 0.5, 0.5


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def advantages(terminated: list[bool], truncated: list[bool], final: list[float]) -> tuple[list[float], list[float]]:
    """Rewards 1, 2, 3 and values 4, 8, 16, 32 of one environment."""
    result = generalized_advantages(
        column(1, 2, 3),
        column(4, 8, 16, 32),
        column(*final),
        np.array(terminated)[:, None],
        np.array(truncated)[:, None],
        GAMMA,
        LAMBDA,
    )
    return result[0][:, 0].tolist(), result[1][:, 0].tolist()


NAN = float("nan")


def test_uninterrupted() -> None:
    # deltas: 1 + 4 - 4 = 1, 2 + 8 - 8 = 2, 3 + 16 - 16 = 3; each trace adds a quarter of the next
    got, targets = advantages([False] * 3, [False] * 3, [NAN] * 3)
    assert got == [1 + 2.75 / 4, 2 + 3 / 4, 3]
    assert targets == [4 + 1.6875, 8 + 2.75, 16 + 3]


def test_terminated_has_no_future_and_ends_the_trace() -> None:
    # middle step: 2 + 0 - 8 = -6
    got, _ = advantages([False, True, False], [False] * 3, [NAN] * 3)
    assert got == [1 - 6 / 4, -6, 3]


def test_truncated_bootstraps_from_its_final_observation_and_ends_the_trace() -> None:
    # middle step: 2 + 10 / 2 - 8 = -1, not with the next episode's value 16
    got, _ = advantages([False] * 3, [False, True, False], [NAN, 10, NAN])
    assert got == [1 - 1 / 4, -1, 3]


def test_terminated_and_truncated_at_once_is_terminated() -> None:
    got, _ = advantages([False, True, False], [False, True, False], [NAN] * 3)
    assert got == [1 - 6 / 4, -6, 3]


def test_environments_are_independent() -> None:
    rng = np.random.default_rng(0)
    rewards = rng.normal(size=(7, 5)).astype(np.float32)
    values = rng.normal(size=(8, 5)).astype(np.float32)
    final = rng.normal(size=(7, 5)).astype(np.float32)
    terminated, truncated = rng.random((7, 5)) < 0.2, rng.random((7, 5)) < 0.2
    together, _ = generalized_advantages(rewards, values, final, terminated, truncated, 0.9, 0.8)
    for n in range(5):
        one = np.s_[:, n : n + 1]
        alone, _ = generalized_advantages(
            rewards[one], values[one], final[one], terminated[one], truncated[one], 0.9, 0.8
        )
        np.testing.assert_array_equal(together[one], alone)
