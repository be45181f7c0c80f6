"""When a foot strikes the ground and when it leaves: from the vertical force on it alone.

A threshold on the force is not enough: feet bounce when they land, graze the ground in swing, and are all but
unloaded in the middle of a stance. So stances are found first, as long stretches of load, and then each one's ends are
looked for where the force was quiet before and after it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Forces in body weights.
_LOADED = 0.2  # a smoothed force above it is load
_TOUCH = 0.05  # force plates take 20 N or so (Zeni et al. 2008, Gait & Posture 27:710); simulated contacts are noisier
_TOUCH_MOST = 0.2
_DRAG = 2.0  # times the median force in swing is no strike: that foot drags
_LEAST_IMPULSE = 0.08  # [body weights * s] a stance has 0.3 and more, a foot that grazes the ground 0.03
# Times in seconds.
_SMOOTH = 0.04
_SHORTEST_SWING = 0.12  # what unloads for less is one stance
_QUIET = 0.025  # without touch for so long: before the strike, not a bounce
_REACH = 0.15  # from load to touch at most


@dataclass(frozen=True)
class Contact:
    """One stance of a foot, by simulation steps; None where the record begins or ends within it."""

    strike: int | None
    """First step of touch."""
    off: int | None
    """First step after it without touch."""


def find_contacts(vertical: Floats, dt: float, weight: float) -> list[Contact]:
    """Return the stances of a foot, in order.

    vertical: (T,) force of the ground, up [N]; dt [s]; weight of the body [N].
    """
    force = np.asarray(vertical, dtype=np.float64) / weight
    spans = _loaded(force, dt)
    total, ends = len(force), [0, *(stop for _, stop in spans)]
    begins = [*(start for start, _ in spans), total]
    found = []
    for k, (start, stop) in enumerate(spans):
        strike = _edge(force[: stop + 1], start, ends[k], dt)
        # The way off the ground is the way on, played backwards.
        off = _edge(force[start:][::-1], total - 1 - stop, total - begins[k + 1], dt)
        found.append(Contact(strike, None if off is None else total - off))
    return found


def _loaded(force: Floats, dt: float) -> list[tuple[int, int]]:
    """First and last step of every stretch of load that is a stance."""
    width = max(1, round(_SMOOTH / dt) | 1)
    if len(force) < width:
        return []
    smooth = np.convolve(force, np.full(width, 1.0 / width), mode="same")
    edges = np.flatnonzero(np.diff(np.concatenate([[False], smooth > _LOADED, [False]]).astype(np.int8)))
    spans = [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]
    heavy = [(a, b) for a, b in spans if force[a : b + 1].sum() * dt >= _LEAST_IMPULSE]
    merged: list[tuple[int, int]] = []
    for a, b in heavy:
        if merged and (a - merged[-1][1]) * dt < _SHORTEST_SWING:
            merged[-1] = (merged[-1][0], b)
        else:
            merged.append((a, b))
    return merged


def _edge(force: Floats, start: int, before: int, dt: float) -> int | None:
    """Step of first touch of a stance whose load begins at `start`; the one before it ended at `before`.

    None where the foot is not seen without touch first.
    """
    swing = force[before:start]
    drag = _DRAG * float(np.median(swing)) if len(swing) else 0.0
    touching = force > min(max(_TOUCH, drag), _TOUCH_MOST)
    while start < len(force) - 1 and not touching[start]:  # smoothing looks ahead
        start += 1
    quiet, least = 0, max(1, round(_QUIET / dt))
    first, lowest = start, max(before, start - round(_REACH / dt))
    for i in range(start - 1, lowest - 1, -1):
        if touching[i]:
            first, quiet = i, 0
        else:
            quiet += 1
            if quiet >= least:
                return first
    return start if lowest > 0 else None
