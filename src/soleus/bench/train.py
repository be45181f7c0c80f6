"""Training as users run it: rollout and learning together, and the memory it takes."""

import statistics
from typing import Any

from soleus.bench.running import Running
from soleus.config import RunConfig
from soleus.machine.memory import own_peak_mb


def bench_train(config: RunConfig, rounds: int) -> dict[str, Any]:
    """Return steps_per_s of whole iterations (median), the share of collecting in them, and the peak memory [MB].

    Of humans also engine, which moves them.
    """
    with Running(config) as running:
        running.iterate()  # the first one warms caches and clocks
        rows = [running.iterate() for _ in range(rounds)]
        num_threads, scenario = running.run.num_threads, running.run.collector.scenario
    return {
        "model": config.subject,
        "num_envs": config.train.num_envs,
        "num_threads": num_threads,
        **({"engine": scenario.engine.name} if scenario else {}),
        "steps_per_s": statistics.median(row["time/steps_per_s"] for row in rows),
        "collect_share": statistics.median(row["time/collect_share"] for row in rows),
        "peak_memory_mb": own_peak_mb(),
    }
