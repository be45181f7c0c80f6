"""Let people walk until there are strides enough."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from soleus.gait.analysis import LEAST, check_walks
from soleus.gait.cycles import cut
from soleus.playback import Trace

ROUNDS = 5
"""As often are episodes asked for at most."""
_ROUNDS_WITHOUT = 2  # a person who has not walked in so many does not walk


class Played(Protocol):
    """Episodes, and how well muscles gave the torques that were wanted."""

    @property
    def traces(self) -> list[Trace]:
        """One an episode."""

    @property
    def torque_residual(self) -> float | None:
        """Relative; None without muscle coordination."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """What came of all rounds together."""

    traces: list[Trace]
    torque_residual: float | None


def gather(play: Callable[[int], Played], least: int = LEAST) -> Gathered:
    """Play rounds of episodes until each foot has `least` strides, or there have been enough of them.

    play: of the number of the round, which has to be in its seed. Raises UserError where nobody walks.
    """
    traces: list[Trace] = []
    residuals: list[float] = []
    for number in range(ROUNDS):
        played = play(number)
        traces += played.traces
        if played.torque_residual is not None:
            residuals.append(played.torque_residual)
        strides = cut(traces)
        if number + 1 >= _ROUNDS_WITHOUT:
            check_walks(strides)
        if strides.fewest >= least:
            break
    residual = float(np.sqrt(np.mean(np.square(residuals)))) if residuals else None
    return Gathered(traces, residual)
