"""The arrays of a rollout: made here, filled by the core, read by whoever learns from them or looks at them."""

import numpy as np

from soleus import _core
from soleus.machine.memory import check_memory
from soleus.sim import sums
from soleus.sim.simulation import Simulation

EPISODE_COLUMNS: tuple[str, ...] = _core.EPISODE_COLUMNS
"""Columns of an episode's summary, in the core's order."""


class Buffers:
    """Arrays of a rollout of T steps, which the core writes and the caller reads until the next one.

    Before every rollout values become NaN and flags 255, so that a slot that the core does not write shouts: the traces
    of a human from where it diverged to its next control step, and what is defined only where an episode ended.
    """

    def __init__(self, simulation: Simulation, steps: int, samples: bool, trace: bool = False) -> None:
        """samples: of the muscles too; trace: every human's state at every simulation step too."""
        core = simulation.core
        n, d, a = core.humans, core.observation_size, core.action_size
        terms = len(simulation.scenario.config.task.reward.terms)
        self.steps = steps
        check_memory(
            f"{simulation.scenario.config.subject}: a rollout of {steps:,} steps of {n:,} humans",
            4.0 * steps * n * (2 * d + a + 16 + len(simulation.muscle_layout.crossing) * samples),
        )
        self.arrays: dict[str, np.ndarray] = {
            "observations": np.full((steps + 1, n, d), np.nan, np.float32),
            "actions": np.full((steps, n, a), np.nan, np.float32),
            "log_probs": np.full((steps, n), np.nan, np.float32),
            "rewards": np.full((steps, n), np.nan, np.float32),
            "terminated": np.full((steps, n), 255, np.uint8),
            "truncated": np.full((steps, n), 255, np.uint8),
            "diverged": np.full((steps, n), 255, np.uint8),
            "final_observations": np.full((steps, n, d), np.nan, np.float32),
            "episodes": np.full((steps, n, len(EPISODE_COLUMNS)), np.nan, np.float32),
            "term_sums": np.zeros((n, terms)),
            "residual_sums": np.zeros((n, 3)),
        }
        if samples:
            layout = simulation.muscle_layout
            self.arrays["moments"] = np.empty((steps, n, len(layout.crossing)), np.float32)
            self.arrays["desired"] = np.empty((steps, n, layout.num_actuated), np.float32)
            self.arrays["passive"] = np.empty((steps, n, layout.num_actuated), np.float32)
        if trace:
            control = simulation.scenario.config.control
            rows = steps * (control.sim_hz // control.policy_hz)
            self.arrays["trace"] = np.full((rows, n, core.trace_size), np.nan)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    @property
    def done(self) -> np.ndarray:
        """(T, N) bool: an episode ended in this step."""
        done: np.ndarray = (self["terminated"] | self["truncated"]).astype(bool)
        return done

    def run(self, simulation: Simulation, with_policy: bool) -> None:
        """Fill the arrays (fill()), and say which humans diverged."""
        self.fill(simulation, with_policy)
        sums.name_diverged(self["diverged"])

    def fill(self, simulation: Simulation, with_policy: bool) -> None:
        """Fill the arrays by one rollout from the first row of observations on; without a policy, by its actions."""
        given = {"observations"} if with_policy else {"observations", "actions"}
        for name, array in self.arrays.items():
            if name in ("term_sums", "residual_sums"):
                array[:] = 0.0
            elif name not in given:
                array[:] = 255 if array.dtype == np.uint8 else np.nan
        self["observations"][1:] = np.nan
        if simulation.outer:
            simulation.outer.use(self.arrays)
        simulation.core.run(self.arrays, self.steps, with_policy)

    def term_means(self, simulation: Simulation) -> dict[str, float]:
        """Mean of each reward term, unweighted, over the rollout."""
        return sums.term_means(simulation.scenario.config, self["term_sums"], self["rewards"].size)

    def residuals(self) -> tuple[float, float]:
        """Relative torque residuals of the rollout (sums.residuals)."""
        return sums.residuals(self["residual_sums"])
