"""A policy at points in the space of conditions: what gait it has at each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.inverse.columns import Column, columns_of
from soleus.inverse.strides import Gait, gait_of
from soleus.run.trained import Trained
from soleus.sim.scenario import Scenario
from soleus.sweep.grid import Grid
from soleus.sweep.playing import Effort, Sweep, load_sweep_scenario

Floats = NDArray[np.float64]

SECONDS = 1.5
"""[s] of an episode for each stride that is asked for"""
_LEAD = 2.0  # [s] until a person has found its stride


@dataclass(frozen=True, eq=False)
class Player:
    """A policy that walks at many points at once."""

    trained: Trained
    scenario: Scenario
    columns: tuple[Column, ...]
    cycles: int
    """Strides of the right foot that make a gait: the last of an episode"""

    def gaits(
        self, points: Floats, seed: int, num_threads: int, say: Callable[[int, int], None] = lambda done, fell: None
    ) -> list[Gait | None]:
        """Return the gait at each of the points (N, n); None where the person fell, or made too few strides.

        say: called with how many points are done and how many of these have no gait. What a point comes to depends
        neither on the others nor on the threads.
        """
        conditions = self.scenario.conditions
        assert conditions is not None
        sweep = Sweep(self.trained, self.scenario, Grid((), points, conditions.names), effort_of(self.cycles), seed)
        found: list[Gait | None] = [None] * len(points)
        done = fell = 0
        for point, (episode,) in sweep.walks(range(len(points)), num_threads):
            whole = episode.success and len(episode.trace.qpos) > 1
            found[point] = gait_of(episode.trace, self.columns, self.cycles) if whole else None
            done, fell = done + 1, fell + (found[point] is None)
            say(done, fell)
        return found


def effort_of(cycles: int) -> Effort:
    """Return what it takes to see so many strides: one episode."""
    return Effort(cycles, _LEAD + SECONDS * cycles, 1)


def load_player(trained: Trained, cycles: int) -> Player:
    """Return a policy to be played at points of its conditions. Raises UserError for a run without conditions."""
    scenario = load_sweep_scenario(trained, effort_of(cycles))
    if scenario.conditions is None:
        raise UserError(f"{trained.called}: expected a run with conditions, got one without any")
    return Player(trained, scenario, columns_of(scenario.human), cycles)
