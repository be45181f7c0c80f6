"""Whole rollouts in the native core, with the policy and the muscle network inside."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.collect.clips import ClipSampler
from soleus.collect.humans import batch_of
from soleus.config import HumanRunConfig
from soleus.exchange.batch import Batch, Layout
from soleus.sim.buffers import Buffers
from soleus.sim.profiling import of_collection
from soleus.sim.scenario import Scenario, load_scenario
from soleus.sim.simulation import Simulation


class NativeCollector:
    """The collector for one machine: T steps of N humans on the core's thread pool, no interpreter lock held."""

    def __init__(self, config: HumanRunConfig, num_threads: int) -> None:
        train = config.train
        self.simulation = Simulation(load_scenario(config), train.num_envs, num_threads, train.seed)
        self.simulation.core.set_training(True)
        clips = self.scenario.clips
        self._sampler = ClipSampler(clips) if clips and clips.several else None
        self._draw_clips()
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
    def scenario(self) -> Scenario:
        """What was loaded of the humans."""
        return self.simulation.scenario

    @property
    def num_workers(self) -> int:
        """One, since its threads are one collector."""
        return 1

    @property
    def pids(self) -> list[int]:
        """None, since it runs on threads."""
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
        if self._sampler:
            self._sampler.count(buffers.arrays, np.ones(buffers["rewards"].shape, bool))
            self._draw_clips()
        batch = batch_of(buffers.arrays, self.simulation.scenario.config, before, self._muscle)
        if self.simulation.scenario.config.train.profile:
            batch.metrics |= of_collection(core.report(), time.perf_counter() - start, core.threads)
        return batch

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything that the next collect() depends on besides the weights."""
        own = {"humans": self.simulation.save(), "observations": self._buffers["observations"][-1].copy()}
        return {**own, **(self._sampler.state() if self._sampler else {})}

    def load_state(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Go on from what state() gave, bit for bit."""
        self.simulation.restore(np.asarray(state["humans"], np.float64))
        self._buffers["observations"][-1] = state["observations"]
        if self._sampler:
            self._sampler.load_state(state)
            self._draw_clips()

    def _draw_clips(self) -> None:
        if self._sampler:
            self.simulation.core.set_clip_weights(self._sampler.weights)

    def close(self) -> None:
        """Nothing is held that the garbage collector does not free."""
