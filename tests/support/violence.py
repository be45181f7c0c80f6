"""Humans that are thrown about: actions far beyond all that a policy asks for, and pushes. What they leave is numbers.

`python tests/support/violence.py 1e7` does it for every model for so many physics steps, and prints what came of it.
"""

import resource
import sys
import time
from dataclasses import dataclass

import mujoco
import numpy as np

from soleus.config import config_of_model, load_human_config
from soleus.models import names
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation

HUMANS, STEPS = 64, 20
PUSHES_EVERY = 5  # rollouts


@dataclass
class Outcome:
    """What came of a violent life."""

    substeps: int
    episodes: int
    diverged: int
    growth: float
    """[MB] of the process's peak memory, after the first tenth"""


def throw_about(model: str, mode: str, substeps: float, engine: str = "lanes") -> Outcome:
    """Step humans by actions of +-25 (10 rad or the torques at their limits) and look at every number that comes back.

    model: a name, or a YAML file. Raises AssertionError for a number that is none.
    """
    keys = {"control.mode": mode, "control.engine": engine}
    config = load_human_config(model, keys) if model.endswith(".yaml") else _config_of(model, keys)
    made = Simulation(load_scenario(config), HUMANS, 2, 3)
    buffers, rng = Buffers(made, STEPS, samples=False), np.random.default_rng(4)
    made.core.reset(3, buffers["observations"][0])
    a_rollout = HUMANS * STEPS * config.control.sim_hz // config.control.policy_hz
    rollouts, outcome, settled = max(int(substeps / a_rollout), 10), Outcome(0, 0, 0, 0.0), 0.0
    for k in range(rollouts):
        actions = buffers["actions"]
        actions[:] = 25 * rng.choice([-1, 1], actions.shape) * (rng.random(actions.shape) < 0.5)
        buffers.run(made, with_policy=False)
        for name in ("observations", "rewards"):
            assert np.isfinite(buffers[name]).all(), f"{name} of {model}"
        if k % PUSHES_EVERY == 0:
            _push(made, rng)
        outcome.substeps += a_rollout
        outcome.episodes += int(buffers.done.sum())
        outcome.diverged += int(buffers["diverged"].sum())
        buffers["observations"][0] = buffers["observations"][-1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if k < rollouts // 10:
            settled = peak
    outcome.growth = peak - settled
    return outcome


def _push(made: Simulation, rng: np.random.Generator) -> None:
    """Put a force of up to three times its weight on a random body of each human, or none."""
    human = made.scenario.human
    states, data = made.save(), mujoco.MjData(human.model)
    size = mujoco.mj_stateSize(human.model, mujoco.mjtState.mjSTATE_INTEGRATION)
    for row in states:
        mujoco.mj_setState(human.model, data, row[:size], mujoco.mjtState.mjSTATE_INTEGRATION)
        data.xfrc_applied[:] = 0
        if rng.random() < 0.5:
            data.xfrc_applied[rng.choice(human.own_bodies), :3] = 30 * human.mass * rng.uniform(-1, 1, 3)
        mujoco.mj_getState(human.model, data, row[:size], mujoco.mjtState.mjSTATE_INTEGRATION)
    made.restore(states)


def _config_of(model: str, keys: dict[str, str]):
    config = config_of_model(model)
    control = config.control.model_copy(update={key.removeprefix("control."): value for key, value in keys.items()})
    return config.model_copy(update={"control": control})


if __name__ == "__main__":
    for model in (*names(), *sys.argv[2:]):
        for mode in ("torque", "muscle"):
            start = time.perf_counter()
            found = throw_about(model, mode, float(sys.argv[1]))
            print(f"{model} {mode}: {found}, {time.perf_counter() - start:.0f} s", flush=True)
