"""How long it takes to build humans once the model is compiled, and to swap their networks' weights."""

import statistics
from typing import Any

from soleus.bench.parts import random_state, seconds, simulation
from soleus.config import HumanRunConfig
from soleus.exchange.weights import policy_tensors
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation


def bench_init(config: HumanRunConfig, num_envs: int, num_threads: int | None, rounds: int) -> dict[str, Any]:
    """Return model_s (load, compile, fit the motion), build_s (num_envs humans from it), swap_ms (all weights)."""
    model_s = statistics.median(seconds(lambda: load_scenario(config)) for _ in range(rounds))
    scenario = load_scenario(config)
    sim = simulation(config, num_envs, num_threads)
    build_s = statistics.median(
        seconds(lambda: Simulation(scenario, num_envs, sim.core.threads, 0)) for _ in range(rounds)
    )
    policy = random_state(policy_tensors(sim.policy_spec), 1)
    muscle = random_state(sim.muscle_spec.tensors(), 1) if sim.muscle_spec else None

    def swap() -> None:
        sim.load_policy(policy)
        if muscle:
            sim.load_muscle(muscle)

    swap_s = statistics.median(seconds(swap) for _ in range(50 * rounds))
    return {
        "model": config.subject,
        "num_envs": num_envs,
        "num_threads": sim.core.threads,
        "engine": scenario.engine.name,
        "model_s": model_s,
        "build_s": build_s,
        "swap_ms": 1e3 * swap_s,
    }
