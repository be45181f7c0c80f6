"""A curve in one line of text: the return of a whole run beside its progress."""

from collections.abc import Sequence
from typing import Any

import numpy as np

WIDTH = 24
"""Characters of a line, at most: a run of fewer values has one for each."""
BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.:-=+*#"
"""The same heights where an encoding has no blocks."""


def characters(stream: Any) -> str:
    """Return the heights, lowest first, that a text stream can carry."""
    try:
        BLOCKS.encode(getattr(stream, "encoding", None) or "utf-8")  # a stream of text alone has no encoding
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def sparkline(values: Sequence[float], heights: str = BLOCKS, width: int = WIDTH) -> str:
    """Return the values from the lowest to the highest of what is shown; nothing of fewer than two finite ones.

    More values than characters are shown as means of as many equal parts, in order.
    """
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if known.size < 2:
        return ""
    edges = np.linspace(0, known.size, min(width, known.size) + 1).astype(int)
    _, exponent = np.frexp(np.abs(known).max())
    known = np.ldexp(known, -exponent)  # within 1, exactly: the sum of very large values would overflow
    means = np.add.reduceat(known, edges[:-1]) / np.diff(edges)
    low, span = means.min(), np.ptp(means)
    places = np.full(means.size, len(heights) // 2)
    if span > 1e-12:  # less is rounding, and level
        places = np.minimum((means - low) / span * len(heights), len(heights) - 1).astype(int)
    return "".join(heights[place] for place in places)
