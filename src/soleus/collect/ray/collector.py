"""Rounds from many machines: actors on Ray collect parts, which are put together in one Batch."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.collect.base import CollectorFailed
from soleus.collect.ray.actor import Array, Part, Published
from soleus.collect.ray.cluster import client_errors, import_ray, join, node_cpus, with_number
from soleus.collect.ray.parts import HumanParts, parts_of
from soleus.collect.ray.pool import ActorPool, PooledActor, Stage
from soleus.config import RunConfig
from soleus.exchange.batch import Batch, Layout
from soleus.exchange.weights import check_policy
from soleus.sim.scenario import Scenario


@dataclass(frozen=True)
class _Round:
    """A round that was asked for: which actors collect it, and with which weights."""

    asked: list[PooledActor]
    version: int
    updates: int


class RayCollector:
    """K actors of N humans or environments each. The batch is that of one collector with all K N of them, bit for bit.

    Of humans that of the native collector; of environments that of a workers collector with as many workers in all.
    Random numbers go by the number of the human or the environment among all, whoever runs it.
    """

    def __init__(self, config: RunConfig) -> None:
        """Raises UserError for a configuration or a cluster that does not work."""
        import_ray()
        self._parts = parts_of(config)
        self._version, self._published, self._weights = 0, 0.0, None
        self._updates = 0  # of the policy's weights
        self._behaviour: dict[str, Array] = {}
        self._under_way: _Round | None = None
        self._failed: CollectorFailed | None = None
        self._pids: dict[PooledActor, tuple[int, ...]] = {}
        self._ours = join(config.parallel)
        try:
            parallel = with_number(config.parallel, list(node_cpus().values()), config.train.num_envs, self._parts.cpus)
            self.config = config.model_copy(update={"parallel": parallel})
            self.actors = ActorPool(self.config, self._parts.actor, self._parts.subject, self._parts.cpus)
        except BaseException:
            self._leave()
            raise
        if isinstance(self._parts, HumanParts):
            self._parts.begin([self.actors.started[one.number] for one in self.actors.pooled])
        for one in self.actors.pooled:
            one.fresh = False
        print(self._described(), flush=True)

    def _described(self) -> str:
        pooled, cpus = self.actors.pooled, self.actors.cpus
        nodes = len({one.facts.node for one in pooled if one.facts})
        each = " or ".join(str(count) for count in sorted({one.count for one in pooled}))
        what = "humans" if isinstance(self._parts, HumanParts) else "environments"
        return (
            f"ray: {len(pooled)} collector{'s' * (len(pooled) > 1)} of {each} {what} and"
            f" {cpus} CPU{'s' * (cpus > 1)} each on {nodes} machine{'s' * (nodes > 1)}"
        )

    @property
    def layout(self) -> Layout:
        """Sizes of the batches."""
        return self._parts.layout

    @property
    def scenario(self) -> Scenario | None:
        """What was loaded of the humans, for every machine; None for environments that are not ours."""
        return self._parts.scenario

    @property
    def num_workers(self) -> int:
        """Number of actors, including those that are lost at the moment."""
        return len(self.actors.pooled)

    @property
    def pids(self) -> list[int]:
        """Process numbers of the actors on this machine, and of their workers."""
        here = socket.gethostname()
        there = [one for one in self.actors.pooled if one.facts and one.facts.host == here]
        return [pid for one in there for pid in self._pids.get(one, (one.facts.pid,) if one.facts else ())]

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Take weights for the next round; raises UserError, the old ones staying, for a state that does not fit."""
        policy = self._parts.policy
        check_policy(policy.shapes, state)
        policy.load(state)
        self._weights = None
        self._updates += 1

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Take the muscle network's weights; errors as load_policy."""
        self._parts.load_muscle(state)
        self._weights = None

    def _publish(self) -> Any:
        """Return a reference to the weights in the object store, where they are put once for all actors."""
        start = time.perf_counter()
        if self._weights is None:
            self._version += 1
            self._weights = self.actors.publish(Published(self._version, *self._flat(), self._parts.clip_weights))
        self._published = time.perf_counter() - start
        return self._weights

    def _flat(self) -> tuple[Array, Array | None]:
        """Return the weights of the policy and of the muscle network."""
        muscle = self._parts.muscle
        return self._parts.policy.flat, None if muscle is None else muscle.flat

    def collect(self) -> Batch:
        """Collect a round with all actors that run; the parts of the others are marked as invalid.

        Raises CollectorFailed where failures come too often, no actor finds room, or the cluster itself is gone.
        """
        if self._failed:
            raise self._failed
        try:
            while True:
                batch = self._collect_once()
                if batch is not None:
                    return batch
        except client_errors():
            address = self.config.parallel.ray_address
            raise CollectorFailed(
                f"parallel.ray_address: expected the cluster at {address} to stay, but it is gone"
            ) from None

    def _ask(self) -> _Round:
        """Ask all actors that run to collect a round with the present weights."""
        asked = self.actors.idle()
        weights = self._publish()
        for one, order in zip(asked, self._parts.orders(asked), strict=True):
            self.actors.ask(one, weights, order)
        return _Round(asked, self._version, self._updates)

    def _collect_once(self) -> Batch | None:
        start = time.perf_counter()
        ordered, self._under_way = self._under_way or self._ask(), None
        parts: dict[PooledActor, Part] = {}
        merging = 0.0

        def take(one: PooledActor, part: Part) -> None:
            nonlocal merging
            began = time.perf_counter()
            if part.version != ordered.version:
                raise AssertionError(f"expected a round of weights {ordered.version}, got one of {part.version}")
            self._parts.merge(one, part)
            parts[one], self._pids[one] = part, part.pids
            merging += time.perf_counter() - began

        self.actors.gather(ordered.asked, time.monotonic() + self.config.parallel.round_timeout, take)
        if not parts:
            return None
        left_out = [one for one in self.actors.pooled if one not in parts]
        for one in left_out:
            self._parts.leave_out(one)
        batch = self._parts.batch(parts, left_out)
        if self._parts.clip_weights is not None:
            self._weights = None  # they are others from round to round
        wall = time.perf_counter() - start
        batch.stats |= self._figures(parts, wall, merging, batch.stats.get("failures", 0.0))
        batch.lag = self._updates - ordered.updates
        batch.stats["lag"] = float(batch.lag)
        if self.config.parallel.max_lag:
            self._behaviour = self._acting()
            try:
                self._under_way = self._ask()
            except CollectorFailed as failed:  # this round is there to be learnt from, and no other will come
                self._failed = failed
        return batch

    def _figures(
        self, parts: Mapping[PooledActor, Part], wall: float, merging: float, workers_lost: float
    ) -> dict[str, float]:
        busy = [part.seconds["busy"] for part in parts.values()]
        arrays = [array for part in parts.values() for array in (*part.arrays.values(), *part.state.values())]
        return {
            "collectors": float(len(parts)),
            "envs_left_out": float(self.config.train.num_envs - sum(one.count for one in parts)),
            "failures": self.actors.lost + workers_lost,
            "late": float(sum(one.stage is Stage.LATE for one in self.actors.pooled)),
            "publish_s": self._published,
            "take_s": max(part.seconds["take"] for part in parts.values()),
            "merge_s": merging,
            "wall_s": wall,
            "transfer_s": max(wall - max(busy), 0.0),
            "weights_mb": sum(flat.nbytes for flat in self._flat() if flat is not None) / 1e6,
            "round_mb": sum(array.nbytes for array in arrays) / 1e6,
        }

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything that the next collect() depends on besides the weights: one collector's, of all.

        With a round under way the weights too that act in it.
        """
        return self._parts.state(self._under_way is not None) | self._behaviour

    def _acting(self) -> dict[str, Array]:
        """Return the weights as they are, by names in a state."""
        policy, muscle = self._flat()
        return {"behaviour_policy": policy.copy(), **({} if muscle is None else {"behaviour_muscle": muscle.copy()})}

    def load_state(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Go on from what state() of this or of one machine's collector gave, whoever had which humans.

        Humans go on bit for bit, environments with new episodes.
        """
        if self._under_way:
            self.actors.gather(
                self._under_way.asked, time.monotonic() + self.config.parallel.round_timeout, lambda one, part: None
            )
            self._under_way = None
        self._parts.load_state(state)
        for one in self.actors.pooled:
            one.fresh = True
        if self.config.parallel.max_lag and "behaviour_policy" in state:
            policy, muscle = self._flat()
            policy[:] = state["behaviour_policy"]
            if muscle is not None:
                muscle[:] = state["behaviour_muscle"]
            self._weights = None
            self._behaviour = self._acting()
            self._under_way = self._ask()

    def _leave(self) -> None:
        if self._ours:
            import_ray().shutdown()

    def close(self) -> None:
        """End the actors; leave the cluster, which ends where it was started for this run."""
        self.actors.close()
        self._leave()
