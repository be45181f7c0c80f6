"""Training: the one place where collectors and learners meet. build() wires a run, train() is the loop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from soleus import checkpoint, threads
from soleus.collect.base import Collector, CollectorFailed
from soleus.config import Config, EnvConfig, RunConfig, dump_config, load_config
from soleus.errors import UserError
from soleus.learn.muscle import MuscleLearner
from soleus.learn.ppo import Ppo
from soleus.log import Log
from soleus.nets.precision import tune_allocator
from soleus.networks import check_policy
from soleus.parallel import resolve
from soleus.remote_run import RemoteRun
from soleus.run import CollectionStopped, Counters, Evaluate, EvaluationStopped, Run
from soleus.stopping import Patience
from soleus.videos import Videos

MakeCollector = Callable[[Any, int], Collector]


def make_collector(config: RunConfig, num_threads: int) -> Collector:
    """Return the collector that a configuration asks for, its `auto` resolved."""
    kind = config.parallel.collector
    if kind == "stepping":
        if config.trains_muscle_network:
            raise UserError("parallel.collector: expected native for coordination.method network, got stepping")
        from soleus.collect.local import stepping

        return stepping(config, num_threads)
    if kind == "ray":
        from soleus.collect.ray import RayCollector

        return RayCollector(config)
    if isinstance(config, Config):
        from soleus.collect.native import NativeCollector

        return NativeCollector(config, num_threads)
    assert isinstance(config, EnvConfig)
    if kind == "workers":
        from soleus.collect.workers import WorkersCollector

        return WorkersCollector(config)
    from soleus.collect.local import inline

    return inline(config)


def evaluate_policy(*arguments: Any, **options: Any) -> dict[str, float]:
    """Evaluate (soleus.evaluate.evaluate)."""
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
    config: RunConfig,
    folder: Path,
    resume: Path | None = None,
    make_collector: MakeCollector = make_collector,
    evaluate: Evaluate = evaluate_policy,
) -> Run:
    """Wire a run in `folder`, a new one or the one whose checkpoint file is `resume`.

    Raises UserError for a folder that is in use, a checkpoint that is not whole, a configuration that does not work.
    """
    limits = config.train
    if limits.video_every and isinstance(config, EnvConfig):
        raise UserError("train.video_every: expected none for environments that are not ours, which record their own")
    if limits.steps is None and limits.duration is None:
        raise UserError("train.steps: expected a number of steps, or train.duration, got neither")
    config, picked = resolve(config, threads.available_cpus())
    if picked:
        print(picked, flush=True)
    made = checkpoint.claim(folder, new=resume is None)
    remote = None
    try:
        if limits.checkpoint_url:
            known = load_config(folder / "config.yaml").train.checkpoint_url if resume else None
            remote = RemoteRun(limits.checkpoint_url, folder)
            remote.claim(dump_config(config).encode(), resume if known == limits.checkpoint_url else None)
        return _wire(config, folder, resume, make_collector, evaluate, remote)
    except BaseException:
        if remote:
            remote.release()
        if made:
            with suppress(OSError):  # it stays where something was written already
                folder.rmdir()
        raise


def _wire(
    config: RunConfig,
    folder: Path,
    resume: Path | None,
    make_collector: MakeCollector,
    evaluate: Evaluate,
    remote: RemoteRun | None,
) -> Run:
    limits = config.train
    content = checkpoint.read(resume) if resume else None
    device = _device(limits.device)
    num_threads = threads.collector_threads(limits.num_threads)
    tune_allocator()
    collector = make_collector(config, num_threads)
    try:
        layout = collector.layout
        # Small networks on vectors lose to threads within operations: HalfCheetah trains at 0.37 of the speed with two.
        alone = isinstance(config, EnvConfig) and not layout.observation.is_image
        threads.set_learner_threads(limits.learner_threads, 1 if alone else num_threads)
        ppo = Ppo(config.ppo, config.policy, layout, limits.seed, device)
        muscle = None
        if isinstance(config, Config) and config.trains_muscle_network and layout.muscle:
            muscle = MuscleLearner(config.coordination, layout.muscle, limits.seed, device)
            if config.coordination.weights and not resume:
                muscle.start_from(
                    checkpoint.read_weights(Path(config.coordination.weights)), config.coordination.weights
                )
        counters = Counters()
        if resume and content:
            counters = _restore(resume, content, ppo, muscle, collector)
        try:
            (folder / "checkpoints").mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder}: expected a folder to write in, but {error.strerror}") from None
        checkpoint.write_bytes(folder / "config.yaml", dump_config(config).encode())
        log = Log(folder, resume_steps=counters.steps if content else None)
        videos = Videos(folder, limits.video_every) if limits.video_every else None
        run = Run(config, folder, num_threads, collector, ppo, muscle, log, evaluate, counters, videos)
        run.load_weights()
        if content:
            run.keep_best()
        else:
            run.save()  # so that a run killed before its first interval goes on as any other
        if remote:
            remote.push()
            run.remote = remote
    except BaseException:
        collector.close()
        raise
    return run


def _restore(
    file: Path,
    content: dict[str, Any],
    ppo: Ppo,
    muscle: MuscleLearner | None,
    collector: Collector,
) -> Counters:
    """Bring learners and collector to where a checkpoint was; return its counters.

    Raises UserError where the configuration has changed since, so that the checkpoint does not fit any more.
    """
    if content["ppo"] is None:
        raise UserError(f"{file}: expected a checkpoint to go on from, got a policy alone; latest.pt is one")
    check_policy(ppo.weights.shapes, content["policy"], f"{file}: policy")
    if (muscle is None) != (content["muscle_learner"] is None):
        asked, found = ("none", "one") if muscle is None else ("one", "none")
        raise UserError(f"{file}: expected {asked} for the muscle network that config.yaml tells of, got {found}")
    try:
        ppo.load_state_dict(content["ppo"])
        if muscle:
            muscle.load_state_dict(content["muscle_learner"])
        collector.load_state(checkpoint.as_arrays(content["collector"]))
        return Counters(**content["counters"])
    except (UserError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split("\n\t")[:2][-1].split())  # torch names the first tensor in its second line
        raise UserError(
            f"{file}: expected a checkpoint of this run's config.yaml, but it does not fit ({said})"
        ) from None


@contextmanager
def _stoppable(run: Run) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run after its iteration, or an evaluation at once; a second one ends all at once.

    A round of environments is waited for only so long (stopping.GRACE).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    patience = Patience(run)

    def stop(number: int, frame: object) -> None:
        if patience.answers():
            if run.collecting:
                raise CollectionStopped
            return
        if run.interrupted:
            raise KeyboardInterrupt
        run.interrupted = True
        if run.evaluating:
            raise EvaluationStopped
        if isinstance(run.config, EnvConfig):
            patience.begin()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with patience:
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def iterate(run: Run) -> None:
    """Collect a round, learn from it, hand the new weights over, record. Raises CollectorFailed."""
    batch = run.collect()
    metrics = run.ppo.learn(batch, run.progress)
    if run.muscle and batch.muscle:
        metrics |= run.muscle.learn(batch.muscle)
    run.load_weights()
    run.record(batch, metrics)


def _evaluate_last(run: Run) -> None:
    """Evaluate where the training ends. Raises CollectorFailed, with everything written that there is."""
    try:
        run.evaluate()
    except CollectorFailed as failed:
        run.summarize()
        run.copy_out()
        raise run.give_up(failed) from None
    run.save()


def train(run: Run) -> dict[str, Any]:
    """Train until the run's steps or time are over, or Ctrl-C; return its summary."""
    limits = run.config.train
    try:
        with _stoppable(run), run.log:
            while not run.finished:
                try:
                    try:
                        iterate(run)
                    except CollectionStopped:
                        break
                    run.keep_moment()
                    if run.due(limits.eval_interval):
                        run.evaluate()
                except CollectorFailed as failed:
                    raise run.give_up(failed) from None
                if run.due(limits.checkpoint_interval):
                    run.save()
            run.save()  # before the evaluation: whatever becomes of that, the training is there
            if not run.interrupted:
                _evaluate_last(run)
            summary = run.summarize()
            run.copy_out(last=True)
            return summary
    finally:
        run.close()
