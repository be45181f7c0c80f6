"""The learner's updates: the core's against torch's, and against the processor's limit."""

import itertools
from collections.abc import Callable
from typing import Any

import torch

from soleus import _core
from soleus.bench.parts import alternate, seconds
from soleus.bench.running import Running
from soleus.config import PpoConfig, RunConfig
from soleus.errors import UserError
from soleus.exchange.batch import Batch
from soleus.learn.muscle import MuscleLearner
from soleus.learn.native_update import NativeUpdate
from soleus.learn.ppo import Ppo
from soleus.run.live import LiveRun


def _figures(native: Callable[[], object], torchs: Callable[[], object], rounds: int, work: float) -> dict[str, float]:
    """Compare two ways to do `work` multiply-adds, in turns."""
    native(), torchs()  # the first call warms caches
    mine, theirs, inverse = alternate(lambda: seconds(native), lambda: seconds(torchs), rounds)
    threads = torch.get_num_threads()
    return {
        "native_ms": 1e3 * mine,
        "torch_ms": 1e3 * theirs,
        "ratio": 1 / inverse,
        "gflops": 2e-9 * work / mine,
        "of_peak": 2 * work / mine / threads / _core.peak_flops(),
    }


def _ppo(run: LiveRun, config: RunConfig, batch: Batch, rounds: int) -> dict[str, float]:
    layout = run.collector.layout
    learners: list[Ppo] = []
    for backend in ("native", "torch"):
        settings: PpoConfig = config.ppo.model_copy(update={"backend": backend})
        learners.append(Ppo(settings, config.policy, layout, config.train.seed))
        learners[-1].load_state_dict(run.ppo.state_dict())
    samples, _ = learners[0]._prepare(batch)
    count = len(samples.log_probs)
    size = learners[0].minibatch_size(count)
    generator = torch.Generator().manual_seed(0)

    def update(learner: Ppo) -> None:
        with learner.update.of(samples) as epoch:
            for _ in range(config.ppo.epochs):
                epoch(torch.randperm(count, generator=generator), size)

    native = learners[0].update
    assert isinstance(native, NativeUpdate)
    work = config.ppo.epochs * count * native.core.multiply_adds
    figures = _figures(lambda: update(learners[0]), lambda: update(learners[1]), rounds, work)
    for learner in learners:
        learner.close()
    rate = 1e3 * count * config.ppo.epochs / figures["native_ms"]
    return {"samples": count, "minibatch": size, "sample_epochs_per_s": rate, **figures}


def _muscle(run: LiveRun, config: RunConfig, batch: Batch, rounds: int) -> dict[str, float] | None:
    muscle = run.collector.layout.muscle
    if run.muscle is None or batch.muscle is None or muscle is None:
        return None
    samples = batch.muscle
    learners = [
        MuscleLearner(run.muscle.config, muscle, config.train.seed, backend=backend) for backend in ("native", "torch")
    ]
    for learner in learners:
        learner.load_state_dict(run.muscle.state_dict())
    core = learners[0].core
    assert core is not None
    forward = sum(a * b for a, b in itertools.pairwise(run.muscle.spec.sizes))  # for the residual
    work = len(samples.moments) * (run.muscle.config.epochs * core.multiply_adds + forward)
    figures = _figures(lambda: learners[0].learn(samples), lambda: learners[1].learn(samples), rounds, work)
    rate = 1e3 * len(samples.moments) * run.muscle.config.epochs / figures["native_ms"]
    return {
        "samples": len(samples.moments),
        "minibatch": run.muscle.config.batch,
        "sample_epochs_per_s": rate,
        **figures,
    }


def bench_learn(config: RunConfig, rounds: int) -> dict[str, Any]:
    """Return, for the policy with its value function and for a muscle network, times of an update on a round.

    ratio: torch's time over the core's, at equal threads, in turns. of_peak: share of the multiply-adds that the
    threads' cores can do on registers alone.
    """
    with Running(config) as running:
        run = running.run
        if reason := NativeUpdate.uncovered(run.ppo.policy, run.ppo.device):
            raise UserError(f"bench learn: expected a preset whose updates the core covers, got one of {reason}")
        results: dict[str, Any] = {"model": config.subject, "threads": torch.get_num_threads()}
        batch = run.collect()
        results["ppo"] = _ppo(run, config, batch, rounds)
        if muscle := _muscle(run, config, batch, rounds):
            results["muscle"] = muscle
    return results
