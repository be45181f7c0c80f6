"""What conditions cost: whole rollouts of people who differ, against those of the model alone.

Each side learns shortly first. Someone who falls is drawn anew, and a policy that knows nothing falls all the time.
"""

from functools import partial
from typing import Any

import numpy as np

from soleus.bench.parts import alternate, seconds
from soleus.bench.running import Running
from soleus.collect.native import NativeCollector
from soleus.config import HumanRunConfig
from soleus.errors import UserError
from soleus.sim.simulation import Simulation

_LEARNT = 400_000  # steps


def bench_conditions(config: HumanRunConfig, rounds: int) -> dict[str, Any]:
    """Return steps/s of rollouts with and without conditions, and the ratio of the times (median pair by pair).

    Where lengths differ, muscles' paths are exact on both sides. draw_us: how much longer an episode's beginning takes.
    """
    if not config.conditions:
        raise UserError("bench conditions: expected a configuration with conditions, got one without any")
    with Running(config) as differing:
        conditions = _native(differing).simulation.scenario.conditions
        exact = conditions is not None and conditions.change_anatomy
        with Running(_without(config, exact)) as alike:
            learnt = min(config.train.steps or _LEARNT, _LEARNT)
            for running in (differing, alike):
                while running.iterate()["time/steps"] < learnt:
                    pass
            one, other = _native(differing), _native(alike)
            times = alternate(partial(seconds, one.collect), partial(seconds, other.collect), rounds)
            begin = alternate(partial(_beginning, one.simulation), partial(_beginning, other.simulation), rounds)
    steps = config.train.num_envs * config.train.rollout_steps
    return {
        "model": config.subject,
        "conditions": len(config.conditions),
        "num_envs": config.train.num_envs,
        "steps_per_s": steps / times[0],
        "steps_per_s_without": steps / times[1],
        "ratio": times[2],
        "draw_us": 1e6 * (begin[0] - begin[1]),
    }


def _native(running: Running) -> NativeCollector:
    collector = running.run.collector
    if not isinstance(collector, NativeCollector):
        raise UserError("bench conditions: expected parallel.collector native, got another")
    return collector


def _beginning(simulation: Simulation) -> float:
    """Return how long it takes one thread to begin an episode [s]."""
    humans = simulation.core.humans
    seen = np.zeros((humans, simulation.core.observation_size), np.float32)
    return seconds(lambda: simulation.reset(0, seen)) / humans * float(simulation.core.threads)


def _without(config: HumanRunConfig, exact: bool) -> HumanRunConfig:
    task = config.task
    seen = {name: term for name, term in task.observation.items() if name != "conditions"}
    task = task.model_copy(update={"observation": seen, "repeat_failed": 0.0})
    control = config.control.model_copy(update={"paths": "exact"} if exact else {})
    return config.model_copy(update={"conditions": {}, "task": task, "control": control})
