"""What a collector asks of a group of environments."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from soleus.errors import UserError
from soleus.exchange.spaces import ActionSpec, ObservationSpec

Array = npt.NDArray[Any]


class Broken(UserError):
    """An environment gives what it did not promise: whatever were learnt from it would be wrong."""


class Episode(NamedTuple):
    """What an environment says of an episode at its end.

    info: the numbers in its info. raw_return: the return as the environment itself gives it, where a wrapper scales
    rewards by statistics of its own; None: that of its rewards.
    """

    info: dict[str, float]
    raw_return: float | None = None


@dataclass
class Slots:
    """Where one step of M environments is written.

    observations: (M, *observation.shape) what is seen next: where an episode ended, the first of the next one
    final_observations: (M, *observation.shape) the last of the episodes that ended, left alone elsewhere
    rewards: (M,) float32
    terminated, truncated: (M,) uint8 flags
    valid: (M,) uint8, zero for an environment that only restarted in this step
    ended: what the environments whose episodes ended say of these, by their number within the group; new in every step
    """

    observations: Array
    final_observations: Array
    rewards: npt.NDArray[np.float32]
    terminated: npt.NDArray[np.uint8]
    truncated: npt.NDArray[np.uint8]
    valid: npt.NDArray[np.uint8]
    ended: dict[int, Episode] = field(default_factory=dict)


class Group(Protocol):
    """M environments, stepped together; one whose episode has ended starts the next by itself."""

    num_envs: int
    observation: ObservationSpec
    action: ActionSpec
    control_dt: float | None
    """Time of one step [s], where there is a clock."""

    def watch(self, place: npt.NDArray[np.int64]) -> None:
        """Keep place[0] at the environment being stepped, counted within the group; -1: all of them at once."""

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes, whose first observations go to `out`; environment i has environment_seed(seed, i)."""

    def step(self, actions: Array, out: Slots) -> None:
        """Advance every environment by one action each, (M, *action.shape)."""

    def close(self) -> None:
        """Release the environments."""
