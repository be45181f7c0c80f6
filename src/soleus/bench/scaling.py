"""From sequential to parallel: what N worker processes make of the same environments and the same learner."""

import random
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch

from soleus.bench.running import Running
from soleus.config import EnvRunConfig
from soleus.config.resolve import resolve
from soleus.machine.cpus import available_cpus
from soleus.machine.memory import available_memory_mb

_WORKER_MB = 300.0  # of a worker that waits, at most: Python, torch, its environments
MEDIANS = {  # figure of an entry: metric of an iteration
    "collect_steps_per_s": "time/collect_steps_per_s",
    "learn_steps_per_s": "time/learn_steps_per_s",
    "steps_per_s": "time/steps_per_s",
    "collect_share": "time/collect_share",
    "learn_share": "time/learn_share",
}
_FIGURES = {
    **MEDIANS,
    "publish_share": "time/publish_share",
    "waiting_share": "time/waiting_share",
    "cpu": "system/cpu",
}
_COLLECT, _TRAIN = "time/collect_steps_per_s", "time/steps_per_s"

Row = dict[str, float]


def default_workers(cpus: int) -> list[int]:
    """Return 1, 2, 4, ... up to the CPUs in reach, these included."""
    powers = [2**i for i in range(cpus.bit_length()) if 2**i < cpus]
    return [*powers, cpus]


def entries_of(config: EnvRunConfig, workers: Sequence[int]) -> list[EnvRunConfig]:
    """Return the configurations of a sweep: one worker's environments in this process, then so many processes.

    All have the environments in all that `config` comes to. Raises UserError for more workers than environments.
    """
    cpus = available_cpus()
    asked, _ = resolve(config, cpus)
    train = config.train.model_copy(update={"num_envs": asked.train.num_envs})
    entries = []
    for collector, count in (("inline", 1), *(("workers", count) for count in workers)):
        numbers = {"collector": collector, "num_workers": count, "num_envs_per_worker": None}
        entry = config.model_copy(
            update={"train": train, "parallel": config.parallel.model_copy(update=numbers)},
        )
        resolve(entry, cpus)  # before anything is started
        entries.append(entry)
    return entries


def bench_scaling(config: EnvRunConfig, workers: Sequence[int], rounds: int) -> dict[str, Any]:
    """Return what a sweep has in common and `entries`, one for each collector; the first is the sequential one.

    An entry: steps/s of collecting, of learning and of whole iterations, shares of an iteration (publish: publishing
    and taking weights; waiting: of the collection, in which workers wait for the slowest), CPUs in use, as medians over
    the rounds; then collect_speed_up and train_speed_up over the first entry, medians of ratios within a round, and
    what a worker has of them (efficiency); collect_over_one_worker: the same ratio to the entry of one worker.
    """
    entries = entries_of(config, workers)
    rows, learner_threads = _measure(entries, rounds)
    one = next((found for entry, found in zip(entries, rows, strict=True) if _is_one_worker(entry)), None)
    return {
        "env": config.env.id,
        "num_envs": entries[0].train.num_envs,
        "rollout_steps": config.train.rollout_steps,
        "learner_threads": learner_threads,
        "rounds": rounds,
        "entries": [_figures(entry, found, rows[0], one) for entry, found in zip(entries, rows, strict=True)],
    }


def _is_one_worker(entry: EnvRunConfig) -> bool:
    return (entry.parallel.collector, entry.parallel.num_workers) == ("workers", 1)


def _measure(entries: Sequence[EnvRunConfig], rounds: int) -> tuple[list[list[Row]], int]:
    """Return the rows of each entry, one a round, and the learner's threads. In a round each has its turn.

    All are started first and wait for their turns, where there is memory for that; else each is started for its turn.
    """
    order, places = random.Random(0), range(len(entries))
    rows: list[list[Row]] = [[] for _ in entries]
    processes = sum(int(entry.parallel.num_workers) for entry in entries)
    if _WORKER_MB * processes < available_memory_mb():
        with ExitStack() as stack:
            running = [stack.enter_context(Running(entry)) for entry in entries]
            for turn in range(rounds + 1):
                for place in order.sample(places, len(places)):
                    row = running[place].iterate()
                    if turn:  # the first round warms caches and clocks
                        rows[place].append(row)
            return rows, torch.get_num_threads()
    for _ in range(rounds):
        for place in order.sample(places, len(places)):
            with Running(entries[place]) as alone:
                alone.iterate()
                rows[place].append(alone.iterate())
    return rows, torch.get_num_threads()


def _ratio(rows: Sequence[Row], others: Sequence[Row], key: str) -> float:
    return statistics.median(row[key] / other[key] for row, other in zip(rows, others, strict=True))


def _figures(
    entry: EnvRunConfig, rows: Sequence[Row], first: Sequence[Row], one_worker: Sequence[Row] | None
) -> dict[str, Any]:
    workers = entry.parallel.num_workers
    assert isinstance(workers, int)
    collect, train = _ratio(rows, first, _COLLECT), _ratio(rows, first, _TRAIN)
    figures = {
        "collector": entry.parallel.collector,
        "num_workers": workers,
        **{name: statistics.median(row.get(key, 0.0) for row in rows) for name, key in _FIGURES.items()},
        "collect_speed_up": collect,
        "collect_efficiency": collect / workers,
        "train_speed_up": train,
        "train_efficiency": train / workers,
    }
    if one_worker is not None and entry.parallel.collector == "workers":
        figures["collect_over_one_worker"] = _ratio(rows, one_worker, _COLLECT)
    return figures
