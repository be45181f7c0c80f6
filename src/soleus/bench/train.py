"""Training as users run it: rollout and learning together, and the memory it takes."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from soleus.config import RunConfig
from soleus.system import own_peak_mb
from soleus.train import build


def bench_train(config: RunConfig, rounds: int) -> dict[str, Any]:
    """Return steps_per_s of whole iterations (median), the share of collecting in them, and the peak memory [MB]."""
    rates, shares = [], []
    with tempfile.TemporaryDirectory() as folder:
        run = build(config, Path(folder) / "run")
        try:
            for turn in range(rounds + 1):
                start = time.perf_counter()
                batch = run.collector.collect()
                collected = time.perf_counter()
                run.ppo.learn(batch, 0.0)
                if run.muscle and batch.muscle:
                    run.muscle.learn(batch.muscle)
                run.load_weights()
                end = time.perf_counter()
                if turn:  # the first one warms caches and clocks
                    rates.append(batch.rewards.size / (end - start))
                    shares.append((collected - start) / (end - start))
        finally:
            run.close()
            run.log.close()
    return {
        "model": config.subject,
        "num_envs": config.train.num_envs,
        "num_threads": run.num_threads,
        "steps_per_s": statistics.median(rates),
        "collect_share": statistics.median(shares),
        "peak_memory_mb": own_peak_mb(),
    }
