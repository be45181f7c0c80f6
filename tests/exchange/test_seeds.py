import itertools

import pytest

from soleus.errors import UserError
from soleus.exchange.seeds import SEEDS, check_seed, environment_seed, start_seed


def test_seeds_are_whole_numbers_below_2_to_the_63() -> None:
    assert check_seed(0) == 0
    assert check_seed(SEEDS - 1) == 2**63 - 1
    for wrong in (-1, SEEDS, 1.0, True, "1", None):
        with pytest.raises(UserError, match=r"^seed: expected a whole number from 0 to 2\^63 - 1, got"):
            check_seed(wrong)


def test_no_two_environments_share_a_seed_and_none_changes_between_versions() -> None:
    made = [environment_seed(seed, environment) for seed, environment in itertools.product(range(4), range(256))]
    assert len(set(made)) == len(made)
    assert all(0 <= one < 2**31 for one in made)
    assert [environment_seed(seed, environment) for seed in (0, 1) for environment in (0, 1)] == [
        1484405855,
        1982462498,
        917752063,
        594516694,
    ]


def test_a_start_after_the_first_has_a_seed_of_its_own() -> None:
    assert start_seed(7, 0, 0) == 7
    made = [start_seed(7, number, restarts) for number, restarts in itertools.product(range(16), range(16))]
    assert len(set(made)) == len(made)
    assert all(check_seed(one) == one for one in made)
    assert [start_seed(0, 1, 0), start_seed(0, 0, 1)] == [2918264622725855778, 4324601099084218337]
