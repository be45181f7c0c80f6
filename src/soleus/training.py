"""Training: the one place where collectors and learners meet. build() wires a run, train() is the loop."""

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from soleus.collect.base import Collector
from soleus.config import EnvRunConfig, HumanRunConfig, RunConfig, load_config
from soleus.config.resolve import resolve
from soleus.errors import UserError, of_system
from soleus.exchange.batch import Layout
from soleus.exchange.state import as_arrays
from soleus.exchange.weights import check_policy
from soleus.importing.ready import imported
from soleus.learn.muscle import MuscleLearner
from soleus.learn.ppo import Ppo
from soleus.machine import threads
from soleus.machine.cpus import available_cpus
from soleus.machine.files import write_bytes
from soleus.machine.stopping import Asked, guarded_output, is_unread, on_signals
from soleus.nets.precision import tune_allocator
from soleus.run import checkpoint, resuming
from soleus.run.claim import Claim
from soleus.run.inputs import Inputs, config_text
from soleus.run.live import CollectionStopped, Counters, Evaluate, EvaluationStopped, LiveRun
from soleus.run.log import Log
from soleus.run.loggers.chosen import Loggers
from soleus.run.loggers.chosen import check as check_loggers
from soleus.run.patience import Patience
from soleus.run.remote_run import RemoteRun
from soleus.run.videos import Videos
from soleus.run.videos import check as check_videos

MakeCollector = Callable[[Any, int], Collector]

Callback = Callable[[int, Mapping[str, float]], bool | None]
"""Called after each iteration with its number, from 1 on in this process, and its metrics; False ends the training."""


def make_collector(config: RunConfig, num_threads: int) -> Collector:
    """Return the collector that a configuration asks for, its `auto` resolved."""
    kind = config.parallel.collector
    if kind == "stepping":
        if config.trains_muscle_network:
            raise UserError("parallel.collector: expected native for coordination.method network, got stepping")
        from soleus.collect.local import stepping

        return stepping(config, num_threads)
    if kind == "ray":
        from soleus.collect.ray.collector import RayCollector

        return RayCollector(config)
    if isinstance(config, HumanRunConfig):
        from soleus.collect.native import NativeCollector

        return NativeCollector(config, num_threads)
    assert isinstance(config, EnvRunConfig)
    if kind == "workers":
        from soleus.collect.processes.workers import WorkersCollector

        return WorkersCollector(config)
    from soleus.collect.local import inline

    return inline(config)


def evaluate_policy(*arguments: Any, **options: Any) -> dict[str, float]:
    """Evaluate (soleus.evaluation.humans.evaluate)."""
    from soleus.evaluation.humans import evaluate

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
) -> LiveRun:
    """Wire a run in `folder`, a new one or the one whose checkpoint file is `resume`.

    Raises UserError for a folder that is in use, a checkpoint that is not whole, a configuration that does not work.
    """
    limits = config.train
    if limits.video_every and isinstance(config, EnvRunConfig):
        raise UserError("train.video_every: expected none for environments that are not ours, which record their own")
    if limits.video_every:
        check_videos()
    check_loggers(config.log)
    if limits.steps is None and limits.duration is None:
        raise UserError("train.steps: expected a number of steps, or train.duration, got neither")
    if isinstance(config, HumanRunConfig):
        config = imported(config)
    config, picked = resolve(config, available_cpus())
    if picked:
        print(picked, flush=True)
    claim = remote = None
    try:
        claim = Claim(folder, new=resume is None)
        kept = None if resume else Inputs(config, folder)
        before = load_config(folder / "config.yaml") if resume else config
        changed = resuming.changes(before, config)
        resuming.check(changed)
        if limits.checkpoint_url:
            known = before.train.checkpoint_url if resume else None
            remote = RemoteRun(limits.checkpoint_url, folder)
            text = config_text(kept.config if kept else config, folder)
            remote.claim(text.encode(), resume if known == limits.checkpoint_url else None)
        run = _wire(config, folder, resume, make_collector, evaluate, kept, changed, remote)
        run.claim = claim
        if told := resuming.described(changed):
            print(told, flush=True)
        return run
    except BaseException:
        if remote:
            remote.release()
        if claim:
            claim.release(undo=True)
        raise


def _wire(
    config: RunConfig,
    folder: Path,
    resume: Path | None,
    make_collector: MakeCollector,
    evaluate: Evaluate,
    kept: Inputs | None,
    changed: resuming.Changes,
    remote: RemoteRun | None,
) -> LiveRun:
    limits = config.train
    content = checkpoint.read(resume) if resume else None
    device = _device(limits.device)
    num_threads = threads.collector_threads(limits.num_threads)
    tune_allocator()
    with ExitStack() as undo:
        collector = make_collector(config, num_threads)
        undo.callback(collector.close)
        layout = collector.layout
        # Small networks on vectors lose to threads within operations: HalfCheetah trains at 0.37 of the speed with two.
        alone = isinstance(config, EnvRunConfig) and not layout.observation.is_image
        threads.set_learner_threads(limits.learner_threads, 1 if alone else num_threads)
        ppo, muscle = _learners(config, layout, device, new=resume is None)
        counters = Counters()
        if resume and content:
            counters = _restore(resume, content, ppo, muscle, collector, changed)
        elif limits.start_from:
            _start_from(limits.start_from, config, ppo, muscle)
        try:
            (folder / "checkpoints").mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder}: expected a folder to write in, but {error.strerror}") from None
        if kept:  # now that all of it has been read, and is known to be good
            if paths := _fitted_paths(config, collector):
                kept.make("control.paths_file", "paths.npz", paths)
            kept.copy()
            config = kept.config
        config, engine = _with_engine(config, collector)
        resume_steps = counters.steps if content else None
        loggers = Loggers.begin(config, folder, resume_steps)
        undo.callback(loggers.close, failed=True)
        write_bytes(folder / "config.yaml", config_text(config, folder).encode())
        log = Log(folder, resume_steps, loggers)
        videos = Videos(folder, limits.video_every) if limits.video_every else None
        run = LiveRun(config, folder, num_threads, collector, ppo, muscle, log, evaluate, counters, videos)
        run.opening = "\n".join(line for line in (engine, *_motion_notes(collector)) if line)
        run.load_weights()
        if content:
            run.keep_best()
        else:
            run.save()  # so that a run killed before its first interval goes on as any other
        if remote:
            remote.push()
            run.remote = remote
        undo.pop_all()
        return run


def _learners(config: RunConfig, layout: Layout, device: str, new: bool) -> tuple[Ppo, MuscleLearner | None]:
    """Return what learns. new: it begins here, rather than to be brought to where a checkpoint was."""
    seed = config.train.seed
    ppo = Ppo(config.ppo, config.policy, layout, seed, device)
    if not (isinstance(config, HumanRunConfig) and config.trains_muscle_network and layout.muscle):
        return ppo, None
    muscle = MuscleLearner(config.coordination, layout.muscle, seed, device, config.ppo.backend)
    if new and (weights := config.coordination.weights):
        muscle.start_from(checkpoint.read_weights(Path(weights)), weights)
    return ppo, muscle


def _with_engine(config: RunConfig, collector: Collector) -> tuple[RunConfig, str]:
    """Return the configuration with the engine that auto came to, which a run keeps from then on, and what to say."""
    scenario = collector.scenario
    if not isinstance(config, HumanRunConfig) or scenario is None:
        return config, ""
    if config.control.engine != "auto":
        return config, f"paths: {scenario.paths}" if scenario.paths else ""
    control = config.control.model_copy(update={"engine": scenario.engine.name})
    return config.model_copy(update={"control": control}), str(scenario)


def _motion_notes(collector: Collector) -> list[str]:
    """What of a motion is not as it stands in its file: columns that are left out, the rows that became the lap."""
    scenario = collector.scenario
    return [f"motion: {note}" for note in scenario.clips.notes] if scenario and scenario.clips else []


def _fitted_paths(config: RunConfig, collector: Collector) -> bytes | None:
    """Return the file of the muscle paths that were fitted as the collector was made; None where none were."""
    scenario = collector.scenario
    if not isinstance(config, HumanRunConfig) or config.control.paths_file or scenario is None or not scenario.paths:
        return None
    from soleus.paths import to_bytes

    return to_bytes(scenario.paths)


def _restore(
    file: Path,
    content: dict[str, Any],
    ppo: Ppo,
    muscle: MuscleLearner | None,
    collector: Collector,
    changed: resuming.Changes,
) -> Counters:
    """Bring learners and collector to where a checkpoint was; return its counters.

    changed: in the configuration since. Raises UserError where the checkpoint does not fit it any more.
    """
    if content["ppo"] is None:
        raise UserError(
            f"{file}: expected a checkpoint to go on from, such as latest.pt, got one that has only the policy"
        )
    check_policy(ppo.weights.shapes, content["policy"], f"{file}: policy")
    if (muscle is None) != (content["muscle_learner"] is None):
        asked, found = ("without", "with") if muscle is None else ("with", "without")
        raise UserError(
            f"{file}: expected a checkpoint {asked} a muscle network, as config.yaml says, got one {found} it"
        )
    try:
        ppo.load_state_dict(content["ppo"])
        if muscle:
            muscle.load_state_dict(content["muscle_learner"])
        state, fresh = as_arrays(content["collector"]), collector.state()
        collector.load_state(resuming.fitted_state(state, fresh, collector.layout.num_envs))
        counters = Counters.read(content["counters"])
    except (UserError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"{file}: expected a checkpoint of this run's config.yaml, but it does not fit ({said})"
        ) from None
    if not {"ppo.learning_rate", "ppo.schedule"}.isdisjoint(changed):
        ppo.restart_rate()
    if muscle and "coordination.learning_rate" in changed:
        muscle.restart_rate()
    if resuming.returns_mean_another_thing(changed):  # the next evaluation is the best so far of what is asked now
        counters.best_evaluation, counters.returns, counters.evaluated_at = {}, {}, -1
    return counters


def _start_from(run: str, config: RunConfig, ppo: Ppo, muscle: MuscleLearner | None) -> None:
    """Give a new run the weights and the normaliser of another. Raises UserError where they do not fit."""
    file = resuming.source_of(run)
    content = checkpoint.read(file)
    source = load_config(file.parent.parent / "config.yaml")
    resuming.check_source(source, config, file)
    if isinstance(source, HumanRunConfig) and isinstance(config, HumanRunConfig):
        from soleus import models

        wrong = models.wired_otherwise(*(models.load(one.model, one.control.sim_hz) for one in (source, config)))
        if wrong:
            raise UserError(f"train.start_from: expected a body with {wrong}: the policy's actions go by their order")
    check_policy(ppo.weights.shapes, content["policy"], f"train.start_from: {file}: policy")
    try:
        whole = ppo.start_from(content["policy"], content["ppo"], float(content["counters"]["steps"]))
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"train.start_from: expected a run's checkpoint, got another in {file} ({error})") from None
    if muscle and content["muscle"]:
        muscle.start_from(content["muscle"], f"train.start_from: {file}: muscle network")
    new = [] if whole else ["the value function"]
    new += ["the muscle network"] if muscle and not content["muscle"] else []
    print(f"starting from {file}" + (f"; {' and '.join(new)} new" if new else ""), flush=True)


@contextmanager
def _stoppable(run: LiveRun) -> Iterator[None]:
    """Whatever asks a run to stop ends it after its iteration, or an evaluation at once; a second signal ends at once.

    An output that cannot be written asks for it too: a run whose terminal is gone is no run of anybody's. A round of
    environments is waited for only so long (patience.GRACE). Raises UserError at the end where the output was refused
    though somebody reads it, as by a full disk: the run is then saved.
    """
    patience = Patience(run)

    def stop() -> None:
        if patience.answers():
            if run.collecting:
                raise CollectionStopped
            return
        if run.interrupted:
            raise Asked
        run.interrupted = True
        if run.evaluating:
            raise EvaluationStopped
        if isinstance(run.config, EnvRunConfig):
            patience.begin()

    refused: OSError | None = None
    again = f"go on with: soleus train --resume {run.folder}"

    def lost(error: OSError) -> None:
        nonlocal refused
        run.interrupted = True
        if isinstance(run.config, EnvRunConfig):
            patience.begin()
        if is_unread(error):
            said = f"nobody reads it any more): the run stops and is saved; {again}"
            print(f"the output could not be written ({said}", file=sys.stderr)
        else:
            refused = error

    with on_signals(stop), guarded_output(lost), patience:
        yield
    if refused is not None:
        raise UserError(f"the output could not be written ({of_system(refused)}); the run is saved, {again}")


def iterate(run: LiveRun) -> dict[str, float]:
    """Collect a round, learn from it, give the new weights to the collector, record; return the metrics.

    Raises CollectorFailed.
    """
    batch = run.collect()
    metrics = run.ppo.learn(batch, run.progress)
    if run.muscle and batch.muscle:
        metrics |= run.muscle.learn(batch.muscle)
    run.load_weights()
    return run.record(batch, metrics)


def _evaluate_last(run: LiveRun) -> None:
    """Evaluate where the training ends. Raises UserError, with everything written that there is."""
    try:
        run.evaluate()
    except UserError as error:
        run.summarize()
        run.copy_out()
        raise run.give_up(error) from None
    run.save()


def train(run: LiveRun, callback: Callback | None = None) -> dict[str, Any]:
    """Train until the run's steps or time are over, Ctrl-C, or a callback that returns False; return its summary."""
    limits = run.config.train
    try:
        with _stoppable(run), run.log:
            if run.opening:
                print(run.opening, flush=True)
            for number in itertools.count(1):
                if run.finished:
                    break
                try:
                    try:
                        metrics = iterate(run)
                    except CollectionStopped:
                        break
                    if callback and callback(number, metrics) is False:
                        run.ended = True
                    run.keep_moment()
                    if run.due(limits.eval_interval):
                        run.evaluate()
                    if run.due(limits.checkpoint_interval):
                        run.save()
                except UserError as error:  # a collector that cannot go on, a disk that is full
                    raise run.give_up(error) from None
                except OSError as error:
                    raise run.give_up(UserError(of_system(error))) from None
            run.save()  # before the evaluation: whatever becomes of that, the training is there
            if not run.interrupted:
                _evaluate_last(run)
            summary = run.summarize()
            run.copy_out(last=True)
            return summary
    finally:
        run.close()
