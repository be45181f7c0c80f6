"""The parts of a round that actors on Ray collect: what is sent to each actor, and the Batch made of the parts.

Parts have what humans and environments share; HumanParts and EnvParts what they do not.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from soleus.collect.clips import ClipSampler
from soleus.collect.humans import batch_of
from soleus.collect.ray.actor import AT_ENDS, Actor, Array, EnvActor, EnvStart, HumanActor, Part, ended
from soleus.collect.ray.pool import PooledActor
from soleus.collect.slots import as_batch
from soleus.config import EnvRunConfig, HumanRunConfig, RunConfig
from soleus.environments.info import InfoSums
from soleus.exchange.batch import Batch, Layout
from soleus.exchange.weights import Weights, check_state, policy_tensors
from soleus.sim.scenario import Scenario, load_scenario
from soleus.sim.simulation import Simulation
from soleus.sim.sums import name_diverged

_PER_HUMAN = ("term_sums", "residual_sums")  # (N, ...), where other arrays are (T, N, ...)


class Parts(ABC):
    """The arrays of a round of all, and the weights that they are collected with."""

    actor: type[Actor]
    """Class of the actors."""
    subject: Any
    """What every actor is started with."""
    layout: Layout
    policy: Weights
    muscle: Weights | None = None
    scenario: Scenario | None = None
    """What was loaded of the humans."""
    clip_weights: Array | None = None
    """How often an episode follows each clip, where there are several."""
    cpus: int | None = None
    """CPUs that an actor needs, where the configuration tells."""

    def __init__(self, config: RunConfig) -> None:
        self.steps, self.envs = config.train.rollout_steps, config.train.num_envs
        self.arrays: dict[str, Array] = {}

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Take the muscle network's weights; errors as Collector.load_muscle."""
        raise NotImplementedError

    @abstractmethod
    def orders(self, asked: Sequence[PooledActor]) -> list[Any]:
        """Return the order for the next round for each of these actors; the weights come beside it."""

    def merge(self, one: PooledActor, part: Part) -> None:
        """Copy a part from the object store to its place in the batch."""
        if not self.arrays:
            self.arrays = self._empty(part)
        columns = one.columns
        for name, array in part.arrays.items():
            if name in _PER_HUMAN:
                self.arrays[name][columns] = array
            elif name not in AT_ENDS:
                self.arrays[name][:, columns] = array
        done = ended(part.arrays)
        for name in set(AT_ENDS) & set(part.arrays):
            self.arrays[name][:, columns][done] = part.arrays[name]

    def _empty(self, part: Part) -> dict[str, Array]:
        """Return arrays for all, of the kinds of a part."""
        arrays = {}
        for name, array in part.arrays.items():
            if name in _PER_HUMAN:
                shape: tuple[int, ...] = (self.envs, *array.shape[1:])
            elif name in AT_ENDS:
                shape = (self.steps, self.envs, *array.shape[1:])
            else:
                shape = (array.shape[0], self.envs, *array.shape[2:])
            arrays[name] = np.zeros(shape, array.dtype)
        return arrays

    def leave_out(self, one: PooledActor) -> None:
        """Clear the place of a part, so that nothing of an earlier round remains in it."""
        for name, array in self.arrays.items():
            array[one.columns if name in _PER_HUMAN else (slice(None), one.columns)] = 0
        self.arrays["terminated"][:, one.columns] = 1  # nothing is looked for behind its steps

    @abstractmethod
    def batch(self, parts: Mapping[PooledActor, Part], left_out: Sequence[PooledActor]) -> Batch:
        """Return the batch of the parts that are merged."""

    @abstractmethod
    def state(self, under_way: bool) -> dict[str, Array]:
        """Return what the next round depends on besides the weights. under_way: it was asked for already."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what state() gave."""


class HumanParts(Parts):
    """Humans: what their future depends on is known here after every round, so that any actor can go on from there."""

    actor = HumanActor

    def __init__(self, config: HumanRunConfig) -> None:
        """Raises UserError."""
        super().__init__(config)
        self.config, self.subject = config, load_scenario(config)
        self.scenario = self.subject
        probe = Simulation(self.subject, 1, 1, config.train.seed)
        one = probe.layout
        self.layout = Layout(self.envs, one.observation, one.action, one.control_dt, one.muscle)
        self.policy = Weights(policy_tensors(probe.policy_spec))
        self._muscle_spec = probe.muscle_spec
        self.muscle = Weights(probe.muscle_spec.tensors()) if probe.muscle_spec else None
        self._acting = Weights(self.muscle.shapes) if self.muscle else None  # in the round that was asked for last
        self._state: dict[str, Array] = {}
        clips = self.subject.clips
        self._sampler = ClipSampler(clips) if clips and clips.several else None
        self._draw_clips()

    def _draw_clips(self) -> None:
        self.clip_weights = self._sampler.weights if self._sampler else None

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Take the muscle network's weights; raises UserError, the old ones staying, for a state that does not fit."""
        assert self.muscle is not None
        assert self._muscle_spec is not None
        check_state(self._muscle_spec, state, "muscle network")
        self.muscle.load(state)

    def begin(self, states: Sequence[Mapping[str, Array]]) -> None:
        """Take the states that the actors began in, in their order."""
        self._state = {name: np.concatenate([state[name] for state in states]) for name in states[0]}

    def orders(self, asked: Sequence[PooledActor]) -> list[Any]:
        """Return states to go on from, for actors whose humans are elsewhere."""
        # What leads to a divergence begins there, under these weights: with a lag others come before the round does.
        self._before = self._state["humans"].copy()
        if self._acting is not None and self.muscle is not None:
            self._acting.load(self.muscle)
        return [
            {name: array[one.columns] for name, array in self._state.items()} if one.fresh else None for one in asked
        ]

    def merge(self, one: PooledActor, part: Part) -> None:
        """Copy a part, and where its humans are, to their place among all."""
        super().merge(one, part)
        for name, array in part.state.items():
            self._state[name][one.columns] = array

    def batch(self, parts: Mapping[PooledActor, Part], left_out: Sequence[PooledActor]) -> Batch:
        """Return the batch of the parts that are merged."""
        valid = np.ones(self.arrays["rewards"].shape, bool) if left_out else None
        for one in left_out:
            valid[:, one.columns] = False  # type: ignore[index]
        name_diverged(self.arrays["diverged"])
        if self._sampler:
            self._sampler.count(self.arrays, np.ones(self.arrays["rewards"].shape, bool) if valid is None else valid)
            self._draw_clips()
        return batch_of(self.arrays, self.config, self._before, self._acting, valid)

    def state(self, under_way: bool) -> dict[str, Array]:
        """Return the native collector's state, of all humans."""
        own = {name: array.copy() for name, array in self._state.items()}
        return {**own, **(self._sampler.state() if self._sampler else {})}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what state() of this or of a native collector gave, bit for bit."""
        for name, array in self._state.items():
            array[...] = state[name]
        if self._sampler:
            self._sampler.load_state(state)
            self._draw_clips()


class EnvParts(Parts):
    """Environments that are not ours: nobody can save them, so an actor that takes another's place starts its again."""

    actor = EnvActor

    def __init__(self, config: EnvRunConfig) -> None:
        """Raises UserError."""
        from soleus.collect.policy import TorchPolicy
        from soleus.collect.processes.workers import layout_of
        from soleus.environments.gym import registered

        super().__init__(config)
        self.config, self.subject = config, (config, registered(config.env))
        self.layout = layout_of(config)
        self.policy = TorchPolicy(config, self.layout, 0, 1).weights
        parallel = config.parallel
        if parallel.num_workers != "auto":
            self.cpus = parallel.num_workers * parallel.threads_per_worker
        self._round = 0
        self._failures: dict[tuple[PooledActor, int], float] = {}  # of each actor's workers, of those that are gone too
        self._placed: dict[PooledActor, int] = {}  # how often an actor was, whose environments are started

    def orders(self, asked: Sequence[PooledActor]) -> list[Any]:
        """Return the number of the round, and for actors whose environments are not started yet that they are to be."""
        orders = []
        for one in asked:
            known = self._placed.get(one) == one.placed
            orders.append(EnvStart(self._round, None if known else one.placed - 1))
            self._placed[one] = one.placed
        self._round += 1
        return orders

    def batch(self, parts: Mapping[PooledActor, Part], left_out: Sequence[PooledActor]) -> Batch:
        """Return the batch of the parts that are merged."""
        found = list(parts.values())
        stats = {
            name: float(np.mean([part.stats[name] for part in found])) for name in ("acting_share", "stepping_share")
        }
        self._failures |= {(one, one.placed): part.stats["failures"] for one, part in parts.items()}
        stats["failures"] = sum(self._failures.values())
        metrics = {"time/waiting_share": float(np.mean([part.metrics["time/waiting_share"] for part in found]))}
        info = InfoSums()
        for one in sorted(parts, key=lambda member: member.number):
            info.merge(parts[one].info)
        return as_batch(self.arrays, self.layout.control_dt, stats, metrics, info.sums)

    def state(self, under_way: bool) -> dict[str, Array]:
        """Return the number of the next round, as a workers collector does."""
        return {"round": np.array(self._round - under_way)}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from the round that state() tells, with new episodes."""
        self._round, self._placed = int(state["round"]), {}


def parts_of(config: RunConfig) -> Parts:
    """Return the parts of a round of this run. Raises UserError."""
    if isinstance(config, HumanRunConfig):
        return HumanParts(config)
    assert isinstance(config, EnvRunConfig)
    return EnvParts(config)
