"""The rules by which yardsticks score, by hand."""

import numpy as np
import pytest

from soleus.gait.likeness.yardstick import Kind, alike, correlation, near, over_sides

KIND = Kind("key", "gait", "Label", "m", "ours")


@pytest.mark.parametrize(
    ("value", "score", "away", "outside"),
    [(10, 1, 0, False), (12, 1, 1, False), (8, 1, -1, False), (13, 5 / 6, 1.5, False), (14, 2 / 3, 2, False),
     (15, 0.5, 2.5, True), (4, 1 / 3, -3, True), (18, 0, 4, True), (-100, 0, -55, True)],
)  # fmt: skip
def test_a_value_falls_with_the_spreads_that_it_is_away(value: float, score: float, away: float, outside: bool) -> None:
    found = near(KIND, value, 10, 2)
    assert (found.score, found.away) == (pytest.approx(score), pytest.approx(away))
    assert found.outside is outside
    assert (found.value, found.normal, found.spread) == (value, 10, 2)


def test_less_may_be_no_flaw() -> None:
    assert near(KIND, 2, 10, 2, only_above=True).score == 1
    assert not near(KIND, 2, 10, 2, only_above=True).outside
    assert near(KIND, 15, 10, 2, only_above=True).score == 0.5


@pytest.mark.parametrize(
    ("value", "best", "score"), [(0.8, 1, 0.8), (-0.4, 1, 0), (34, 68, 0.5), (90, 68, 1), (None, 1, None)]
)
def test_a_correlation_or_a_share_scores_itself(value: float | None, best: float, score: float | None) -> None:
    found = alike(KIND, value, best)
    assert found.score == (None if score is None else pytest.approx(score))
    assert not found.outside


def test_what_is_not_known_has_no_score() -> None:
    found = near(KIND, None, 10, 2)
    assert (found.value, found.score, found.away, found.outside) == (None, None, None, False)


def test_correlations() -> None:
    at = np.linspace(0, 2 * np.pi, 101)
    assert correlation(np.sin(at), 3 + 2 * np.sin(at)) == pytest.approx(1)
    assert correlation(np.sin(at), -np.sin(at)) == pytest.approx(-1)
    assert correlation(np.sin(at), np.cos(at)) == pytest.approx(0, abs=1e-12)
    assert correlation(np.ones(101), np.sin(at)) is None


def test_sides_are_averaged_where_they_are_known() -> None:
    assert over_sides([1.0, 3.0]) == 2
    assert over_sides([None, 3.0]) == 3
    assert over_sides([]) is None
