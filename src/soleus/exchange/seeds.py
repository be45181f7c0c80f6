"""Seeds: which ones there are, and how that of an environment's episodes is made from the seed of a run.

Humans in the core need no more than the run's seed: their random numbers are keyed by it, by the human's number and by
the episode's (cpp/base/rng.h).
"""

from typing import Any

import numpy as np

from soleus.errors import UserError

SEEDS = 2**63
"""How many seeds there are: a seed is a whole number from 0 to SEEDS - 1."""


def check_seed(seed: Any) -> int:
    """Return the seed; raises UserError for anything but a whole number in [0, 2^63)."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < SEEDS:
        raise UserError(f"seed: expected a whole number from 0 to 2^63 - 1, got {seed!r}")
    return int(seed)


def start_seed(seed: int, round_number: int, restarts: int) -> int:
    """Return the seed of the environments that start before a round: other episodes after a resume or a restart."""
    if round_number == 0 and restarts == 0:
        return seed
    return int(np.random.SeedSequence([seed, round_number, restarts]).generate_state(1, np.uint64)[0] >> 1)


def environment_seed(seed: int, environment: int) -> int:
    """Return the 31-bit seed of one environment under the seed of all; it resets with it, and draws its episodes."""
    return int(np.random.SeedSequence([seed, environment]).generate_state(1)[0] >> 1)
