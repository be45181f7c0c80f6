"""Machines of a Ray cluster, all on this one."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from soleus.bench.parts import random_state
from soleus.collect.ray.collector import RayCollector
from soleus.config import HumanRunConfig, load_human_config
from soleus.exchange.weights import policy_tensors
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation

HUMANS, STEPS = 6, 24


@contextmanager
def machines(count: int, cpus: int = 1, **head: Any) -> Iterator[Any]:
    """A cluster of so many nodes with so many CPUs each; `address` is where it is. head: options of the first."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus, "include_dashboard": False, **head})
    try:
        for _ in range(count - 1):
            cluster.add_node(num_cpus=cpus)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()


def config(preset: str = "walk2d", **overrides: Any) -> HumanRunConfig:
    """A configuration of a few humans; overrides by dotted key with `__` for the dot."""
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_human_config(preset, {"train.num_envs": HUMANS, "train.rollout_steps": STEPS, **given})


def on_ray(address: str, collectors: int = 2, **overrides: Any) -> RayCollector:
    return RayCollector(
        config(
            parallel__collector="ray",
            parallel__ray_address=address,
            parallel__num_collectors=collectors,
            **overrides,
        )
    )


def give_weights(*collectors: Any, seed: int = 1) -> None:
    """Give all the same random weights."""
    specs = _specs(collectors[0])
    for one in collectors:
        one.load_policy(random_state(policy_tensors(specs.policy_spec), seed))
        if specs.muscle_spec:
            one.load_muscle(random_state(specs.muscle_spec.tensors(), seed + 1))


def _specs(collector: Any) -> Simulation:
    given = collector.config if isinstance(collector, RayCollector) else collector.simulation.scenario.config
    return Simulation(load_scenario(given), 1, 1, 0)


def until(condition: Callable[[], object], seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def below(pid: int) -> list[int]:
    """Processes below a process."""
    try:
        found = [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in _words(task / "children")]
    except OSError:
        return []
    return found + [deeper for one in found for deeper in below(one)]


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def actors(of: int | None = None) -> list[int]:
    """Processes of collectors on the machines that a process, by default this one, has started."""
    named = []
    for pid in below(of or os.getpid()):
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith((b"ray::HumanActor", b"ray::EnvActor")):
                named.append(pid)
        except OSError:
            continue
    return named
