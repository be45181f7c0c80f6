"""Batch: the one thing that collectors give and learners take, and the layout that both agree on.

T control steps of N humans or other environments; D observation values, A action values; S muscle samples; E episodes
that ended. Images take the place of (D,) as (H, W, C) uint8, other actions that of (A,) as spaces.ActionSpec tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.exchange.spaces import ActionSpec, ObservationSpec

Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]


MOST_INFO = 64
"""Names of numbers in the info of episodes that a run follows, at most; whichever come first."""


def info_means(sums: Mapping[str, tuple[float, int]]) -> dict[str, float]:
    """Return, from Batch.info, the mean over the episodes that had a number of a name, as the metric info/NAME."""
    return {f"info/{name}": total / count for name, (total, count) in sums.items()}


@dataclass(frozen=True)
class MuscleLayout:
    """Which of the coordinates that muscles are asked for each muscle crosses: the fixed sparsity of the moment matrix,
    as CSR rows of muscles.

    crossing_adr: (num_muscles + 1,) start of each muscle's row in `crossing`
    crossing: (nnz,) indices of such coordinates, 0 <= crossing < num_actuated, sorted within a row
    num_actuated: actuated coordinates but those that torques move by themselves
    """

    crossing_adr: Int32
    crossing: Int32
    num_actuated: int
    num_muscles: int


@dataclass(frozen=True)
class Layout:
    """Sizes of what a collector gives.

    control_dt: time of one control step [s]; None where an environment has no clock: lengths are then steps.
    """

    num_envs: int
    observation: ObservationSpec
    action: ActionSpec
    control_dt: float | None = None
    muscle: MuscleLayout | None = None


@dataclass
class MuscleSamples:
    """Supervised samples of muscle coordination, one a human a control step, all three taken at the same substep.

    moments: (S, nnz) torque of each muscle at full activation about each joint it crosses [N m]
    desired: (S, num_actuated) torque asked for [N m]
    passive: (S, num_actuated) torque of the muscles at zero activation [N m]
    """

    moments: Float32
    desired: Float32
    passive: Float32


@dataclass(frozen=True, eq=False)
class Divergence:
    """A human whose simulation diverged, and what it takes to see it again."""

    human: int
    """Its number among all that share the seed."""
    state: npt.NDArray[np.float64]
    """(state size,) at the start of the rollout"""
    actions: Float32
    """(t + 1, A) from there to the control step in which it diverged"""
    muscle: dict[str, npt.NDArray[Any]] | None
    """Weights of the muscle network, where there is one"""


@dataclass
class Batch:
    """One rollout. The arrays belong to the collector and hold until its next collect().

    observations: (T + 1, N, D) raw, before normalisation; the last row is the one after the last step
    actions: (T, N, A) as sampled from the policy; a continuous one is clipped to its bounds by the environment
    log_probs: (T, N) of those actions under the policy that acted
    rewards: (T, N)
    terminated, truncated: (T, N) the episode ended in this step, by the task or by its time limit
    final_observations: (T, N, D) raw last observation of the episodes that ended; defined only where one did
    muscle: samples for the muscle network, where there is one
    valid: (T, N) steps to learn from, or None for all. A step that is none: an environment that only restarts in it,
        a worker that was lost. Its arrays hold finite numbers without meaning
    episode_returns, episode_lengths: (E,) undiscounted return and length [s, or steps where the layout has no
        control_dt] of the episodes that ended in this batch
    terms: mean of each reward term over the batch
    stats: other means worth logging (torque residual of the coordination, humans that diverged, ...)
    metrics: further metrics, by their whole key; those of profile/ are shares of the collection
    info: numbers that environments told of the episodes that ended: sum over those that told it, and how many, by name
    diverged: humans whose simulation diverged; they were reset
    lag: how many times the policy's weights were replaced since those that acted
    """

    observations: npt.NDArray[Any]
    actions: npt.NDArray[Any]
    log_probs: Float32
    rewards: Float32
    terminated: Bool
    truncated: Bool
    final_observations: npt.NDArray[Any]
    muscle: MuscleSamples | None = None
    episode_returns: Float32 = field(default_factory=lambda: np.zeros(0, np.float32))
    episode_lengths: Float32 = field(default_factory=lambda: np.zeros(0, np.float32))
    terms: dict[str, float] = field(default_factory=dict)
    stats: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    info: dict[str, tuple[float, int]] = field(default_factory=dict)
    valid: Bool | None = None
    diverged: tuple[Divergence, ...] = ()
    lag: int = 0

    @property
    def steps(self) -> int:
        """Control steps in it that count."""
        return self.rewards.size if self.valid is None else int(self.valid.sum())
