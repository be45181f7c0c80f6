"""What the benchmarks share: a simulation with networks of random weights, and time."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from soleus.config import HumanRunConfig
from soleus.exchange.weights import NetworkSpec, policy_tensors
from soleus.machine import threads
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation


def random_state(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    """Return small random weights, a unit normaliser, and actions of standard deviation 0.1."""
    rng = np.random.default_rng(seed)
    state = {name: rng.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}
    fixed = {"normalizer.mean": 0.0, "normalizer.std": 1.0, "log_std": float(np.log(0.1))}
    return {**state, **{name: np.full_like(state[name], value) for name, value in fixed.items() if name in state}}


def simulation(config: HumanRunConfig, num_envs: int, num_threads: int | None, seed: int = 0) -> Simulation:
    """Return humans with a policy, and where it is needed a muscle network, of random weights."""
    made = Simulation(load_scenario(config), num_envs, threads.collector_threads(num_threads), seed)
    load_random(made, seed)
    return made


def load_random(made: Simulation, seed: int) -> None:
    """Load random weights of whatever networks a simulation has."""
    made.load_policy(random_state(policy_tensors(made.policy_spec), seed))
    if made.muscle_spec:
        made.load_muscle(random_state(made.muscle_spec.tensors(), seed))


def muscle_shapes(spec: NetworkSpec) -> tuple[list[int], list[str]]:
    """Return widths and activations as the core takes them."""
    return list(spec.sizes), [spec.activation] * len(spec.hidden) + [spec.output_activation]


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes [s]."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(first: Callable[[], float], second: Callable[[], float], rounds: int) -> tuple[float, float, float]:
    """Return the medians of two figures measured in turn, and the median of their ratios pair by pair."""
    pairs = [(first(), second()) for _ in range(rounds)]
    ratios = [a / b for a, b in pairs]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), statistics.median(ratios)
