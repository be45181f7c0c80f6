"""What could make runs slow or fail on this machine, and what runs left behind."""

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from soleus.doctor import leftovers
from soleus.doctor.finding import Finding, plural
from soleus.doctor.libraries import blas_threads, torch_threads
from soleus.doctor.topology import topology
from soleus.environments import pool
from soleus.errors import UserError
from soleus.machine import threads
from soleus.machine.cpus import affinity_cpus, affinity_set, available_cpus, quota_cpus, whole_cpus
from soleus.render import gl
from soleus.run.summary import PACKAGES, versions

if TYPE_CHECKING:
    from soleus.sim.engines import Engine

_BINDING = ("OMP_PROC_BIND", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")
_OPTIONAL = frozenset({"soleus", "envpool"})  # the first is missing where its sources are run as they lie


def examine(
    environment: Mapping[str, str], clean: bool = False, quick: bool = False, root: Path = Path("/")
) -> list[Finding]:
    """Look at everything on this machine.

    environment: variables of this process. clean: remove what runs left behind. quick: leave out what takes seconds:
    the measurement of threads, and the engine of each model. root: where /proc and /sys are mounted.
    """
    count = available_cpus(root)
    loads = core()
    return [
        cpus(root),
        *quota(root),
        topology(affinity_set(), root),
        *thread_settings(environment, count),
        torch_threads(count),
        blas_threads(count),
        collecting(count),
        packages(versions()),
        loads,
        *([] if quick or loads.state == "wrong" else [_speed(count), engines()]),
        precision(),
        opengl(),
        environments(pool.missing()),
        *remains(clean),
    ]


def _speed(count: int) -> Finding:
    from soleus.doctor.speed import threads_pay  # it needs the core, which may not load

    return threads_pay(count)


def cpus(root: Path = Path("/")) -> Finding:
    """How many CPUs are in reach, and why so many."""
    allowed, there, limit = affinity_cpus(), os.cpu_count() or 1, quota_cpus(root)
    by_quota = f"a quota of {limit:g}" if math.isfinite(limit) else "no quota"
    return Finding("CPUs", "ok", f"{available_cpus(root)} in reach: {allowed} of {there} by affinity, {by_quota}")


def quota(root: Path = Path("/")) -> list[Finding]:
    """A control group's quota below the CPUs that libraries count: it stops whoever starts as many threads."""
    allowed, limit = affinity_cpus(), quota_cpus(root)
    if limit >= allowed:
        return []
    count = whole_cpus(allowed, limit)
    time = f"the time of {limit:g} CPU{'s' * (limit != 1)}"
    text = f"{time} for {allowed} that libraries count, whose threads are stopped in between"
    return [Finding("quota", "note", f"{text}: runs take {count}; elsewhere set OMP_NUM_THREADS={count}")]


def collecting(count: int) -> Finding:
    """How many threads a run takes that does not say how many."""
    text = f"{plural(count, 'thread')} collect and learn, in turns, where train.num_threads is null"
    return Finding("pool", "ok", text)


def thread_settings(environment: Mapping[str, str], cpus: int) -> list[Finding]:
    """Variables that decide over threads, against the CPUs in reach."""
    findings, reach = [], f"{plural(cpus, 'CPU')} in reach"
    for name in threads.VARIABLES:
        if not (value := environment.get(name, "").strip()):
            continue
        first = re.match(r"\d+", value)  # OpenMP takes a list, one number for each level
        if first is None or int(first[0]) < 1:
            findings.append(Finding(name, "wrong", f"expected a number of threads, got '{value}': unset it"))
        elif int(first[0]) > cpus:
            text = f"{value} threads for {reach}, which wait for one another: unset it"
            findings.append(Finding(name, "wrong", text))
        else:
            text = f"{value} for {reach}; workers and the learner set their own (soleus train --help)"
            findings.append(Finding(name, "ok" if int(first[0]) == cpus else "note", text))
    for name in _BINDING:
        if (value := environment.get(name, "").strip()) and value.lower() not in ("false", "none", "disabled"):
            text = f"'{value}' binds every process to the same CPUs, so that workers share one: unset it"
            findings.append(Finding(name, "wrong", text))
    if environment.get("OMP_WAIT_POLICY", "").strip().lower() == "active":
        text = "'active' lets threads that wait take CPUs from workers: unset it"
        findings.append(Finding("OMP_WAIT_POLICY", "wrong", text))
    return findings or [Finding("threads", "ok", "no environment variable sets their number: Soleus does")]


def packages(found: Mapping[str, str]) -> Finding:
    """The versions that decide what a run computes."""
    missing = [name for name in PACKAGES if name not in found and name not in _OPTIONAL]
    text = ", ".join(f"{name} {version}" for name, version in found.items() if name != "core")  # said below
    if missing:
        return Finding("packages", "wrong", f"{', '.join(missing)} missing (make setup); {text}")
    return Finding("packages", "ok", text)


def core() -> Finding:
    """Whether the native core loads."""
    try:
        import soleus.sim.simulation  # noqa: F401 - the module through which everything uses it
        from soleus import _core
    except UserError as error:
        return Finding("core", "wrong", str(error))
    except ImportError as error:
        return Finding("core", "wrong", f"it does not load (make setup): {str(error).splitlines()[0]}")
    return Finding("core", "ok", f"the native core loads, built for the instruction set {_core.INSTRUCTION_SET}")


def engines() -> Finding:
    """Which engine steps each built-in model where control.engine is auto."""
    from soleus import models  # with them comes the core, which may not load
    from soleus.config import load_human_config
    from soleus.sim.engines import choose_engine

    names: dict[Engine, list[str]] = {}
    for name in models.names():
        engine = choose_engine(models.load(name), load_human_config("walk2d", {"model": name}))
        names.setdefault(engine, []).append(name)
    told = "; ".join(f"{engine} for {', '.join(own)}" for engine, own in names.items())
    return Finding("engine", "ok", f"control.engine auto takes {told}")


def precision() -> Finding:
    """What networks compute in."""
    try:
        from soleus.nets.precision import computes_bfloat16, effective_precision
    except ImportError as error:
        return Finding("precision", "wrong", f"torch does not load: {str(error).splitlines()[0]}")
    has = "has" if computes_bfloat16() else "has no"
    auto = str(effective_precision("auto", images=True)).removeprefix("torch.")
    return Finding("precision", "ok", f"the processor {has} products of bfloat16; precision auto is {auto} for images")


def opengl() -> Finding:
    """Whether pictures and films can be drawn without a screen."""
    working = [name for name in gl.BACKENDS if gl.works(name)]
    if working:
        return Finding("OpenGL", "ok", f"pictures are drawn without a screen by {' and '.join(working)}")
    packages = " or ".join(gl.BACKENDS.values())
    return Finding("OpenGL", "note", f"soleus record needs it without a screen: apt install {packages}")


def environments(missing: str) -> Finding:
    """Whether EnvPool and Procgen can be used. missing: what they lack (environments.pool)."""
    if missing:
        what = "procgen:" if "Procgen" in missing else "envpool: and procgen:"
        return Finding("environments", "note", f"{what} environments need {missing}")
    return Finding("environments", "ok", "EnvPool and Procgen, with Qt 5's runtime, are here")


def remains(clean: bool = False, proc: Path = leftovers.PROC, shared: Path = leftovers.SHARED) -> list[Finding]:
    """What runs left behind, removed on request. proc, shared: where /proc and /dev/shm are mounted."""
    if not proc.is_dir():
        return [Finding("leftovers", "note", f"not looked for: there is no {proc} on this system")]
    found = leftovers.find(proc, shared)
    left = leftovers.clean(found, proc, shared) if clean else found
    return [
        _remains_of("workers", found.orphans, left.orphans, "run without the run that started them", _under_way(left)),
        _remains_of("segments", found.segments, left.segments, "are mapped by nobody", f"none left in {shared}"),
    ]


def _under_way(found: leftovers.Leftovers) -> str:
    runs = [f"process {pid} with {count} worker{'s' * (count != 1)}" for pid, count in sorted(found.runs.items())]
    return f"none is left without its run; under way: {', '.join(runs) or 'no run'}"


def _remains_of(
    name: str, found: tuple[int | Path, ...], left: tuple[int | Path, ...], what: str, nothing: str
) -> Finding:
    if left:
        return Finding(name, "wrong", f"{', '.join(map(str, left))} {what}: soleus doctor --clean removes them")
    if found:
        return Finding(name, "ok", f"removed {', '.join(map(str, found))}")
    return Finding(name, "ok", nothing)
