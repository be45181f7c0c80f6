"""What runs in an actor on Ray: it collects rounds with a part of a run's humans or environments.

Nothing of the core is imported before start(), so that an actor can first report the versions of packages here.
"""

import io
import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

AT_ENDS = ("final_observations", "episodes")
"""Arrays that are defined only where an episode ended: (E, ...) of a part, in the order of step and environment."""


@dataclass(frozen=True)
class Facts:
    """Where an actor runs, and with which versions."""

    node: str
    host: str
    pid: int
    versions: dict[str, str]


@dataclass(frozen=True)
class Published:
    """Weights of a version, each network's tensors side by side in one float32 vector."""

    version: int
    policy: Array
    muscle: Array | None
    clips: Array | None = None
    """How often an episode follows each clip, where there are several."""


@dataclass(frozen=True)
class Part:
    """A round of some humans or environments."""

    version: int
    """Version of the weights."""
    arrays: dict[str, Array]
    """Of humans as simulation.Buffers, of environments as slots.round_table has them, but for AT_ENDS."""
    state: dict[str, Array]
    """For humans: what their next round depends on."""
    seconds: dict[str, float]
    """take: the weights; busy: all of it, by the clock there."""
    stats: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    info: dict[str, tuple[float, int]] = field(default_factory=dict)
    """These, stats and metrics: as in Batch."""
    pids: tuple[int, ...] = ()
    """Processes that work there."""
    said: str = ""
    """What was printed there on the standard error stream, which nobody reads there."""
    failed: str | None = None
    """Why the collector there cannot go on; None where it can."""


@dataclass(frozen=True)
class EnvStart:
    """Order for a round of environments. restarts: first restart them, with the seed of so many restarts."""

    number: int
    restarts: int | None


def versions() -> dict[str, str]:
    """Return the versions of packages that have to be the same everywhere, since their objects are exchanged."""
    found = {}
    for package in ("soleus", "mujoco", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "none"
    return found


def ended(arrays: Mapping[str, Array]) -> Array:
    """Return where an episode ended in a step that counts, (T, N) bool."""
    done = (arrays["terminated"] | arrays["truncated"]).astype(bool)
    return done & arrays["valid"].astype(bool) if "valid" in arrays else done


def _to_send(arrays: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
    done = ended(arrays)
    return {name: arrays[name][done] if name in AT_ENDS else arrays[name] for name in names}


class Actor:
    """What all actors have in common."""

    def facts(self) -> Facts:
        """Return where this actor runs."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        return Facts(node, socket.gethostname(), os.getpid(), versions())

    def close(self) -> None:
        """Close what the actor holds."""


class HumanActor(Actor):
    """Humans first ... first + count - 1 of all that share the seed, on the threads of a native collector."""

    def start(self, scenario: Any, first: int, count: int, cpus: int) -> dict[str, Array]:
        """Make the humans, on so many threads; return their state (see collect). Raises UserError."""
        from soleus.exchange.weights import policy_tensors
        from soleus.sim.buffers import Buffers
        from soleus.sim.simulation import Simulation

        train = scenario.config.train
        self.simulation = Simulation(scenario, count, cpus, train.seed, first=first)
        self.simulation.core.set_training(True)
        self.policy_shapes = policy_tensors(self.simulation.policy_spec)
        muscle = self.simulation.muscle_spec
        self.muscle_shapes = muscle.tensors() if muscle else {}
        self.buffers = Buffers(self.simulation, train.rollout_steps, samples=muscle is not None)
        self.simulation.reset(train.seed, self.buffers["observations"][0])
        self.buffers["observations"][-1] = self.buffers["observations"][0]
        self.version = -1
        return self._state()

    def collect(self, weights: Published, state: Mapping[str, Array] | None) -> Part:
        """Run a round with these weights. state: what state to go on from, where it is not that of the last round.

        A state: `humans` (count, state size), `observations` (count, D), what they see.
        """
        start = time.perf_counter()
        if weights.version != self.version:
            self._load(weights)
        if state is not None:
            self.simulation.restore(state["humans"])
            self.buffers["observations"][-1] = state["observations"]
        taken = time.perf_counter()
        buffers = self.buffers
        buffers["observations"][0] = buffers["observations"][-1]
        buffers.fill(self.simulation, with_policy=True)
        arrays = _to_send(buffers.arrays, list(buffers.arrays))
        seconds = {"take": taken - start, "busy": time.perf_counter() - start}
        return Part(self.version, arrays, self._state(), seconds, pids=(os.getpid(),))

    def _load(self, weights: Published) -> None:
        from soleus.exchange.weights import Weights

        self.simulation.load_policy(Weights(self.policy_shapes, weights.policy))
        if weights.muscle is not None:
            self.simulation.load_muscle(Weights(self.muscle_shapes, weights.muscle))
        if weights.clips is not None:
            self.simulation.core.set_clip_weights(np.array(weights.clips))
        self.version = weights.version

    def _state(self) -> dict[str, Array]:
        return {"humans": self.simulation.save(), "observations": np.array(self.buffers["observations"][-1])}


class EnvActor(Actor):
    """Environments first ... first + count - 1 of all, in the processes of a workers collector."""

    def start(self, subject: tuple[Any, bytes], first: int, count: int, cpus: int) -> None:
        """Make the environments. subject: the run's configuration; how the environment is registered where it learns.

        cpus: workers and their threads together, where the configuration does not say how many workers. Raises
        UserError for environments that cannot be made here.
        """
        from soleus.collect.processes.workers import WorkersCollector
        from soleus.environments.gym import register_again

        config, registration = subject
        register_again(registration)
        parallel, train = config.parallel, config.train
        workers = cpus // parallel.threads_per_worker if parallel.num_workers == "auto" else parallel.num_workers
        numbers = {"collector": "workers", "num_workers": min(max(workers, 1), count), "num_envs_per_worker": None}
        own = config.model_copy(
            update={
                "train": train.model_copy(update={"num_envs": count}),
                "parallel": parallel.model_copy(update=numbers),
            }
        )
        self.collector = WorkersCollector(own, first)

    def collect(self, weights: Published, order: EnvStart) -> Part:
        """Run a round with these weights."""
        from soleus.collect.base import CollectorFailed
        from soleus.collect.slots import round_table

        start, collector = time.perf_counter(), self.collector
        said, failed, arrays = io.StringIO(), None, {}
        stats: dict[str, float] = {}
        metrics: dict[str, float] = {}
        info: dict[str, tuple[float, int]] = {}
        collector.take(weights.policy)
        collector.go_on(order.number, order.restarts)
        try:
            with redirect_stderr(said):
                batch = collector.collect()
        except CollectorFailed as error:
            failed = str(error)
        else:
            stats, metrics, info = batch.stats, batch.metrics, batch.info
            arrays = _to_send(collector.shared, list(round_table(collector.layout, len(batch.rewards))))
        seconds = {"take": stats.get("take_s", 0.0), "busy": time.perf_counter() - start}
        pids = (os.getpid(), *collector.pids)
        return Part(weights.version, arrays, {}, seconds, stats, metrics, info, pids, said.getvalue(), failed)

    def close(self) -> None:
        """Close the environments and end the workers."""
        self.collector.close()
