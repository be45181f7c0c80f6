"""Let people walk until there are strides enough."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from soleus.gait.analysis import LEAST, check_walks
from soleus.gait.cycles import cut
from soleus.sim.trace import Trace

ROUNDS = 5
"""As often are episodes asked for at most."""
_ROUNDS_WITHOUT = 2  # a person who has not walked in so many does not walk


class Episodes(Protocol):
    """Episodes, and how well muscles gave the torques that were wanted."""

    @property
    def traces(self) -> list[Trace]:
        """One an episode."""

    @property
    def residual_sums(self) -> tuple[float, float]:
        """Squared torque that muscles missed, and that was wanted of them, summed; 0, 0 without coordination."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """What came of all rounds together."""

    traces: list[Trace]
    torque_residual: float | None
    """Relative: root of the torque missed over that wanted, both summed in squares; None without coordination"""


def gather(play: Callable[[int], Episodes], least: int = LEAST) -> Gathered:
    """Play rounds of episodes until each foot has `least` strides, or there have been enough of them.

    play: of the number of the round, which has to be in its seed. Raises UserError where nobody walks.
    """
    traces: list[Trace] = []
    missed, wanted = 0.0, 0.0
    for number in range(ROUNDS):
        played = play(number)
        traces += played.traces
        missed, wanted = missed + played.residual_sums[0], wanted + played.residual_sums[1]
        strides = cut(traces)
        if number + 1 >= _ROUNDS_WITHOUT:
            check_walks(strides)
        if strides.fewest >= least:
            break
    return Gathered(traces, float(np.sqrt(missed / wanted)) if wanted > 0 else None)
