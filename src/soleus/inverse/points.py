"""Points in the space of conditions, that fill it and lie in its corners."""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

Floats = NDArray[np.float64]

_CORNERS = 0.25  # of the points: curves bend most where several conditions are at their ends together


def spread(low: Floats, high: Floats, count: int, seed: int) -> Floats:
    """Return points (count, n) within bounds (n,): a quarter of them corners, all of these where there are so few, and
    the rest a scrambled sequence of Sobol's (Owen 1998, Journal of Complexity 14:466).
    """
    dimensions, generator = len(low), np.random.default_rng(seed)
    corners = _corners(dimensions, int(_CORNERS * count), generator)
    rest = count - len(corners)
    sequence = qmc.Sobol(dimensions, rng=generator)
    drawn = sequence.random_base2(int(np.ceil(np.log2(max(rest, 1)))))[:rest]
    return np.asarray(low + (high - low) * np.vstack([corners, drawn]))


def _corners(dimensions: int, most: int, generator: np.random.Generator) -> Floats:
    """(k, n) of zeros and ones, no two alike."""
    if dimensions <= 16 and 2**dimensions <= most:
        return np.array(list(itertools.product((0.0, 1.0), repeat=dimensions)))
    bits = np.unique(generator.integers(0, 2, (most, dimensions)), axis=0)
    return np.asarray(generator.permutation(bits), dtype=np.float64)
