from typing import Any

import numpy as np
import pytest

from soleus.environments.info import RAW_RETURN, InfoSums, episode_of, numbers
from soleus.exchange.batch import MOST_INFO, info_means


def test_numbers_and_flags_are_kept() -> None:
    info: dict[Any, Any] = {
        "flag": True,
        "one": np.bool_(False),
        "whole": np.int8(3),
        "real": 2.5,
        "array": np.array(4.0),
        "nan": float("nan"),
        "huge": 10**400,
        "text": "5",
        "many": np.ones(3),
        "inner": {"a": 1},
        "complex": 1j,
        "none": None,
        7: 8,
        "": 9,
        "two\nlines": 10,
        "x" * 100: 11,
    }
    assert numbers(info) == {"flag": 1.0, "one": 0.0, "whole": 3.0, "real": 2.5, "array": 4.0}
    assert len(numbers({f"k{i}": i for i in range(1000)})) == MOST_INFO + 1


def test_the_raw_return_is_no_number_of_the_episode() -> None:
    assert episode_of({"a": 1, RAW_RETURN: 7.0}) == ({"a": 1.0}, 7.0)
    assert episode_of({}) == ({}, None)


def test_means_are_over_the_episodes_that_have_it() -> None:
    sums = InfoSums()
    for info in ({"a": 1.0}, {"a": 2.0, "b": 10.0}):
        sums.add(info)
    other = InfoSums()
    other.add({"a": 6.0})
    sums.merge(other.sums)
    assert info_means(sums.sums) == pytest.approx({"info/a": 3.0, "info/b": 10.0})
    for i in range(1000):
        sums.add({f"k{i}": 1.0})
    assert len(sums.sums) == MOST_INFO + 1
