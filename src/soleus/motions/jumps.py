"""Jumps: what no body does from one frame to the next, be it a joint that turns or a pelvis that moves or turns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_OVER = 5.0  # times what a part does otherwise; runs sampled at 15 and 30 Hz stay below 4


@dataclass(frozen=True)
class Pace:
    """How fast a part of a body moves, in radians or metres."""

    most: float
    """[1/s] beyond which nothing is a body's"""
    sudden: float
    """[1/s] that a speed changes by from one frame to the next"""
    usual: float
    """[1/s] that a speed changes by at any moment, of which nothing is seen between frames that are far apart"""
    least: float
    """A change of a step that is smaller is none: what is measured often is noisy"""


# A shoulder turns by up to 7500 degrees/s in a throw, the fastest that joints do (Seroyer et al. 2010, Sports Health
# 2:135), a knee by 2000 in a kick. In a run at 30 frames a second a step differs by up to 0.5 rad from those beside it,
# at 60 frames and in a walk by 0.2.
JOINT = Pace(150.0, 40.0, 6.0, 0.35)
# Skaters spin at 340 turns a minute, pelves throw at 12 rad/s. In a run the change is below 5 rad/s.
TURN = Pace(40.0, 10.0, 2.0, 0.2)
# Sprinters reach 12.5 m/s. In a run the change is below 1 m/s; one of 3 m/s within a frame is 20 g at 60 Hz.
PLACE = Pace(15.0, 3.0, 1.0, 0.05)


@dataclass(frozen=True)
class Jump:
    """Between a frame and the next."""

    frame: int
    size: float
    """[rad] or [m] of the step"""
    times: float
    """By how much it is larger than what would pass, to compare jumps of different parts."""


def find_jump(steps: Floats, dt: float, pace: Pace) -> Jump | None:
    """Return the worst jump in steps (F, n) between F + 1 frames, dt [s] apart, of one part; None without any.

    A step is a jump where it is faster than `pace` allows, or differs from both steps beside it by more than the pace
    allows or by far more than other steps do.
    """
    sizes = np.linalg.norm(steps, axis=1)
    change = np.linalg.norm(np.diff(steps, axis=0), axis=1)
    beside = np.full(len(steps), np.inf)
    beside[1:] = change
    beside[:-1] = np.minimum(beside[:-1], change)
    beside[~np.isfinite(beside)] = 0.0  # of a single step
    others = float(np.quantile(beside, 0.9))
    passes = max(pace.least, pace.usual * dt, min(pace.sudden * dt, _OVER * others))
    times = np.maximum(sizes / (pace.most * dt), beside / passes)
    times[sizes < pace.least] = 0.0  # the still one of two steps, the other a jump
    worst = int(times.argmax())
    return Jump(worst, float(sizes[worst]), float(times[worst])) if times[worst] > 1 else None
