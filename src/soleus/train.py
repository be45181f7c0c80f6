"""Training: the one place where collectors and learners meet. build() wires a run, train() is the loop."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from soleus import checkpoint, threads
from soleus.batch import Batch
from soleus.collect.base import Collector
from soleus.config import Config, dump_config
from soleus.errors import UserError
from soleus.learn.muscle import MuscleLearner
from soleus.learn.ppo import Ppo
from soleus.log import Log, draw_curves
from soleus.summary import write_summary

EVALUATION_SEED = 1_000_003  # of the evaluations while training: the same episodes every time

MakeCollector = Callable[[Config, int], Collector]
Evaluate = Callable[..., dict[str, float]]


@dataclass
class Counters:
    """How far a run is; goes into its checkpoints."""

    steps: int = 0
    seconds: float = 0.0
    """Training time, evaluations and checkpoints included."""
    iteration_seconds: float = 0.0
    """Of collecting and learning alone."""
    steps_per_s: float = 0.0
    """Of the last iteration."""
    returns: dict[str, float] = field(default_factory=dict)
    """Mean return of the episodes that ended in the first, last and best iteration."""
    evaluated_at: int = -1
    evaluation: dict[str, float] = field(default_factory=dict)
    best_evaluation: dict[str, float] = field(default_factory=dict)


@dataclass
class Run:
    """A run and its parts, as build() wires them."""

    config: Config
    folder: Path
    num_threads: int
    collector: Collector
    ppo: Ppo
    muscle: MuscleLearner | None
    log: Log
    evaluate_policy: Evaluate
    counters: Counters
    interrupted: bool = False

    def __post_init__(self) -> None:
        self._started = time.monotonic() - self.counters.seconds
        self._iteration_started = time.monotonic()
        self._collected = 0.0
        self._before = self.counters.steps  # steps before this iteration

    @property
    def progress(self) -> float:
        """Share of the training that is done, by steps or by time."""
        limits = self.config.train
        by_steps = self.counters.steps / limits.steps if limits.steps else 0.0
        by_time = self.counters.seconds / limits.duration if limits.duration else 0.0
        return min(max(by_steps, by_time), 1.0)

    @property
    def finished(self) -> bool:
        """Whether the steps or the time are over, or somebody asked to stop."""
        return self.interrupted or self.progress >= 1.0

    def collect(self) -> Batch:
        """Gather one rollout with the weights that the collector has."""
        self._iteration_started = time.monotonic()
        batch = self.collector.collect()
        self._collected = time.monotonic() - self._iteration_started
        return batch

    def load_weights(self) -> None:
        """Hand the learners' weights to the collector."""
        self.collector.load_policy(self.ppo.policy_state())
        if self.muscle:
            self.collector.load_muscle(self.muscle.muscle_state())

    def record(self, batch: Batch, metrics: Mapping[str, float]) -> None:
        """Count an iteration, log it and show it."""
        now, counters = time.monotonic(), self.counters
        elapsed = now - self._iteration_started
        self._before = counters.steps
        counters.steps += batch.rewards.size
        counters.seconds = now - self._started
        counters.iteration_seconds += elapsed
        counters.steps_per_s = batch.rewards.size / elapsed
        row = {
            "time/steps": counters.steps,
            "time/seconds": counters.seconds,
            "time/steps_per_s": counters.steps_per_s,
            "time/collect_share": self._collected / elapsed,
            "episode/count": len(batch.episode_returns),
            **metrics,
            **{f"reward/{term}": mean for term, mean in batch.terms.items()},
            **{f"collect/{name}": value for name, value in batch.stats.items()},
        }
        if len(batch.episode_returns):
            mean = float(batch.episode_returns.mean())
            row |= {"episode/return": mean, "episode/length_s": float(batch.episode_lengths.mean())}
            counters.returns.setdefault("first", mean)
            counters.returns |= {"last": mean, "best": max(mean, counters.returns.get("best", -math.inf))}
        self.log.row(row)
        self.log.show(row, self.progress)

    def due(self, interval: int | None) -> bool:
        """Whether the last iteration passed a multiple of `interval` steps."""
        return interval is not None and self.counters.steps // interval > self._before // interval

    def evaluate(self) -> None:
        """Evaluate the policy as it is, once for these steps; keep it apart where it is the best so far by return."""
        counters, limits = self.counters, self.config.train
        if counters.evaluated_at == counters.steps:
            return
        counters.evaluation = dict(
            self.evaluate_policy(
                self.config,
                self.ppo.policy_state(),
                self.muscle.muscle_state() if self.muscle else None,
                episodes=limits.eval_episodes,
                seed=EVALUATION_SEED,
                num_threads=self.num_threads,
            )
        )
        counters.evaluated_at = counters.steps
        row = {f"evaluate/{name}": value for name, value in counters.evaluation.items()}
        self.log.row({"time/steps": counters.steps, **row})
        if counters.evaluation["mean_return"] >= counters.best_evaluation.get("mean_return", -math.inf):
            counters.best_evaluation = counters.evaluation
            checkpoint.save_best(self.folder / "checkpoints", self._state())

    def save(self) -> None:
        """Write the latest checkpoint."""
        self.counters.seconds = time.monotonic() - self._started
        checkpoint.save(self.folder / "checkpoints", self._state())

    def _state(self) -> dict[str, Any]:
        return {
            "counters": asdict(self.counters),
            "policy": self.ppo.policy_state(),
            "muscle": self.muscle.muscle_state() if self.muscle else None,
            "ppo": self.ppo.state_dict(),
            "muscle_learner": self.muscle.state_dict() if self.muscle else None,
            "collector": self.collector.state(),
        }

    def summarize(self) -> dict[str, Any]:
        """Write summary.json and curves.png; return the summary."""
        counters = self.counters
        draw_curves(self.folder)
        facts = {
            "steps": counters.steps,
            "seconds": counters.seconds,
            "steps_per_s": {
                "mean": counters.steps / max(counters.iteration_seconds, 1e-9),
                "last": counters.steps_per_s,
            },
            "returns": counters.returns,
            "evaluation": counters.evaluation,
            "best_evaluation": counters.best_evaluation,
            "interrupted": self.interrupted,
            "seed": self.config.train.seed,
            "num_envs": self.config.train.num_envs,
            "num_threads": self.num_threads,
        }
        return write_summary(self.folder, facts)


def native_collector(config: Config, num_threads: int) -> Collector:
    """Return the collector over the native core."""
    from soleus.collect.native import NativeCollector

    return NativeCollector(config, num_threads)


def native_evaluation(*arguments: Any, **options: Any) -> dict[str, float]:
    """Evaluate in the native core (soleus.evaluate.evaluate)."""
    from soleus.evaluate import evaluate

    return evaluate(*arguments, **options)


def _device(name: str) -> str:
    try:
        kind = torch.device(name).type
    except RuntimeError:
        raise UserError(f"train.device: expected cpu or cuda, got '{name}'") from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError(f"train.device: expected a device of this machine, got '{name}', and torch sees no CUDA here")
    return name


def build(
    config: Config,
    folder: Path,
    resume: Path | None = None,
    make_collector: MakeCollector = native_collector,
    evaluate: Evaluate = native_evaluation,
) -> Run:
    """Wire a run in `folder`, a new one or the one whose checkpoint file is `resume`.

    Raises UserError for a folder that is in use, a checkpoint that is not whole, a configuration that does not work.
    """
    limits = config.train
    if limits.steps is None and limits.duration is None:
        raise UserError("train.steps: expected a number of steps, or train.duration, got neither")
    if resume is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"{folder}: expected a new folder, but it exists; go on with --resume {folder}, or name another"
        )
    content = checkpoint.read(resume) if resume else None
    device = _device(limits.device)
    num_threads = threads.collector_threads(limits.num_threads)
    threads.set_learner_threads(limits.learner_threads, num_threads)
    collector = make_collector(config, num_threads)
    layout = collector.layout
    ppo = Ppo(config.ppo, config.policy, layout, limits.seed, device)
    muscle = None
    if config.trains_muscle_network and layout.muscle:
        muscle = MuscleLearner(config.coordination, layout.muscle, limits.seed, device)
    counters = Counters()
    if content:
        ppo.load_state_dict(content["ppo"])
        if muscle:
            muscle.load_state_dict(content["muscle_learner"])
        collector.load_state(checkpoint.as_arrays(content["collector"]))
        counters = Counters(**content["counters"])
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    checkpoint.write_bytes(folder / "config.yaml", dump_config(config).encode())
    log = Log(folder, resume_steps=counters.steps if content else None)
    run = Run(config, folder, num_threads, collector, ppo, muscle, log, evaluate, counters)
    run.load_weights()
    return run


@contextmanager
def _stoppable(run: Run) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run after its iteration; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        if run.interrupted:
            raise KeyboardInterrupt
        run.interrupted = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def train(run: Run) -> dict[str, Any]:
    """Train until the run's steps or time are over, or Ctrl-C; return its summary."""
    limits = run.config.train
    try:
        with _stoppable(run), run.log:
            while not run.finished:
                batch = run.collect()
                metrics = run.ppo.learn(batch, run.progress)
                if run.muscle and batch.muscle:
                    metrics |= run.muscle.learn(batch.muscle)
                run.load_weights()
                run.record(batch, metrics)
                if run.due(limits.eval_interval):
                    run.evaluate()
                if run.due(limits.checkpoint_interval):
                    run.save()
            if not run.interrupted:
                run.evaluate()
            run.save()
            return run.summarize()
    finally:
        run.collector.close()
