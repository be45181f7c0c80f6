"""People at points of a grid, many in one simulation, each at a point of its own."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from soleus.conditions.names import GAIT
from soleus.gait.cycles import cut
from soleus.models import Human
from soleus.motions.anatomy import angles_of
from soleus.paths.function import Function, functions
from soleus.run.trained import Trained
from soleus.sim.scenario import Scenario, load_scenario
from soleus.sim.trace import Observer, Part, Playback
from soleus.sweep.grid import Grid
from soleus.sweep.rows import Episode, Table, rows_of, with_point

_EVERY = 2  # simulation steps from one that is looked at to the next
_MOST_BYTES = 1e9  # of what is remembered of the episodes that are under way
_HUMANS = 64  # for each thread


@dataclass(frozen=True)
class Effort:
    """How much is done at each point."""

    cycles: int
    """Strides of each foot that are enough"""
    seconds: float
    """[s] of the longest episode"""
    episodes: int
    """At most, whatever the strides"""


class Sweep:
    """A policy, at the points of a grid."""

    def __init__(self, trained: Trained, scenario: Scenario, grid: Grid, effort: Effort, seed: int) -> None:
        self.trained, self.scenario, self.grid, self.effort, self.seed = trained, scenario, grid, effort, seed
        conditions = scenario.conditions
        assert conditions is not None
        self._changes_bodies = any(meaning.effect not in GAIT for meaning in conditions.meanings)

    @cached_property
    def functions(self) -> list[Function]:
        """Of the muscles."""
        human = self.scenario.human
        return functions(human, angles_of(human)) if human.muscle_names else []

    def tables(self, points: Sequence[int], num_threads: int) -> Iterator[tuple[int, Table]]:
        """Yield a table for each of some points of the grid, sorted, as soon as it is there."""
        for point, episodes in self.walks(points, num_threads):
            found = rows_of(episodes, self.functions, self.effort.cycles)
            yield point, with_point(found, point, self.grid.names, self.grid.points[point])

    def walks(self, points: Sequence[int], num_threads: int) -> Iterator[tuple[int, list[Episode]]]:
        """Yield the episodes at each of some points of the grid, sorted, as soon as they are there.

        What a point yields depends neither on the others nor on the number of threads.
        """
        rest = list(points)
        while rest:
            first = rest[0]
            block = range(first, min(first + self._humans(num_threads), len(self.grid.points)))
            wanted = [point for point in rest if point in block]
            rest = rest[len(wanted) :]
            yield from self._play(range(first, wanted[-1] + 1), set(wanted), num_threads)

    def _humans(self, num_threads: int) -> int:
        """As many humans as are simulated at once, a lane's worth at least."""
        human = self.scenario.human
        columns = human.model.nq + human.model.nv + 2 * (len(human.muscle_names) + len(self.scenario.devices)) + 19
        steps = self.effort.seconds * self.scenario.config.control.sim_hz / _EVERY
        return int(np.clip(_MOST_BYTES / (8 * columns * steps), 8, _HUMANS * num_threads))

    def _play(self, block: range, wanted: set[int], num_threads: int) -> Iterator[tuple[int, list[Episode]]]:
        """Yield the episodes of the points of a block that are wanted; the others are simulated and left alone."""
        playback = Playback(
            self.scenario, self.trained.policy, self.trained.muscle, num_envs=len(block), seed=self.seed,
            num_threads=num_threads, first=block.start, conditions=self.grid.points[block],
        )  # fmt: skip
        people = {k: _Person(self, playback, point) for k, point in enumerate(block) if point in wanted}
        with ThreadPoolExecutor(num_threads) as threads:
            while people:
                step, truncated = playback.step(), playback.buffers["truncated"][-1]
                list(threads.map(_Person.see, people.values(), [step.trace[:, k] for k in people]))
                ended = [k for k in people if step.done[k]]
                for k in ended:
                    if people[k].end(bool(truncated[k])):
                        yield block[k], people.pop(k).episodes

    def person(self, point: int, playback: Playback) -> Human:
        """Return who walks at a point."""
        return self.scenario.person_at(self.grid.points[point]) if self._changes_bodies else playback.human


class _Person:
    """Who walks at a point of the grid, and what is known of the episodes there."""

    def __init__(self, sweep: Sweep, playback: Playback, point: int) -> None:
        self.sweep = sweep
        self.human = sweep.person(point, playback)
        self.observer = Observer(playback, self.human)
        self.dt = _EVERY / sweep.scenario.config.control.sim_hz
        self.parts: list[Part] = []
        self.episodes: list[Episode] = []

    def see(self, rows: NDArray[np.float64]) -> None:
        """Remember a control step. rows: (substeps, trace size)"""
        seen = rows[_EVERY - 1 :: _EVERY]
        self.parts.append(self.observer.read(seen[np.isfinite(seen).all(axis=1)]))

    def end(self, success: bool) -> bool:
        """End an episode; return whether there is enough of this person."""
        effort = self.sweep.effort
        self.episodes.append(Episode(self.observer.joined(self.dt, self.parts), len(self.episodes), success))
        self.parts = []
        strides = cut([episode.trace for episode in self.episodes])
        return strides.fewest >= effort.cycles or len(self.episodes) >= effort.episodes


def load_sweep_scenario(trained: Trained, effort: Effort) -> Scenario:
    """Return the scenario of a run whose episodes are as long as a sweep's, and nobody is pushed. Raises UserError."""
    config = trained.human()
    task = config.task.model_copy(update={"episode_seconds": effort.seconds, "pushes": None})
    return load_scenario(config.model_copy(update={"task": task}))
