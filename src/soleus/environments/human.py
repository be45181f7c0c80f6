"""Our own humans as a group: a BatchEnv stepped from Python, with the policy in the core."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from soleus.config import HumanRunConfig
from soleus.environments.base import Array, Slots
from soleus.exchange.spaces import ActionSpec, ObservationSpec
from soleus.sim.gymnasium import BatchEnv
from soleus.sim.scenario import load_scenario


class HumanGroup:
    """N humans, stepped one control step at a time.

    The policy acts in the core too, one step at a time, from the random numbers that a native rollout would take: the
    two give the same bits.
    """

    def __init__(self, config: HumanRunConfig, num_threads: int) -> None:
        """Raises UserError for a model or a task that does not fit."""
        self.env = BatchEnv(load_scenario(config), config.train.num_envs, num_threads, config.train.seed)
        self.num_envs = self.env.num_envs
        core = self.env.simulation.core
        self.observation = ObservationSpec((core.observation_size,))
        self.action = ActionSpec.continuous(core.action_size)
        self.control_dt: float | None = 1.0 / config.control.policy_hz

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Swap the policy's weights whole; raises UserError for a state that does not fit."""
        self.env.simulation.load_policy(state)

    def begin(self, round_number: int, steps: int) -> None:
        """Nothing to make ready: the core's random numbers depend on the episode and the step."""

    def act(self, t: int, observations: Array, actions: Array, log_probs: Array) -> None:
        """Write actions and their log-densities for the observations that the core gave last."""
        self.env.simulation.core.act(observations, actions, log_probs)

    def watch(self, place: Array) -> None:
        """All are stepped at once."""
        place[0] = -1

    def reset(self, seed: int, out: Array) -> None:
        """Start new episodes."""
        out[:] = self.env.reset(seed=seed)[0]

    def step(self, actions: Array, out: Slots) -> None:
        """Advance every human by one control step."""
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        out.observations[:], out.rewards[:] = observations, rewards
        out.terminated[:], out.truncated[:] = terminated, truncated
        out.valid[:] = 1
        for i in np.flatnonzero(terminated | truncated):
            out.final_observations[i] = info["final_obs"][i]

    def save(self) -> Array:
        """Return what each human's future depends on."""
        return self.env.simulation.save()

    def restore(self, states: Array) -> None:
        """Go on from what save() gave."""
        self.env.go_on(states)

    def close(self) -> None:
        """Nothing is held that the garbage collector does not free."""
