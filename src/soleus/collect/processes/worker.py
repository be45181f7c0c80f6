"""What runs in a worker process: rounds with its environments and its copy of the policy, until told to stop.

Imports nothing heavy before main() is called: the number of threads is in the environment by then, and torch reads it
once.
"""

import faulthandler
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from typing import Any

from soleus.collect.processes.memory import SharedArrays
from soleus.config import EnvRunConfig
from soleus.errors import UserError, described, trace_of
from soleus.exchange.batch import Layout
from soleus.machine.stopping import guarded_output


@dataclass
class Collect:
    """Order to collect a round with weights of this version. seed: first restart the environments with it."""

    version: int
    round: int
    seed: int | None


@dataclass
class Done:
    """A round is in the arrays. The version is that of the weights it was collected with.

    info: as in Batch.
    """

    version: int
    info: dict[str, tuple[float, int]]


@dataclass
class Failed:
    """The worker cannot go on. what: the error's type and first line, or that of a UserError as it is.

    broken: an environment gave what it did not promise, which another worker would not do better.
    """

    what: str
    traceback: str
    broken: bool = False


@dataclass
class Place:
    """Which worker this is: the columns that its environments write, the number of the first among all of the run, and
    cpus to stay on, or none."""

    number: int
    columns: slice
    first: int
    cpus: tuple[int, ...]

    @property
    def count(self) -> int:
        """Of its environments."""
        return int(self.columns.stop - self.columns.start)


TIMES = ("acting", "stepping", "taking", "round", "cpu")
"""What a worker measures of a round [s]: its row of the array `worker_times`."""


def _end_with_parent() -> None:
    """Make this process end when the one that started it ends, in whatever way."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


def main(
    pipe: Connection, shared: SharedArrays, config: EnvRunConfig, layout: Layout, place: Place, registered: bytes
) -> None:
    """Collect rounds until told to stop. Workers ignore Ctrl-C: the main process stops them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    faulthandler.enable()  # an environment that crashes in native code shows where
    _end_with_parent()
    if place.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, place.cpus)
    try:
        with guarded_output():  # the main process stops where its output is lost; what environments print is nothing
            _serve(pipe, shared, config, layout, place, registered)
    except (EOFError, BrokenPipeError):
        pass
    except BaseException as error:
        from soleus.environments.base import Broken

        ours = isinstance(error, UserError)
        what, trace = (str(error), "") if ours else (described(error), trace_of(error))
        pipe.send(Failed(what, trace, isinstance(error, Broken)))


def _serve(
    pipe: Connection, shared: SharedArrays, config: EnvRunConfig, layout: Layout, place: Place, registered: bytes
) -> None:
    import torch

    from soleus.collect.policy import TorchPolicy
    from soleus.collect.rollout import Rollout
    from soleus.environments import make_group
    from soleus.environments.base import Broken
    from soleus.environments.gym import register_again
    from soleus.nets.precision import tune_allocator

    tune_allocator()
    threads = config.parallel.threads_per_worker
    torch.set_num_threads(threads)
    register_again(registered)
    group = make_group(config.env, place.count, threads, place.first)
    if (group.observation, group.action) != (layout.observation, layout.action):
        raise Broken(
            f"{config.env.id}: expected one space of observations and one of actions of all environments, but"
            f" environment {place.first} has others"
        )
    actor = TorchPolicy(config, layout, place.first, place.count)
    rollout = Rollout(group, actor, shared, place.columns, shared["worker_place"][place.number])
    try:
        pipe.send(None)  # ready
        while (order := pipe.recv()) is not None:
            _collect(order, shared, rollout, actor, place.number)
            pipe.send(Done(order.version, rollout.info.sums))
    finally:
        group.close()


def _collect(order: Collect, shared: SharedArrays, rollout: Any, actor: Any, number: int) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    version = shared["version"]
    before = int(version[0])
    actor.take(shared["weights"])
    taken = time.perf_counter() - start
    if not before == int(version[0]) == order.version:
        raise RuntimeError(f"expected weights of version {order.version}, got {before} to {int(version[0])}")
    if order.seed is not None:
        rollout.reset(order.seed)
    times = rollout.run(order.round)
    shared["worker_times"][number] = (
        times.acting,
        times.stepping,
        taken,
        time.perf_counter() - start,
        time.process_time() - cpu,
    )
