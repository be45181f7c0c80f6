"""A run while it trains: what is counted, recorded, evaluated and saved around the loop of training.py."""

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from soleus.collect.base import Collector
from soleus.config import RunConfig
from soleus.errors import UserError
from soleus.exchange.batch import MOST_INFO, Batch, info_means
from soleus.learn.muscle import MuscleLearner
from soleus.learn.ppo import Ppo
from soleus.machine.usage import Usage
from soleus.run import checkpoint
from soleus.run.claim import Claim
from soleus.run.dumps import write_dump
from soleus.run.log import Log, draw_curves
from soleus.run.remote_run import RemoteRun, TakenOver
from soleus.run.summary import write_summary
from soleus.run.videos import Videos
from soleus.sim import profiling

_HOPELESS = 0.25  # divergences a step, beyond which a run ends: such humans learn nothing
EVALUATION_SEED = 1_000_003  # of the evaluations while training: the same episodes every time

Evaluate = Callable[..., dict[str, float]]


class EvaluationStopped(BaseException):
    """Raised in an evaluation when the run is asked to stop: the evaluation is dropped."""


class CollectionStopped(BaseException):
    """Raised in a round that takes too long after the run was asked to stop: the round is dropped."""


def _is_finite(figure: Any) -> bool:
    return isinstance(figure, int | float) and not isinstance(figure, bool) and math.isfinite(figure)


@dataclass
class Counters:
    """How far a run has come; they are saved in its checkpoints."""

    steps: int = 0
    seconds: float = 0.0
    """Training time, evaluations and checkpoints included [s]."""
    iteration_seconds: float = 0.0
    """Time of collecting and learning alone [s]."""
    steps_per_s: float = 0.0
    """Steps/s of the last iteration."""
    returns: dict[str, float] = field(default_factory=dict)
    """Mean return of the episodes that ended in the first, last and best iteration."""
    evaluated_at: int = -1
    evaluation: dict[str, float] = field(default_factory=dict)
    best_evaluation: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, content: Any) -> "Counters":
        """Return the counters of a checkpoint. Raises TypeError or ValueError naming what does not belong there."""
        found = cls(**content)
        for name, value in asdict(cls()).items():
            own = getattr(found, name)
            figures = [own] if not isinstance(value, dict) else own.values() if isinstance(own, dict) else [None]
            if not all(_is_finite(one) for one in figures):
                raise ValueError(f"counters.{name}: expected finite numbers, got {own!r}")
        for name in ("evaluation", "best_evaluation"):
            own = getattr(found, name)
            if own and not own.keys() >= {"mean_return", "episodes"}:
                raise ValueError(f"counters.{name}: expected a mean_return and episodes, got {', '.join(own)}")
        if not (isinstance(found.steps, int) and found.steps >= 0 and 0 <= found.seconds < math.inf):
            raise ValueError(f"counters: expected steps and seconds, got {found.steps!r} and {found.seconds!r}")
        return found


@dataclass
class LiveRun:
    """A run and its parts, as build() wires them."""

    config: RunConfig
    folder: Path
    num_threads: int
    collector: Collector
    ppo: Ppo
    muscle: MuscleLearner | None
    log: Log
    evaluate_policy: Evaluate
    counters: Counters
    videos: Videos | None = None
    remote: RemoteRun | None = None
    claim: Claim | None = None
    opening: str = ""
    """What is said when the training begins."""
    interrupted: bool = False
    ended: bool = False
    """A callback asked to end the training here."""
    evaluating: bool = False
    collecting: bool = False

    def __post_init__(self) -> None:
        self._started = time.monotonic() - self.counters.seconds
        self._iteration_started = time.monotonic()
        self._collected = 0.0
        self._before = self.counters.steps  # steps before this iteration
        self._publishing = 0.0
        self._usage = Usage(lambda: self.collector.pids)
        self._moment = -1
        self._info_names: set[str] = set()
        self._info_full = False
        self._saved: tuple[int, int] | None = None  # steps, and those evaluated at, of what this process saved last

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
        return self.interrupted or self.ended or self.progress >= 1.0

    def collect(self) -> Batch:
        """Gather one rollout with the weights that the collector has."""
        self._usage.start()  # what an evaluation or a checkpoint used is none of the iteration's
        self._iteration_started = time.monotonic()
        self.collecting = True
        try:
            batch = self.collector.collect()
        finally:
            self.collecting = False
        self._collected = time.monotonic() - self._iteration_started
        return batch

    def load_weights(self) -> None:
        """Hand the learners' weights to the collector."""
        start = time.monotonic()
        self.collector.load_policy(self.ppo.policy_state())
        if self.muscle:
            self.collector.load_muscle(self.muscle.muscle_state())
        self._publishing = time.monotonic() - start

    def record(self, batch: Batch, metrics: Mapping[str, float]) -> dict[str, float]:
        """Count an iteration, log it and show it; return its metrics."""
        now, counters = time.monotonic(), self.counters
        elapsed = now - self._iteration_started
        learning = max(elapsed - self._collected - self._publishing, 1e-9)
        self._before = counters.steps
        counters.steps += batch.steps
        counters.seconds = now - self._started
        counters.iteration_seconds += elapsed
        counters.steps_per_s = batch.steps / elapsed
        row = {
            "time/steps": counters.steps,
            "time/seconds": counters.seconds,
            "time/steps_per_s": counters.steps_per_s,
            "time/collect_steps_per_s": batch.steps / self._collected,
            "time/learn_steps_per_s": batch.steps / learning,
            "time/collect_share": self._collected / elapsed,
            "time/learn_share": learning / elapsed,
            "time/publish_share": (self._publishing + batch.stats.get("take_s", 0.0)) / elapsed,
            "episode/count": len(batch.episode_returns),
            **self._usage.sample(elapsed),
            **profiling.of_iteration(batch.metrics, self._collected / elapsed, learning / elapsed),
            **metrics,
            **{f"reward/{term}": mean for term, mean in batch.terms.items()},
            **{f"collect/{name}": value for name, value in batch.stats.items()},
            **self._info(batch),
        }
        if len(batch.episode_returns):
            mean = float(batch.episode_returns.mean())
            unit = "length" if self.collector.layout.control_dt is None else "length_s"
            row |= {"episode/return": mean, f"episode/{unit}": float(batch.episode_lengths.mean())}
            counters.returns.setdefault("first", mean)
            counters.returns |= {"last": mean, "best": max(mean, counters.returns.get("best", -math.inf))}
        self.log.row(row)
        self.log.show(row, self.progress)
        if batch.stats.get("diverged", 0.0) > _HOPELESS * batch.steps:
            raise UserError(
                f"{self.config.subject}: expected humans that can be simulated, got {batch.stats['diverged']:,.0f}"
                f" divergences in {batch.steps:,} steps: look at its forces, masses and control.sim_hz"
            )
        for one in batch.diverged:
            if path := write_dump(self.folder, self._before, one):
                print(f"note: what led to it: soleus view --dump {path}", file=sys.stderr)
        return row

    def _info(self, batch: Batch) -> dict[str, float]:
        """Return the means of the numbers in the infos of episodes; of the first MOST_INFO names alone."""
        new = [name for name in batch.info if name not in self._info_names]
        room = MOST_INFO - len(self._info_names)
        self._info_names.update(new[:room])
        if len(new) > room and not self._info_full:
            self._info_full = True
            said = f"info: expected at most {MOST_INFO} numbers by name, got '{new[room]}' besides; it is not recorded"
            print(f"warning: {said}", file=sys.stderr, flush=True)
        return info_means({name: told for name, told in batch.info.items() if name in self._info_names})

    def due(self, interval: int | None) -> bool:
        """Whether the last iteration passed a multiple of `interval` steps."""
        return interval is not None and self.counters.steps // interval > self._before // interval

    def evaluate(self) -> None:
        """Evaluate the policy as it is now, at most once for these steps; save the best one so far by return.

        Does nothing where train.eval_episodes is 0.
        """
        counters, limits = self.counters, self.config.train
        if counters.evaluated_at == counters.steps or not limits.eval_episodes:
            return
        self.evaluating = True
        try:
            if self.interrupted:  # by a signal that came just before: nobody waits for an evaluation any more
                raise EvaluationStopped
            found = self.evaluate_policy(
                self.config,
                self.ppo.policy_state(),
                self.muscle.muscle_state() if self.muscle else None,
                episodes=limits.eval_episodes,
                seed=EVALUATION_SEED,
                num_threads=self.num_threads,
            )
        except EvaluationStopped:
            return
        finally:
            self.evaluating = False
        counters.evaluation = dict(found)
        counters.evaluated_at = counters.steps
        row = {f"evaluate/{name}": value for name, value in counters.evaluation.items()}
        self.log.row({"time/steps": counters.steps, **row})
        if counters.evaluation["mean_return"] >= counters.best_evaluation.get("mean_return", -math.inf):
            counters.best_evaluation = counters.evaluation
            self.save()  # first: the best checkpoint is never ahead of where a killed run goes on
            self.keep_best()
            self.copy_out()

    def keep_best(self) -> None:
        """Write the best checkpoint, if the policy was evaluated at these steps and is the best so far.

        A resumed run calls it too, in case it was killed between the latest and the best checkpoint.
        """
        counters = self.counters
        if counters.evaluated_at == counters.steps and counters.evaluation[
            "mean_return"
        ] == counters.best_evaluation.get("mean_return"):
            checkpoint.save_best(self.folder / "checkpoints", self._state())

    def save(self) -> None:
        """Write the latest checkpoint, unless it is written already: the previous one has to be older than it."""
        counters = self.counters
        if self._saved == (counters.steps, counters.evaluated_at):
            return
        counters.seconds = time.monotonic() - self._started
        checkpoint.save(self.folder / "checkpoints", self._state())
        self._saved = (counters.steps, counters.evaluated_at)
        self.copy_out()

    def copy_out(self, last: bool = False) -> None:
        """Copy the run to its second place, if it has one. A failure is a warning; of the last copy, a UserError.

        Raises TakenOver where another process goes on with the run there: this one ends.
        """
        if self.remote is None:
            return
        try:
            self.remote.push(patient=last)
        except TakenOver:
            self.remote = None
            raise
        except UserError as error:
            if last:
                again = f"soleus train --resume {self.folder} tries again"
                raise UserError(f"{error}; the run is whole in {self.folder}, and {again}") from None
            print(f"warning: {error}; the training goes on, and the next save tries again", file=sys.stderr, flush=True)

    def keep_moment(self) -> None:
        """Save the policy once in every twentieth of the training; start a video of it if one is due."""
        moment = math.floor(self.progress * checkpoint.MOMENTS)
        film = self.videos is not None and self.videos.due
        if moment != self._moment or film:
            self._moment = moment
            checkpoint.save_moment(self.folder / "checkpoints", self._weights())
        if self.videos and film:
            self.videos.start(self.counters.steps)

    def give_up(self, error: UserError) -> UserError:
        """Save a run that cannot go on; return the error to raise, which says so."""
        again = f"go on with: soleus train --resume {self.folder}"
        try:
            self.save()
        except UserError as refused:
            kept = "" if str(refused) == str(error) else f"; {refused}"
            return type(error)(f"{error}{kept}; {again}")
        return type(error)(f"{error}; the run is saved, {again}")

    def close(self) -> None:
        """Close the collector and the learner, and release the folder."""
        try:
            self.collector.close()
            self.ppo.close()
            if self.videos:
                self.videos.close(patient=not self.interrupted)
        finally:
            if self.claim:
                self.claim.release()

    def _weights(self) -> dict[str, Any]:
        return {
            "counters": asdict(self.counters),
            "policy": self.ppo.policy_state(),
            "muscle": self.muscle.muscle_state() if self.muscle else None,
        }

    def _state(self) -> dict[str, Any]:
        return {
            **self._weights(),
            "ppo": self.ppo.state_dict(),
            "muscle_learner": self.muscle.state_dict() if self.muscle else None,
            "collector": self.collector.state(),
        }

    def _parallel(self) -> dict[str, Any]:
        parallel, envs = self.config.parallel, self.config.train.num_envs
        count, kind = self.collector.num_workers, parallel.collector
        facts = {
            "collector": "native" if kind == "auto" else kind,
            "num_workers": count,
            "num_envs_per_worker": envs / count,
        }
        return facts | ({"threads_per_worker": parallel.threads_per_worker} if kind in ("workers", "inline") else {})

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
            "evaluated_at": counters.evaluated_at,
            "best_evaluation": counters.best_evaluation,
            "interrupted": self.interrupted,
            "seed": self.config.train.seed,
            "num_envs": self.config.train.num_envs,
            "num_threads": self.num_threads,
            "updates": self.ppo.updates,
            "parallel": self._parallel(),
            "cpu": self._usage.mean_cpu,
            "cpu_waited": self._usage.mean_cpu_waited,
        }
        if self.collector.pids:
            facts["peak_memory_mb"] = self._usage.peak_memory_mb
        return write_summary(self.folder, facts)
