"""The whole rollout against bare physics: how much of MuJoCo's own speed is left once everything else is in."""

import statistics
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch as MujocoBatch

from soleus.bench.parts import load_random, seconds
from soleus.collect.native import NativeCollector
from soleus.config import HumanRunConfig
from soleus.machine import threads
from soleus.sim.profiling import PARTS, waiting_share
from soleus.sim.simulation import Simulation

_STEPS = 64  # control steps a round


class _Raw:
    """`mujoco.batch` on the model as the core steps it, with random controls and no coordination."""

    def __init__(self, sim: Simulation, config: HumanRunConfig) -> None:
        self.sim = sim
        model = sim.stepped_model()
        self.substeps = config.control.sim_hz // config.control.policy_hz
        self.batch = MujocoBatch(model, nsim=sim.core.humans, nthread=sim.core.threads)
        self.state_size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
        self.rng = np.random.default_rng(0)

    def run(self) -> float:
        """Return substeps/s of one round, which starts every half second where the core's humans are."""
        ctrl, total = self.batch.bind("ctrl"), 0.0
        start = self.sim.save()[:, : self.state_size]
        for step in range(_STEPS):
            if step % 15 == 0:
                self._place(start)
            ctrl[:] = self.rng.uniform(0, 0.5, ctrl.shape)
            total += seconds(lambda: self.batch.step(nstep=self.substeps))
        return float(self.sim.core.humans * _STEPS * self.substeps / total)

    def _place(self, rows: np.ndarray) -> None:
        data = mujoco.MjData(self.batch.model)
        fields = {name: self.batch.bind(name) for name in ("qpos", "qvel", "act", "qacc_warmstart")}
        for i, row in enumerate(rows):
            mujoco.mj_setState(self.batch.model, data, row, mujoco.mjtState.mjSTATE_INTEGRATION)
            for name, field in fields.items():
                field[i] = getattr(data, name)


def _collector(config: HumanRunConfig, num_envs: int, num_threads: int | None) -> NativeCollector:
    train = config.train.model_copy(update={"num_envs": num_envs, "rollout_steps": _STEPS})
    made = NativeCollector(config.model_copy(update={"train": train}), threads.collector_threads(num_threads))
    load_random(made.simulation, 0)
    return made


def bench_rollout(config: HumanRunConfig, num_envs: int, num_threads: int | None, rounds: int) -> dict[str, Any]:
    """Return steps_per_s, substeps_per_s, raw_substeps_per_s, ratio (median pair by pair), share of the time by part.

    us_a_substep: the time of a thread that a substep of one human takes, by part [us].
    waiting: share of the threads' time, from the call of collect() to its return, in which a thread has nothing to do:
    other threads finish, or Python puts the batch together.
    """
    collector = _collector(config, num_envs, num_threads)
    sim = collector.simulation
    raw, substeps = _Raw(sim, config), config.control.sim_hz // config.control.policy_hz
    native, bare, ratios, waiting = [], [], [], []
    for turn in range(rounds + 1):
        took = seconds(collector.collect)
        report = sim.core.report()
        waiting.append(waiting_share(report, took, sim.core.threads))
        native.append(num_envs * _STEPS * substeps / took)
        bare.append(raw.run())
        ratios.append(native[-1] / bare[-1])
        if turn == 0:  # the first round warms caches and clocks
            for figures in (native, bare, ratios, waiting):
                figures.clear()
    speed = statistics.median(native)
    return {
        "model": config.subject,
        "control": config.control.mode,
        "coordination": config.coordination.method if config.control.mode == "muscle" else None,
        "num_envs": num_envs,
        "num_threads": sim.core.threads,
        "steps_per_s": speed / substeps,
        "substeps_per_s": speed,
        "raw_substeps_per_s": statistics.median(bare),
        "ratio": statistics.median(ratios),
        "waiting": statistics.median(waiting),
        "engine": sim.scenario.engine.name,
        "share": (share := _shares(collector)),
        "us_a_substep": {part: 1e6 * sim.core.threads * one / speed for part, one in share.items()},
    }


def _shares(collector: NativeCollector) -> dict[str, float]:
    """Profile one more rollout, apart from the timed ones: reading the clock costs a little itself."""
    core = collector.simulation.core
    core.profile(True)
    collector.collect()
    core.profile(False)
    report = core.report()
    shares = {name: report["sections"][name] / report["busy"] for name in PARTS}
    return {**shares, "other": max(0.0, 1.0 - sum(shares.values()))}
