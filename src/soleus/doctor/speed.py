"""Whether threads pay off here: the same rollout with one and with as many as there are CPUs, in turn."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soleus.doctor.finding import Finding
from soleus.machine.cpus import affinity_set

_PRESET, _HUMANS = "walk2d", 32
_ROUND_S = 0.25  # of one thread
_BUDGET_S = 5.0
_ROUNDS = (3, 15)
_GAIN = 0.2  # of a CPU that each further one has to bring
_SHARED = 0.25  # CPUs that others use, from which on the measurement is theirs too
_PROC = Path("/proc")


@dataclass(frozen=True)
class Speed:
    """What was measured."""

    ratio: float
    """Steps/s with all threads over those with one: median of pairs."""
    steps_per_s: float
    """With all threads."""
    others: float
    """CPUs among those in reach that other processes used meanwhile; nan where nobody tells."""


def threads_pay(cpus: int) -> Finding:
    """Measure within 10 s, and judge. cpus: in reach."""
    return judge(measure(cpus), cpus) if cpus > 1 else Finding("speed", "ok", "one CPU is in reach: one thread it is")


def judge(speed: Speed, cpus: int) -> Finding:
    """Say whether so many CPUs are worth their number, and what to set where they are not."""
    text = f"{cpus} threads make {speed.ratio:.2f} times the steps/s of one ({_PRESET}, {speed.steps_per_s:,.0f})"
    if speed.ratio >= 1 + _GAIN * (cpus - 1):
        return Finding("speed", "ok", text)
    if speed.others > _SHARED:
        others = f"other processes use {speed.others:.1f} CPUs meanwhile, so measure again without them"
        return Finding("speed", "note", f"{text}: {others}")
    fewer = max(1, min(cpus - 1, round(speed.ratio)))
    why = "the CPUs are fewer than they seem (hardware threads, a shared host)"
    return Finding("speed", "wrong", f"{text}: {why}; train with --num-threads {fewer}")


def measure(cpus: int) -> Speed:
    """Alternate rollouts of 1 and of `cpus` threads for a few seconds."""
    from soleus.bench.parts import load_random, seconds
    from soleus.config import load_human_config
    from soleus.sim.buffers import Buffers
    from soleus.sim.scenario import load_scenario
    from soleus.sim.simulation import Simulation

    scenario = load_scenario(load_human_config(_PRESET))
    humans = max(_HUMANS, 4 * cpus)

    def runner(count: int) -> Callable[[int], float]:
        made = Simulation(scenario, humans, count, 0)
        load_random(made, 0)

        def run(steps: int) -> float:
            buffers = Buffers(made, steps, samples=False)
            made.reset(0, buffers["observations"][0])  # so that both sides step the same humans through the same motion
            return seconds(lambda: made.core.run(buffers.arrays, steps, True))

        return run

    one, all_of_them = runner(1), runner(cpus)
    one(1)
    steps = int(np.clip(_ROUND_S / max(one(1), 1e-6), 1, 64))
    all_of_them(steps)  # the first round warms caches and clocks
    begun, before, own = time.monotonic(), _busy_seconds(), time.process_time()
    pairs: list[tuple[float, float]] = []
    while len(pairs) < _ROUNDS[0] or (time.monotonic() - begun < _BUDGET_S and len(pairs) < _ROUNDS[1]):
        pairs.append((one(steps), all_of_them(steps)))
    own = time.process_time() - own
    others = (_busy_seconds() - before - own) / (time.monotonic() - begun)
    ratio = statistics.median(single / many for single, many in pairs)
    return Speed(ratio, humans * steps / statistics.median(many for _, many in pairs), others)


def _busy_seconds(proc: Path = _PROC) -> float:
    """Return how long the CPUs in reach have been at work, or kept from it by other machines on the host [s]."""
    reach = affinity_set()
    try:
        lines = (proc / "stat").read_text().splitlines()
    except OSError:
        return float("nan")
    total = 0
    for line in lines:
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in reach:
            user, nice, system, _, _, *rest = map(int, fields[:8])  # without idle and iowait: proc_stat(5)
            total += user + nice + system + sum(rest)
    return total / os.sysconf("SC_CLK_TCK")
