"""The collectors `inline` and `stepping`, which step environments in the main process.

Inline steps the environments of a single worker as a worker would, without the process. Stepping drives any VectorEnv,
which may have processes or threads of its own.
"""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.collect.base import CollectorFailed
from soleus.collect.policy import ActingPolicy, TorchPolicy
from soleus.collect.rollout import Rollout, Times
from soleus.collect.slots import as_batch, check, prefill, round_table
from soleus.collect.watch import Watch
from soleus.config import EnvRunConfig, HumanRunConfig, RunConfig
from soleus.environments import Group, advise, make_group, make_vector_group
from soleus.environments.human import HumanGroup
from soleus.errors import UserError, described, trace_of
from soleus.exchange.batch import Batch, Layout
from soleus.exchange.seeds import start_seed
from soleus.machine import threads
from soleus.machine.stopping import let_through
from soleus.sim.scenario import Scenario


class LocalCollector:
    """One group of environments, stepped by the process that learns."""

    def __init__(self, config: RunConfig, group: Group, num_threads: int | None = None) -> None:
        """The collector closes the group in the end. num_threads: threads that the policy computes with; by default
        torch's."""
        train = config.train
        self.config, self.group = config, group
        self.layout = Layout(group.num_envs, group.observation, group.action, group.control_dt)
        # Humans bring the core's own policy: with it their rounds are the native rollout's, bit for bit.
        self.actor: ActingPolicy
        if isinstance(group, HumanGroup):
            group.env.simulation.core.set_training(True)
            self.actor = group
        else:
            self.actor = TorchPolicy(config, self.layout, 0, group.num_envs)
        table = round_table(self.layout, train.rollout_steps)
        self.arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in table.items()}
        self.rollout = Rollout(group, self.actor, self.arrays, slice(0, group.num_envs))
        self._num_threads = num_threads
        self._round, self._fresh = 0, True

    @property
    def scenario(self) -> Scenario | None:
        """What was loaded of the humans; None for environments that are not ours."""
        return self.group.env.simulation.scenario if isinstance(self.group, HumanGroup) else None

    @property
    def num_workers(self) -> int:
        """One."""
        return 1

    @property
    def pids(self) -> list[int]:
        """None: it has no processes of its own."""
        return []

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Swap the policy's weights whole; raises UserError, the old ones staying, for a state that does not fit."""
        self.actor.load_policy(state)

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Is never called: only the native collector gives samples for a muscle network."""
        raise NotImplementedError

    def collect(self) -> Batch:
        """Collect a round.

        Raises CollectorFailed where an environment raises, gives what it did not promise, or does not return.
        """
        prefill(self.arrays)
        fresh, self._fresh = self._fresh, True  # whatever ends this round, environments are not where it would have
        try:
            times = self._run(fresh)
        except UserError as error:
            raise CollectorFailed(str(error)) from None
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            let_through(error)
            env = int(self.rollout.place[1])
            where = f"environment {env}" if env >= 0 else "its environments"
            print(trace_of(error), end="", file=sys.stderr)
            raise CollectorFailed(f"{self.config.subject} failed in {where}: {described(error)}") from None
        self._round += 1
        self._fresh = False
        check(self.arrays, self.config.subject)
        total = max(times.acting + times.stepping, 1e-9)
        stats = {"acting_share": times.acting / total, "stepping_share": times.stepping / total}
        return as_batch(self.arrays, self.layout.control_dt, stats, {}, self.rollout.info.sums)

    def _run(self, fresh: bool) -> Times:
        """Run a round. fresh: start new episodes first."""
        watch = Watch(self.rollout.place, self.config.subject, self.config.parallel.round_timeout)
        with threads.computing_with(self._num_threads) if self._num_threads else nullcontext(), watch:
            if fresh:
                self.rollout.reset(start_seed(self.config.train.seed, self._round, 0))
            return self.rollout.run(self._round)

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return what the next round depends on; environments cannot be saved, so a resume restarts them."""
        state: dict[str, npt.NDArray[np.generic]] = {"round": np.array(self._round)}
        if isinstance(self.group, HumanGroup) and not self._fresh:
            state |= {"observations": self.arrays["observations"][-1].copy(), "humans": self.group.save()}
            state |= self.rollout.under_way()
        return state

    def load_state(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Go on from what state() gave."""
        self._round, self._fresh = int(state["round"]), True
        if isinstance(self.group, HumanGroup) and "humans" in state:
            self.group.restore(state["humans"])
            self.arrays["observations"][-1] = state["observations"]
            self.rollout.go_on(state)
            self._fresh = False

    def close(self) -> None:
        """Close the environments."""
        self.group.close()


def inline(config: EnvRunConfig) -> LocalCollector:
    """Return the collector of a single worker's environments in the main process."""
    workers = config.parallel.num_workers
    assert workers == 1, workers
    count = config.parallel.threads_per_worker
    group = make_group(config.env, config.train.num_envs, count)
    advise(config, group)
    return LocalCollector(config, group, count)


def stepping(config: RunConfig, num_threads: int) -> LocalCollector:
    """Return the collector that steps a VectorEnv: humans as a BatchEnv, environments as configured."""
    if isinstance(config, HumanRunConfig):
        return LocalCollector(config, HumanGroup(config, num_threads))
    assert isinstance(config, EnvRunConfig)
    count = threads.collector_threads(config.train.num_threads)
    group = make_vector_group(config.env, config.train.num_envs, config.parallel.vectorization, count)
    advise(config, group)
    return LocalCollector(config, group)
