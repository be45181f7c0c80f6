"""Rounds from environments in processes: all collect at once, independently, and the main process waits for all.

What is large never goes through a pipe: weights are one copy into shared memory and one out of it, rollouts are written
where the learner reads them. Pipes carry only orders.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from soleus.collect import watch
from soleus.collect.base import CollectorFailed
from soleus.collect.failures import Failures
from soleus.collect.policy import TorchPolicy
from soleus.collect.processes import worker
from soleus.collect.processes.memory import SharedArrays
from soleus.collect.slots import as_batch, check, discard, prefill, round_table
from soleus.config import EnvRunConfig
from soleus.config.resolve import share_out
from soleus.environments import advise, make_group
from soleus.environments.gym import registered
from soleus.environments.info import InfoSums
from soleus.exchange.batch import Batch, Layout
from soleus.exchange.seeds import start_seed
from soleus.exchange.weights import Weights, check_policy
from soleus.machine.threads import VARIABLES

_LOOKS = 0.5  # [s] from one look at workers that have not answered to the next
_STARTS = 120.0  # [s] that a process has at least to come up in: it imports much, and many do so at once
_GRACE = 5.0  # [s] for workers to close their environments when they are told to stop


@contextmanager
def _starting(threads: int) -> Iterator[None]:
    """Set environment variables and the main module for a process that is started in this context.

    The number of threads is in its environment: libraries read it when they are imported. It does not run the script
    of this process again, as spawned processes do by default: a script needs no guard, and a notebook has none.
    """
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)))
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _own(cpus: list[int], number: int, threads: int) -> tuple[int, ...]:
    """Return the CPUs of one worker among those that the run may use; with too few of them, workers share CPUs."""
    wanted = range(number * threads, (number + 1) * threads)
    return tuple(sorted({cpus[i % len(cpus)] for i in wanted})) if cpus else ()


def layout_of(config: EnvRunConfig) -> Layout:
    """Return the sizes of batches of all environments of a run. Raises UserError where they cannot be made."""
    probe = make_group(config.env, 1)
    advise(config, probe)
    layout = Layout(config.train.num_envs, probe.observation, probe.action, probe.control_dt)
    probe.close()
    return layout


@dataclass
class _Worker:
    place: worker.Place
    process: Any = None
    pipe: Any = None
    restarts: int = 0
    fresh: bool = True  # its environments have to be started
    ready: bool = False
    info: dict[str, tuple[float, int]] = field(default_factory=dict)  # of its last round
    still: Any = None  # watch.Stillness of its place


class WorkersCollector:
    """N processes of M environments each; the arrays of a round, the weights and the clocks are shared memory."""

    def __init__(self, config: EnvRunConfig, first: int = 0) -> None:
        """first: number of the first environment among all of the run, where others have the rest.

        Raises UserError for environments that cannot be made; CollectorFailed where no worker starts.
        """
        parallel, train = config.parallel, config.train
        assert isinstance(parallel.num_workers, int)
        self.config, self._first = config, first
        self.layout = layout_of(config)
        weights = TorchPolicy(config, self.layout, 0, 1).weights
        self._shapes = weights.shapes
        count = parallel.num_workers
        self.shared = SharedArrays(
            {
                **round_table(self.layout, train.rollout_steps),
                "weights": (weights.flat.shape, np.float32),
                "version": ((1,), np.int64),
                "worker_place": ((count, 2), np.int64),
                "worker_times": ((count, len(worker.TIMES)), np.float64),
            }
        )
        self._registered = registered(config.env)
        self._failures = Failures(parallel, "workers")
        self._round, self._published, self._lost = 0, 0.0, 0
        self._context = get_context("spawn")
        cpus = sorted(os.sched_getaffinity(0)) if parallel.pin_workers and hasattr(os, "sched_getaffinity") else []
        self.workers = []
        for number, (start, size) in enumerate(share_out(train.num_envs, count)):
            own = _own(cpus, number, parallel.threads_per_worker)
            self.workers.append(_Worker(worker.Place(number, slice(start, start + size), first + start, own)))
        try:
            for one in self.workers:
                self._start(one)
            self._await([one for one in self.workers if not one.ready], starting=True)
        except BaseException:
            self.close()
            raise

    @property
    def scenario(self) -> None:
        """None: these environments are not ours."""

    @property
    def num_workers(self) -> int:
        """Processes that collect."""
        return len(self.workers)

    @property
    def pids(self) -> list[int]:
        """Process numbers of the workers that run."""
        return [one.process.pid for one in self.workers if one.process is not None]

    def _start(self, one: _Worker) -> None:
        ours, theirs = self._context.Pipe()
        arguments = (theirs, self.shared, self.config, self.layout, one.place, self._registered)
        one.process = self._context.Process(
            target=worker.main, args=arguments, name=f"soleus-worker-{one.place.number}", daemon=True
        )
        one.pipe, one.fresh, one.ready = ours, True, False
        one.still = watch.Stillness(self.shared["worker_place"][one.place.number])
        with _starting(self.config.parallel.threads_per_worker):
            one.process.start()
        theirs.close()

    def load_policy(self, state: Mapping[str, Any]) -> None:
        """Copy weights to shared memory as a new version; raises UserError, the old staying, if they do not fit."""
        start = time.perf_counter()
        check_policy(self._shapes, state)
        Weights(self._shapes, self.shared["weights"]).load(state)
        self._publish(start)

    def take(self, flat: npt.NDArray[np.float32]) -> None:
        """Publish weights of the same policy that lie side by side already (exchange.weights.Weights.flat)."""
        start = time.perf_counter()
        self.shared["weights"][:] = flat
        self._publish(start)

    def _publish(self, start: float) -> None:
        self.shared["version"][0] += 1
        self._published = time.perf_counter() - start

    def load_muscle(self, state: Mapping[str, Any]) -> None:
        """Is never called: environments have no muscle network."""
        raise NotImplementedError

    def collect(self) -> Batch:
        """Collect a round of all workers; the part of one that is lost on the way is discarded.

        Raises CollectorFailed where failures come too often, or an environment gives what it did not promise.
        """
        while True:
            start = time.perf_counter()
            prefill(self.shared)
            lost = self._collect_once()
            for one in lost:
                discard(self.shared, one.place.columns)
            self._round += 1
            if len(lost) < len(self.workers):
                break
        check(self.shared, self.config.env.id, self._first)
        info = InfoSums()
        for one in self.workers:
            info.merge({} if one in lost else one.info)
        figures = self._figures(lost, time.perf_counter() - start)
        return as_batch(self.shared, self.layout.control_dt, *figures, info.sums)

    def _collect_once(self) -> list[_Worker]:
        version = int(self.shared["version"][0])
        waiting = []
        for one in self.workers:
            seed = start_seed(self.config.train.seed, self._round, one.restarts) if one.fresh else None
            with suppress(BrokenPipeError, ConnectionResetError):  # it is found dead below
                one.pipe.send(worker.Collect(version, self._round, seed))
            one.fresh = False
            one.still.begin()
            waiting.append(one)
        return self._await(waiting)

    def _await(self, waiting: list[_Worker], starting: bool = False) -> list[_Worker]:
        """Wait until every worker has answered or is lost; return the lost ones, which are being restarted."""
        lost = []
        waiting = list(waiting)
        while waiting:
            things = [thing for one in waiting for thing in (one.pipe, one.process.sentinel)]
            ready = connection.wait(things, timeout=_LOOKS)
            for one in list(waiting):
                if one.pipe in ready or one.process.sentinel in ready:
                    answer = _answer(one)
                elif self._hangs(one):
                    answer = worker.Failed(f"it has not returned for {self.config.parallel.round_timeout:g} s", "")
                    one.process.kill()
                else:
                    continue
                if answer is None and not one.ready:
                    one.ready = True
                    if starting:
                        waiting.remove(one)
                    continue
                waiting.remove(one)
                if isinstance(answer, worker.Done) and answer.version == self.shared["version"][0]:
                    one.info = answer.info
                    continue
                self._lose(one, answer)
                lost.append(one)
                if starting:
                    waiting.append(one)
        return lost

    def _where(self, one: _Worker) -> str:
        env = int(self.shared["worker_place"][one.place.number, 1])
        return f"environment {one.place.first + env}" if env >= 0 and one.ready else "its environments"

    def _hangs(self, one: _Worker) -> bool:
        """Whether nothing has come back from a worker's environments for parallel.round_timeout; warn before that."""
        seconds, timeout = one.still.seconds(), self.config.parallel.round_timeout
        if not one.ready:
            timeout = max(timeout, _STARTS)
        if seconds >= min(watch.PATIENCE if one.ready else _STARTS / 2, timeout) and not one.still.said:
            one.still.said = True
            what = f"waits for {self._where(one)}" if one.ready else "makes its environments"
            watch.warn(
                f"worker {one.place.number} (process {one.process.pid}) {what} of {self.config.env.id}:"
                f" it has not returned for {seconds:.0f} s, and all wait for it"
            )
        return bool(seconds >= timeout)

    def _lose(self, one: _Worker, answer: Any) -> None:
        """Report the loss of a worker and restart it.

        Raises CollectorFailed where that happens too often, or would come to nothing.
        """
        if isinstance(answer, worker.Failed) and answer.broken:
            raise CollectorFailed(answer.what)
        where = self._where(one)
        one.process.join(timeout=_GRACE)  # it may live on though its pipe is closed
        code = one.process.exitcode
        if isinstance(answer, worker.Failed):
            what, trace = answer.what, answer.traceback
        elif code is not None and code < 0:
            what, trace = f"killed by {_signal_name(-code)}", ""
        elif code is None:
            what, trace = "gave no answer", ""
        else:
            what, trace = f"ended with exit code {code}", ""
        said = (
            f"worker {one.place.number} (process {one.process.pid}) failed in {where} of {self.config.env.id}: {what}"
        )
        _end(one)
        self._lost += 1
        self._failures.count(said, trace)
        one.restarts += 1
        self._start(one)

    def _figures(self, lost: list[_Worker], wall: float) -> tuple[dict[str, float], dict[str, float]]:
        kept = [one.place.number for one in self.workers if one not in lost]
        acting, stepping, taking, busy, cpu = self.shared["worker_times"][kept].T
        stats = {
            "acting_share": float((acting / busy).mean()),
            "stepping_share": float((stepping / busy).mean()),
            "publish_s": self._published,
            "take_s": float(taking.max()),
            "failures": float(self._lost),
        }
        metrics = {"time/waiting_share": float(np.clip(1 - busy / wall, 0, 1).mean())}
        metrics |= {f"system/cpu_worker_{i}": float(one) for i, one in zip(kept, cpu / wall, strict=True)}
        return stats, metrics

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the number of the next round; environments of others cannot be saved and restart on a resume."""
        return {"round": np.array(self._round)}

    def load_state(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Go on from the round that state() tells, with new episodes."""
        self.go_on(int(state["round"]), 0)

    def go_on(self, number: int, restarts: int | None) -> None:
        """Set the number of the next round. restarts: first restart the environments, as after so many failures."""
        self._round = number
        if restarts is not None:
            for one in self.workers:
                one.fresh, one.restarts = True, restarts

    def close(self) -> None:
        """End the workers and release the memory."""
        for one in self.workers:
            if one.process is not None:
                with suppress(OSError):
                    one.pipe.send(None)
        deadline = time.monotonic() + _GRACE
        for one in self.workers:
            if one.process is not None:
                one.process.join(max(0.0, deadline - time.monotonic()))
                _end(one)
        self.workers = []
        self.shared.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # the real-time ones have none
        return f"signal {number}"


def _answer(one: _Worker) -> Any:
    """Return what a worker sent, or its end: a worker that is gone sends nothing more."""
    try:
        return one.pipe.recv() if one.pipe.poll() else EOFError
    except (EOFError, ConnectionResetError):
        return EOFError


def _end(one: _Worker) -> None:
    """End a process, whatever it is doing, and release what it held here."""
    if one.process.is_alive():
        one.process.kill()
    one.process.join()
    one.process.close()
    one.pipe.close()
    one.process = None
