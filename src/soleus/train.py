"""Training: the one place where collectors and learners meet. build() wires a run, train() is the loop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from soleus import checkpoint, threads
from soleus.collect.base import Collector
from soleus.config import Config, dump_config
from soleus.errors import UserError
from soleus.learn.muscle import MuscleLearner
from soleus.learn.ppo import Ppo
from soleus.log import Log
from soleus.run import Counters, Evaluate, Run

MakeCollector = Callable[[Config, int], Collector]


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
