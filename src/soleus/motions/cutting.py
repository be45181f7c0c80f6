"""The part of a recording that is used, in seconds of the file's own time."""

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError

Floats = NDArray[np.float64]


def part_of(what: str, times: Floats, start: float | None, end: float | None, least: int = 2) -> slice:
    """Return the rows from the one nearest to `start` to the one nearest to `end`, both included.

    what: the file, in words. times (K,) [s] rise. Raises UserError for a time that lies outside of the file, and for
    fewer rows than `least`.
    """
    half = (times[-1] - times[0]) / max(len(times) - 1, 1) / 2
    for key, time in (("motion.from", start), ("motion.to", end)):
        if time is not None and not times[0] - half <= time <= times[-1] + half:
            raise UserError(
                f"{what}: {key}: expected seconds within the file's, {seconds(times[0])} to {seconds(times[-1])}, got"
                f" {time:g}"
            )
    if start is not None and end is not None and not start < end:
        raise UserError(f"{what}: motion.from: expected a time before motion.to, {end:g} s, got {start:g}")
    first = 0 if start is None else int(np.abs(times - start).argmin())
    last = len(times) - 1 if end is None else int(np.abs(times - end).argmin())
    if last - first + 1 < least:
        raise UserError(
            f"{what}: motion.from and motion.to: expected {least} rows or more between them, got {last - first + 1}"
            f" from {seconds(times[first])} to {seconds(times[last])} s"
        )
    return slice(first, last + 1)


def seconds(time: float) -> str:
    """Return a time [s] as a key takes it, close enough to name a row."""
    return f"{time:.4f}".rstrip("0").rstrip(".")
