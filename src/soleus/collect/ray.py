"""Rounds of humans on many machines: native collectors in actors on Ray, their parts side by side in one Batch."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.batch import Batch, Layout
from soleus.collect.humans import batch_of
from soleus.collect.ray_actor import AT_ENDS, Array, Part, Published
from soleus.collect.ray_cluster import import_ray, join, node_cpus, share_of_cpus
from soleus.collect.ray_crew import Crew, Member, Stage
from soleus.config import Config
from soleus.networks import Weights, check_policy, check_state, policy_tensors
from soleus.simulation import Simulation, load_body
from soleus.sums import name_diverged

_PER_HUMAN = ("term_sums", "residual_sums")  # (N, ...), where other arrays are (T, N, ...)


@dataclass(frozen=True)
class _Round:
    """A round that was asked for: of whom, and the weights that act in it."""

    asked: list[Member]
    version: int
    updates: int


class RayCollector:
    """K actors of N humans each. The batch is that of one native collector with all K N humans, bit for bit.

    A human's random numbers depend on its number among all, whoever runs it; and what its future depends on is known
    here after every round, so that any other actor, and any other number of them, can go on from there.
    """

    def __init__(self, config: Config) -> None:
        """Raises UserError for a configuration or a cluster that does not work."""
        self.config = config
        import_ray()
        body = load_body(config)
        probe = Simulation(body, 1, 1, config.train.seed)
        self._sizes = probe.layout
        self._muscle_spec = probe.muscle_spec
        self._policy = Weights(policy_tensors(probe.policy_spec))
        self._muscle = Weights(probe.muscle_spec.tensors()) if probe.muscle_spec else None
        self._version, self._published, self._weights = 0, 0.0, None
        self._updates = 0  # of the policy's weights
        self._behaviour: dict[str, Array] = {}
        self._under_way: _Round | None = None
        self._arrays: dict[str, Array] = {}
        self._ours = join(config.parallel)
        try:
            nodes = node_cpus()
            cpus = share_of_cpus(list(nodes.values()), config.parallel)
            self.crew = Crew(config, body, cpus)
        except BaseException:
            self._leave()
            raise
        states = [self.crew.first_states[one.number] for one in self.crew.members]
        self._state = {name: np.concatenate([state[name] for state in states]) for name in states[0]}
        for one in self.crew.members:
            one.fresh = False
        print(self._described(cpus), flush=True)

    def _described(self, cpus: int) -> str:
        members = self.crew.members
        nodes = len({one.facts.node for one in members if one.facts})
        each = " or ".join(str(count) for count in sorted({one.count for one in members}))
        return (
            f"ray: {len(members)} collector{'s' * (len(members) > 1)} of {each} humans and"
            f" {cpus} CPU{'s' * (cpus > 1)} each on {nodes} machine{'s' * (nodes > 1)}"
        )

    @property
    def layout(self) -> Layout:
        """Sizes of the batches."""
        sizes = self._sizes
        return Layout(self.config.train.num_envs, sizes.observation, sizes.action, sizes.control_dt, sizes.muscle)

    @property
    def pids(self) -> list[int]:
        """Process numbers of the actors on this machine."""
        here = socket.gethostname()
        return [one.facts.pid for one in self.crew.members if one.facts and one.facts.host == here]

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Take weights for the next round; raises UserError, the old ones staying, for a state that does not fit."""
        check_policy(self._policy.shapes, state)
        self._policy.load(state)
        self._weights = None
        self._updates += 1

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Take the muscle network's weights; errors as load_policy."""
        assert self._muscle is not None
        assert self._muscle_spec is not None
        check_state(self._muscle_spec, state, "muscle network")
        self._muscle.load(state)
        self._weights = None

    def _publish(self) -> Any:
        """Return the weights in the object store: put there once, taken out by whoever collects."""
        start = time.perf_counter()
        if self._weights is None:
            self._version += 1
            muscle = None if self._muscle is None else self._muscle.flat
            self._weights = self.crew.publish(Published(self._version, self._policy.flat, muscle))
        self._published = time.perf_counter() - start
        return self._weights

    def collect(self) -> Batch:
        """Collect a round of all actors that are there; the part of the others is not valid.

        Raises CollectorFailed where failures come too often, or no actor finds room.
        """
        while True:
            batch = self._collect_once()
            if batch is not None:
                return batch

    def _ask(self) -> _Round:
        """Let all actors that are there collect a round with the weights as they are."""
        asked = self.crew.idle()
        weights = self._publish()
        for one in asked:
            state = {name: array[one.columns] for name, array in self._state.items()} if one.fresh else None
            self.crew.ask(one, weights, state)
        return _Round(asked, self._version, self._updates)

    def _collect_once(self) -> Batch | None:
        start = time.perf_counter()
        ordered, self._under_way = self._under_way or self._ask(), None
        parts: dict[Member, Part] = {}
        before = self._state["humans"].copy()
        merging = 0.0

        def take(one: Member, part: Part) -> None:
            nonlocal merging
            began = time.perf_counter()
            if part.version != ordered.version:
                raise AssertionError(f"expected a round of weights {ordered.version}, got one of {part.version}")
            self._merge(one, part)
            parts[one] = part
            merging += time.perf_counter() - began

        self.crew.gather(ordered.asked, time.monotonic() + self.config.parallel.round_timeout, take)
        if not parts:
            return None
        valid = self._without([one for one in self.crew.members if one not in parts])
        name_diverged(self._arrays["diverged"])
        batch = batch_of(self._arrays, self.config, before, self._muscle, valid)
        batch.stats |= self._figures(parts, time.perf_counter() - start, merging)
        batch.stats["lag"] = float(self._updates - ordered.updates)
        if self.config.parallel.max_lag:
            self._behaviour = self._acting()
            self._under_way = self._ask()
        return batch

    def _merge(self, one: Member, part: Part) -> None:
        """Copy a part from the object store to its place among all."""
        if not self._arrays:
            self._arrays = self._empty(part)
        columns = one.columns
        for name, array in part.arrays.items():
            if name in _PER_HUMAN:
                self._arrays[name][columns] = array
            elif name not in AT_ENDS:
                self._arrays[name][:, columns] = array
        done = (part.arrays["terminated"] | part.arrays["truncated"]).astype(bool)
        for name in AT_ENDS:
            self._arrays[name][:, columns][done] = part.arrays[name]
        for name, array in part.state.items():
            self._state[name][columns] = array

    def _empty(self, part: Part) -> dict[str, Array]:
        """Return arrays for all humans, of the kinds of a part."""
        humans, steps = self.config.train.num_envs, self.config.train.rollout_steps
        arrays = {}
        for name, array in part.arrays.items():
            if name in _PER_HUMAN:
                shape: tuple[int, ...] = (humans, *array.shape[1:])
            elif name in AT_ENDS:
                shape = (steps, humans, *array.shape[1:])
            else:
                shape = (array.shape[0], humans, *array.shape[2:])
            arrays[name] = np.zeros(shape, array.dtype)
        return arrays

    def _without(self, left_out: list[Member]) -> npt.NDArray[np.bool_] | None:
        """Clear the part of those left out, so that nothing of an earlier round is in it; return what is valid."""
        if not left_out:
            return None
        valid = np.ones(self._arrays["rewards"].shape, bool)
        for one in left_out:
            for name, array in self._arrays.items():
                array[one.columns if name in _PER_HUMAN else (slice(None), one.columns)] = 0
            self._arrays["terminated"][:, one.columns] = 1  # nothing is looked for behind its steps
            valid[:, one.columns] = False
        return valid

    def _figures(self, parts: Mapping[Member, Part], wall: float, merging: float) -> dict[str, float]:
        busy = [part.seconds["busy"] for part in parts.values()]
        arrays = [array for part in parts.values() for array in (*part.arrays.values(), *part.state.values())]
        muscle = 0 if self._muscle is None else self._muscle.flat.nbytes
        return {
            "collectors": float(len(parts)),
            "humans_left_out": float(self.config.train.num_envs - sum(one.count for one in parts)),
            "failures": float(self.crew.lost),
            "late": float(sum(one.stage is Stage.LATE for one in self.crew.members)),
            "publish_s": self._published,
            "take_s": max(part.seconds["take"] for part in parts.values()),
            "merge_s": merging,
            "wall_s": wall,
            "transfer_s": max(wall - max(busy), 0.0),
            "weights_mb": (self._policy.flat.nbytes + muscle) / 1e6,
            "round_mb": sum(array.nbytes for array in arrays) / 1e6,
        }

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything that the next collect() depends on besides the weights: the native collector's, of all humans.

        With a round under way the weights too that act in it.
        """
        return {name: array.copy() for name, array in self._state.items()} | self._behaviour

    def _acting(self) -> dict[str, Array]:
        """Return the weights as they are, by names in a state."""
        muscle = {} if self._muscle is None else {"behaviour_muscle": self._muscle.flat.copy()}
        return {"behaviour_policy": self._policy.flat.copy(), **muscle}

    def load_state(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Go on from what state() of this or of a native collector gave, bit for bit, whoever had which humans."""
        if self._under_way:
            self.crew.gather(
                self._under_way.asked, time.monotonic() + self.config.parallel.round_timeout, lambda one, part: None
            )
            self._under_way = None
        for name, array in self._state.items():
            array[...] = state[name]
        for one in self.crew.members:
            one.fresh = True
        if self.config.parallel.max_lag and "behaviour_policy" in state:
            self._policy.flat[:] = state["behaviour_policy"]
            if self._muscle is not None:
                self._muscle.flat[:] = state["behaviour_muscle"]
            self._weights = None
            self._behaviour = self._acting()
            self._under_way = self._ask()

    def _leave(self) -> None:
        if self._ours:
            import_ray().shutdown()

    def close(self) -> None:
        """End the actors; leave the cluster, which ends where it was started for this run."""
        self.crew.close()
        self._leave()
