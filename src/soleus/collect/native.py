"""Whole rollouts in the native core, with the policy and the muscle network inside."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.batch import Batch, Divergence, Layout, MuscleSamples
from soleus.config import Config
from soleus.networks import to_numpy
from soleus.profiling import of_collection
from soleus.simulation import EPISODE_COLUMNS, Buffers, Simulation, load_body


class NativeCollector:
    """The collector for one machine: T steps of N humans on the core's thread pool, no interpreter lock held."""

    def __init__(self, config: Config, num_threads: int) -> None:
        train = config.train
        self.simulation = Simulation(load_body(config), train.num_envs, num_threads, train.seed)
        self._muscle: Mapping[str, Any] | None = None
        self.simulation.core.profile(train.profile)
        self._buffers = Buffers(self.simulation, train.rollout_steps, samples=config.trains_muscle_network)
        self.simulation.reset(train.seed, self._buffers["observations"][0])
        # The next rollout starts where the last one ended; the first has nowhere else to start.
        self._buffers["observations"][-1] = self._buffers["observations"][0]

    @property
    def layout(self) -> Layout:
        """Sizes of the batches."""
        return self.simulation.layout

    @property
    def pids(self) -> list[int]:
        """None: it runs on threads."""
        return []

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Swap the policy's weights whole; raises UserError, the old ones staying, for a state that does not fit."""
        self.simulation.load_policy(state)

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Swap the muscle network's weights whole; errors as load_policy."""
        self.simulation.load_muscle(state)
        self._muscle = state

    def collect(self) -> Batch:
        """Run one rollout. The batch's arrays are reused by the next call."""
        start, buffers, core = time.perf_counter(), self._buffers, self.simulation.core
        buffers["observations"][0] = buffers["observations"][-1]
        before = self.simulation.save()
        buffers.run(self.simulation, with_policy=True)
        episodes = buffers["episodes"][buffers.done]
        column = EPISODE_COLUMNS.index
        stats = {"diverged": float(buffers["diverged"].sum())}
        if self.simulation.body.config.control.mode == "muscle":
            stats["torque_residual"], stats["torque_residual_static"] = buffers.residuals()
        if len(episodes):
            stats["episode_distance_m"] = float(episodes[:, column("distance_m")].mean())
            stats["effort"] = float(episodes[:, column("effort")].mean())
            stats["metabolic_w_kg"] = float(episodes[:, column("metabolic_w_kg")].mean())
        batch = Batch(
            observations=buffers["observations"],
            actions=buffers["actions"],
            log_probs=buffers["log_probs"],
            rewards=buffers["rewards"],
            terminated=buffers["terminated"].view(np.bool_),
            truncated=buffers["truncated"].view(np.bool_),
            final_observations=buffers["final_observations"],
            muscle=self._samples(),
            episode_returns=episodes[:, column("return")],
            episode_lengths=episodes[:, column("length_s")],
            terms=buffers.term_means(self.simulation),
            stats=stats,
            diverged=self._diverged(before),
        )
        if self.simulation.body.config.train.profile:
            batch.metrics |= of_collection(core.report(), time.perf_counter() - start, core.threads)
        return batch

    def _diverged(self, before: npt.NDArray[np.float64]) -> tuple[Divergence, ...]:
        """What befell the humans that diverged, from the states (N, state size) that the rollout began in."""
        flags = self._buffers["diverged"].view(np.bool_)
        if not flags.any():
            return ()
        muscle = {name: np.array(to_numpy(value)) for name, value in self._muscle.items()} if self._muscle else None
        return tuple(
            Divergence(int(n), before[n], self._buffers["actions"][: flags[:, n].argmax() + 1, n].copy(), muscle)
            for n in np.flatnonzero(flags.any(0))
        )

    def _samples(self) -> MuscleSamples | None:
        if self.simulation.muscle_spec is None:
            return None
        # A human that diverged before its sampled substep left no sample of this step.
        kept = ~self._buffers["diverged"].view(np.bool_)
        parts = (self._buffers[name][kept] for name in ("moments", "desired", "passive"))
        return MuscleSamples(*parts)

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything that the next collect() depends on besides the weights."""
        return {"humans": self.simulation.save(), "observations": self._buffers["observations"][-1].copy()}

    def load_state(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Go on from what state() gave, bit for bit."""
        self.simulation.restore(np.asarray(state["humans"], np.float64))
        self._buffers["observations"][-1] = state["observations"]

    def close(self) -> None:
        """Nothing is held that the garbage collector does not free."""
