"""What BatchEnv.step costs over the substeps in it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from soleus.bench.parts import alternate, random_state, seconds
from soleus.config import HumanRunConfig
from soleus.machine import threads
from soleus.sim.gymnasium import BatchEnv
from soleus.sim.scenario import load_scenario

_STEPS = 8  # control steps a round: few enough that nobody falls far in the bare loop, which never resets


def bench_sync(config: HumanRunConfig, num_envs: int, num_threads: int | None, rounds: int) -> dict[str, Any]:
    """Return step_us (BatchEnv.step), bare_us (its substeps in a native loop), overhead (their ratio, pair by pair).

    Both start each round from the same states and take the same actions. The bare loop does torque, coordination and
    physics on the same threads; terms, resets, observations, checks and Python are what it lacks.
    """
    env = BatchEnv(load_scenario(config), num_envs, threads.collector_threads(num_threads), 0)
    if env.simulation.muscle_spec:
        env.load_muscle(random_state(env.simulation.muscle_spec.tensors(), 0))
    env.reset(seed=0)
    arrays, core = env._buffers.arrays, env.simulation.core
    actions = np.random.default_rng(0).normal(0, 0.1, env.action_space.shape).astype(np.float32)
    start = env.simulation.save()

    def repeatedly(step: Callable[[], object]) -> Callable[[], None]:
        def steps() -> None:
            for _ in range(_STEPS):
                step()

        return steps

    def stepped() -> float:
        env.simulation.restore(start)
        return seconds(repeatedly(lambda: env.step(actions))) / _STEPS

    def bare() -> float:
        env.simulation.restore(start)
        arrays["actions"][0] = actions
        return seconds(repeatedly(lambda: core.run_substeps(arrays, 1))) / _STEPS

    stepped(), bare()  # the first round warms caches and clocks
    step_s, bare_s, overhead = alternate(stepped, bare, 10 * rounds)
    return {
        "model": config.subject,
        "num_envs": num_envs,
        "num_threads": core.threads,
        "engine": env.simulation.scenario.engine.name,
        "step_us": 1e6 * step_s,
        "bare_us": 1e6 * bare_s,
        "overhead": overhead,
        "steps_per_s": num_envs / step_s,
    }
