"""What a run comes to, in figures. One that the run's records do not give is None."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from soleus.compare.reading import RunRecord, number
from soleus.compare.shares import iteration_seconds, shares_of


@dataclass(frozen=True)
class Collection:
    """Who collects: a worker is a process, or a thread of the native collector."""

    collector: str | None
    workers: int | None
    envs: int | None
    """Environments of all workers together."""


@dataclass(frozen=True)
class Figures:
    """The figures of one run, compared with the reference where they are relative."""

    collector: str | None
    workers: int | None
    envs: int | None
    duration_s: float | None
    """Whole run, evaluations and checkpoints included [s]."""
    steps: int | None
    updates: int | None
    """Gradient steps."""
    steps_per_s_mean: float | None
    """Over the time of all iterations, collecting and learning."""
    steps_per_s_last: float | None
    speed_up: float | None
    """Mean steps/s over the reference's."""
    efficiency: float | None
    """Speed-up over the ratio of the numbers of workers; of runs under the same conditions alone (`apart`)."""
    steps_per_cpu_s: float | None
    """Mean steps/s over the CPUs in use: what compares where machines were shared."""
    return_initial: float | None
    """Mean over the first 5% (at least one) of the iterations in which episodes ended."""
    return_final: float | None
    """The same of the last 5%."""
    return_best: float | None
    """Highest such mean over as many iterations in a row."""
    evaluation_best: float | None
    """Highest mean return of an evaluation."""
    peak_memory_mb: float | None
    cpu: float | None
    """CPUs in use, mean."""
    cpu_waited: float | None
    """CPUs that were wanted besides, and that others had, mean."""
    apart: str | None
    """Why the speed is none under the conditions of the reference's; None where it is."""
    shares: dict[str, float] | None
    """Of the duration, by what it went to (soleus.compare.shares)."""


def figures_of(runs: Sequence[RunRecord]) -> list[Figures]:
    """Return the figures of runs, of which the first is the reference."""
    return [_figures(run, runs[0]) for run in runs]


_SHARED = 0.15  # of the CPUs that a run wanted: from there on its speed is that of the machine's other work too
_POSSIBLE = 1.1  # efficiency: above it something else than the number of workers was different


def _apart(run: RunRecord, reference: RunRecord, efficiency: float | None) -> str | None:
    """Why two runs were not under the same conditions; None where nothing tells that."""
    mine, theirs = (one.summary.get("machine") for one in (run, reference))
    if mine and theirs and mine != theirs:
        return "on another machine"
    if any(_share_waited(one) > _SHARED for one in (run, reference)):
        return "on a machine that other work shared"
    if efficiency is not None and efficiency > _POSSIBLE:
        return "faster than the number of workers can make it"
    return None


def _share_waited(run: RunRecord) -> float:
    """Share of the CPUs that a run wanted that others had."""
    cpu = _recorded(run, "cpu", _mean_over_time(run, "system/cpu"))
    waited = _recorded(run, "cpu_waited", _mean_over_time(run, "system/cpu_waited"))
    return waited / (cpu + waited) if cpu and waited else 0.0


def _figures(run: RunRecord, reference: RunRecord) -> Figures:
    collection = collection_of(run)
    speed, reference_speed = _mean_speed(run), _mean_speed(reference)
    reference_workers = collection_of(reference).workers
    speed_up = speed / reference_speed if speed and reference_speed else None
    efficiency = None
    if speed_up is not None and collection.workers and reference_workers:
        efficiency = speed_up / (collection.workers / reference_workers)
    apart = _apart(run, reference, efficiency)
    cpu = _recorded(run, "cpu", _mean_over_time(run, "system/cpu"))
    initial, final, best = _returns(run)
    duration = _duration(run)
    return Figures(
        collector=collection.collector,
        workers=collection.workers,
        envs=collection.envs,
        duration_s=duration,
        steps=_count(run.iterations[-1].get("time/steps")),
        updates=_count(run.final_summary.get("updates")),
        steps_per_s_mean=speed,
        steps_per_s_last=number(run.iterations[-1].get("time/steps_per_s")),
        speed_up=speed_up,
        efficiency=None if apart else efficiency,
        steps_per_cpu_s=speed / cpu if speed and cpu else None,
        return_initial=initial,
        return_final=final,
        return_best=best,
        evaluation_best=_best_evaluation(run),
        peak_memory_mb=_recorded(run, "peak_memory_mb", _highest(run.column("system/memory_mb"))),
        cpu=cpu,
        cpu_waited=_recorded(run, "cpu_waited", _mean_over_time(run, "system/cpu_waited")),
        apart=apart,
        shares=shares_of(run, duration),
    )


def collection_of(run: RunRecord) -> Collection:
    """Return who collects, by the summary or else the configuration; runs older than either key are native."""
    told, asked = _section(run.summary.get("parallel")), _section(run.setting("parallel"))
    collector = told.get("collector") or asked.get("collector") or (None if told or asked else "native")
    if collector == "auto":
        collector = "native" if run.setting("model") else None
    if collector == "native":
        workers = _count(run.summary.get("num_threads")) or _count(run.setting("train", "num_threads"))
    else:
        workers = _count(told.get("num_workers")) or _count(asked.get("num_workers"))
    each = _count(told.get("num_envs_per_worker"))
    envs = workers * each if workers and each and collector != "native" else None
    envs = envs or _count(run.summary.get("num_envs")) or _count(run.setting("train", "num_envs"))
    return Collection(collector if isinstance(collector, str) else None, workers, envs)


def _section(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _recorded(run: RunRecord, key: str, otherwise: float | None) -> float | None:
    found = number(run.final_summary.get(key))
    return otherwise if found is None else found


def _duration(run: RunRecord) -> float | None:
    return _recorded(run, "seconds", _highest(run.column("time/seconds")))


def _mean_speed(run: RunRecord) -> float | None:
    """Steps over the time of the iterations alone: evaluations and checkpoints are none of the collector's."""
    steps, seconds = run.column("time/steps"), iteration_seconds(run)
    timed = np.isfinite(seconds)
    if seconds[timed].sum() > 0:
        return float(np.diff(steps, prepend=0.0)[timed].sum() / seconds[timed].sum())
    duration = _duration(run)
    return float(steps[-1] / duration) if duration else None


def _highest(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else None


def _mean_over_time(run: RunRecord, key: str) -> float | None:
    """Mean of a metric, a long iteration counting more than a short one."""
    cpu, seconds = run.column(key), iteration_seconds(run)
    known = np.isfinite(cpu) & np.isfinite(seconds)
    total = seconds[known].sum()
    return float(cpu[known] @ seconds[known] / total) if total > 0 else None


def _returns(run: RunRecord) -> tuple[float | None, float | None, float | None]:
    """Initial, final and best return; best is never below either."""
    values = run.column("episode/return")
    values = values[np.isfinite(values)]
    if not values.size:
        return None, None, None
    window = max(1, values.size // 20)
    means = np.lib.stride_tricks.sliding_window_view(values, window).mean(axis=1)
    return float(means[0]), float(means[-1]), float(means.max())


def _best_evaluation(run: RunRecord) -> float | None:
    best = _highest(run.evaluated("evaluate/mean_return"))
    return number(_section(run.summary.get("best_evaluation")).get("mean_return")) if best is None else best
