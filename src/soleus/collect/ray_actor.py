"""What runs in an actor on Ray: some humans of a run and their threads, a round at a time.

Imports nothing of the core before start(): the versions of this place are told first.
"""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

AT_ENDS = ("final_observations", "episodes")
"""Arrays that are defined only where an episode ended: (E, ...) of a part, in the order of step and human."""


@dataclass(frozen=True)
class Facts:
    """Where an actor is."""

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


@dataclass(frozen=True)
class Part:
    """A round of some humans. arrays: as simulation.Buffers has them, but for AT_ENDS. seconds: what took how long."""

    version: int
    arrays: dict[str, Array]
    state: dict[str, Array]
    seconds: dict[str, float]


def versions() -> dict[str, str]:
    """Return the versions that have to be the same everywhere: what is handed over is theirs."""
    found = {}
    for package in ("soleus", "mujoco", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "none"
    return found


class HumanActor:
    """Humans first ... first + count - 1 of all that share the seed."""

    def facts(self) -> Facts:
        """Say where this is."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        return Facts(node, socket.gethostname(), os.getpid(), versions())

    def start(self, body: Any, first: int, count: int, threads: int) -> dict[str, Array]:
        """Make the humans; return their state (see collect). Raises UserError."""
        from soleus.networks import policy_tensors
        from soleus.simulation import Buffers, Simulation

        train = body.config.train
        self.simulation = Simulation(body, count, threads, train.seed, first=first)
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
        for name in ("term_sums", "residual_sums"):
            buffers[name][:] = 0.0
        self.simulation.core.run(buffers.arrays, buffers.steps, True)
        done = buffers.done
        arrays = {name: array[done] if name in AT_ENDS else array for name, array in buffers.arrays.items()}
        seconds = {"take": taken - start, "busy": time.perf_counter() - start}
        return Part(self.version, arrays, self._state(), seconds)

    def _load(self, weights: Published) -> None:
        from soleus.networks import Weights

        self.simulation.load_policy(Weights(self.policy_shapes, weights.policy))
        if weights.muscle is not None:
            self.simulation.load_muscle(Weights(self.muscle_shapes, weights.muscle))
        self.version = weights.version

    def _state(self) -> dict[str, Array]:
        return {"humans": self.simulation.save(), "observations": np.array(self.buffers["observations"][-1])}
