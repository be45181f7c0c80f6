"""A run's folder: what of it does not fit this machine, and whether one can go on with it."""

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from soleus.compare.reading import number, read_mapping
from soleus.config import EnvRunConfig, RunConfig, load_config
from soleus.doctor.finding import Finding, plural
from soleus.errors import UserError
from soleus.run import checkpoint
from soleus.run.log import read_metrics

_RECENT = 20  # iterations
_MUCH = 0.3  # of the collection, spent waiting
_FRESH_S = 120.0  # since its last iteration, while which a run may be under way
_DECIDE = ("soleus", "core", "mujoco", "myo-sim", "torch", "envpool")  # another version of them computes another run

Row = Mapping[str, Any]


def examine_run(folder: Path, cpus: int, free_mb: float, here: Mapping[str, str]) -> list[Finding]:
    """Look at a run. Raises UserError for what is none.

    cpus, free_mb: in reach, and the memory that processes started now can have [MB]; here: versions of packages.
    """
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder}: expected a run folder (with config.yaml), got none")
    summary, findings = _summary(folder)
    try:
        rows: Sequence[Row] = read_metrics(folder)
        config = load_config(folder / "config.yaml")
    except (UserError, OSError) as error:
        return [*findings, Finding("run config", "wrong", str(error)), _checkpoint(folder)]
    return [
        *findings,
        *_threads(config, summary, cpus),
        *_waiting(rows),
        *_memory(folder, rows, summary, free_mb),
        *_versions(summary, here),
        _checkpoint(folder),
    ]


def _summary(folder: Path) -> tuple[Mapping[str, Any], list[Finding]]:
    try:
        return (read_mapping(folder / "summary.json") if (folder / "summary.json").is_file() else {}), []
    except UserError as error:
        return {}, [Finding("run summary", "wrong", str(error))]


def _threads(config: RunConfig, summary: Mapping[str, Any], cpus: int) -> list[Finding]:
    """Threads and workers asked for, against the CPUs in reach."""
    train, parallel, findings = config.train, config.parallel, []
    reach = f"{plural(cpus, 'CPU')} in reach"
    for key, value in (("num_threads", train.num_threads), ("learner_threads", train.learner_threads)):
        if value is not None and value > cpus:
            flag = "--num-threads" if key == "num_threads" else f"--train.{key}"
            text = f"train.{key} asks for {plural(value, 'thread')}, with {reach}: go on with {flag} {cpus}"
            findings.append(Finding("run threads", "wrong", text))
    workers = parallel.num_workers
    if isinstance(config, EnvRunConfig) and parallel.collector in ("auto", "workers") and isinstance(workers, int):
        each = parallel.threads_per_worker
        if workers * each > cpus:
            fewer = max(1, cpus // each)
            advice = f"--num-workers {fewer}" + (" --threads-per-worker 1" if each > cpus else "")
            text = f"{plural(workers, 'worker')} of {plural(each, 'thread')} each, with {reach}: go on with {advice}"
            findings.append(Finding("run workers", "wrong", text))
    if findings:
        return findings
    ran = number(summary.get("num_threads"))
    if train.num_threads is None and ran is not None and ran > cpus:
        return [Finding("run threads", "note", f"it ran with {ran:.0f} threads and goes on with {cpus}: {reach}")]
    return [Finding("run threads", "ok", f"what it asks for fits the {reach}")]


def _recent(rows: Sequence[Row], key: str) -> float | None:
    """Return the median of a metric over the last iterations that have it."""
    values = [value for row in rows if (value := number(row.get(key))) is not None]
    return statistics.median(values[-_RECENT:]) if values else None


def _waiting(rows: Sequence[Row]) -> list[Finding]:
    waiting, of_all = _recent(rows, "time/waiting_share"), _recent(rows, "profile/waiting")
    if waiting is not None:
        text = f"workers wait for the slowest in {waiting:.0%} of the collection"
        if waiting > _MUCH:
            return [Finding("run waiting", "note", f"{text}: give each more environments, or take fewer workers")]
        return [Finding("run waiting", "ok", text)]
    if of_all is not None:
        text = f"threads wait for one another in {of_all:.0%} of an iteration"
        if of_all > _MUCH:
            return [Finding("run waiting", "note", f"{text}: go on with fewer (--num-threads)")]
        return [Finding("run waiting", "ok", text)]
    return []


def _memory(folder: Path, rows: Sequence[Row], summary: Mapping[str, Any], free_mb: float) -> list[Finding]:
    known = [number(summary.get("peak_memory_mb")), *(number(row.get("system/memory_mb")) for row in rows)]
    peak = max((value for value in known if value is not None), default=None)
    if peak is None:
        return []
    text = f"{peak:,.0f} MB at most, of {free_mb:,.0f} MB that are free here"
    if peak <= free_mb:
        return [Finding("run memory", "ok", text)]
    if time.time() - (folder / "metrics.jsonl").stat().st_mtime < _FRESH_S:
        return [Finding("run memory", "ok", f"{text} beside it: it may be under way")]
    return [Finding("run memory", "wrong", f"{text}: end other processes, or go on with fewer workers")]


def _versions(summary: Mapping[str, Any], here: Mapping[str, str]) -> list[Finding]:
    then = summary.get("versions")
    known = then if isinstance(then, Mapping) else {}
    other = [name for name in _DECIDE if name in known and name in here and known[name] != here[name]]
    told = ", ".join(f"{name} {known[name]} (here {here[name]})" for name in other)
    return [Finding("run versions", "note", f"it ran with {told}: it will not go on bit for bit")] if other else []


def _checkpoint(folder: Path) -> Finding:
    """Whether the latest checkpoint is whole."""
    try:
        content = checkpoint.read(folder / "checkpoints" / checkpoint.LATEST)
    except UserError as error:
        return Finding("run checkpoint", "wrong", str(error))
    steps = content["counters"].get("steps", 0) if isinstance(content["counters"], Mapping) else 0
    return Finding("run checkpoint", "ok", f"{checkpoint.LATEST} is whole, after {steps:,} steps")
