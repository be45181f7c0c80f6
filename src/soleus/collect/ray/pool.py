"""The actors of a run on Ray: starting them, asking them for rounds, restarting those that are lost.

Every wait here has a deadline.
"""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from soleus.collect.base import CollectorFailed
from soleus.collect.failures import Failures
from soleus.collect.ray.actor import Actor, Facts, Part, Published, versions
from soleus.collect.ray.cluster import check_versions, import_ray, node_cpus, share_of_cpus
from soleus.config import RunConfig
from soleus.config.resolve import share_out
from soleus.errors import UserError

START_SECONDS = 120.0  # for the next of the actors to find room
MAKE_SECONDS = 300.0  # for the next of those that have room to make its humans or environments: a busy machine is slow
FIT_SECONDS = 30.0  # between looks for machines that have come or gone
_LOOK_SECONDS = 2.0  # between looks at who is silent, where nobody can collect
_FETCH_SECONDS = 60.0  # for an answer that is there to come here
_CLOSE_SECONDS = 5.0


class Stage(Enum):
    """What an actor is doing."""

    PLACING = "waits for room on the cluster"
    STARTING = "makes its humans or environments"
    IDLE = "waits"
    COLLECTING = "collects"
    LATE = "collects a round that has gone on without it"


@dataclass(eq=False)
class PooledActor:
    """One actor, and the actors that replace it, with the humans or environments first ... first + count - 1."""

    number: int
    first: int
    count: int
    handle: Any = None
    stage: Stage = Stage.PLACING
    pending: Any = None
    """The request that it has not answered yet."""
    asked_at: float = 0.0
    """When it was asked to collect, as time.monotonic()."""
    facts: Facts | None = None
    fresh: bool = True
    """Its humans have to be set to where their last round that counted ended."""
    placed: int = 0
    """How often Ray was asked to start it."""
    lost_early: int = 0
    """How many actors in a row were lost before they had started."""

    @property
    def columns(self) -> slice:
        """Its place in the arrays of a round."""
        return slice(self.first, self.first + self.count)

    @property
    def where(self) -> str:
        """Its name in messages, and where it is."""
        place = f" (process {self.facts.pid} on {self.facts.host})" if self.facts else ""
        return f"collector {self.number}{place}"


class ActorPool:
    """All actors of a run."""

    def __init__(self, config: RunConfig, actor: type[Actor], subject: Any, needed: int | None) -> None:
        """Start the actors. subject: what each is started with. needed: CPUs that each has to have, if that is known.

        Raises UserError if not all of them start.
        """
        self._ray, self._parallel, self._needed = import_ray(), config.parallel, needed
        self.cpus = self._share()
        self._looked, self._refused = time.monotonic(), 0
        self._actor, self._subject = actor, self._ray.put(subject)
        self._failures = Failures(config.parallel, "collectors")
        self.lost = 0
        self.started: dict[int, Any] = {}  # what they said when they were first started
        assert isinstance(config.parallel.num_collectors, int)
        parts = share_out(config.train.num_envs, config.parallel.num_collectors)
        self.pooled = [PooledActor(number, first, count) for number, (first, count) in enumerate(parts)]
        try:
            for one in self.pooled:
                self._place(one)
            self._start_all()
        except BaseException:
            self.close()
            raise

    def _place(self, one: PooledActor) -> None:
        """Ask Ray for an actor; Ray starts it where and when there is room."""
        # Spread: one machine's humans slow each other down. No restarts by Ray: their states would not come back.
        options = {"num_cpus": self.cpus, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
        one.handle = self._ray.remote(self._actor).options(**options).remote()
        one.stage, one.facts, one.fresh, one.placed = Stage.PLACING, None, True, one.placed + 1
        one.pending = one.handle.facts.remote()

    def _share(self) -> int:
        """Return the CPUs that each actor can have on the cluster now. Raises UserError if there is no room."""
        return share_of_cpus(list(node_cpus().values()), self._parallel, self._needed)

    def _fit(self) -> None:
        """Restart all actors with more CPUs if machines have joined, or with fewer if machines are gone."""
        if time.monotonic() - self._looked < FIT_SECONDS or any(
            one.stage in (Stage.COLLECTING, Stage.LATE) for one in self.pooled
        ):
            return
        self._looked, before = time.monotonic(), self.cpus
        try:
            share = self._share()
        except UserError:
            return  # no room for all: those that have it go on
        complete = all(one.stage is Stage.IDLE for one in self.pooled)
        if not (share > max(before, self._refused) if complete else share < before):
            return
        print(f"ray: the machines have changed: {share} CPUs for each collector, before {before}", flush=True)
        self._restart(share)
        try:
            self._start_all()
        except UserError as error:
            print(f"warning: {error}", file=sys.stderr, flush=True)
            self._refused = max(share, self._refused)
            self._restart(min(before, share))

    def _restart(self, cpus: int) -> None:
        """Replace all actors that have another number of CPUs, or that have not started, by actors with this number."""
        for one in self.pooled:
            if one.stage is not Stage.IDLE or cpus != self.cpus:
                self._end(one)
        self.cpus = cpus
        for one in self.pooled:
            if one.handle is None:
                self._place(one)

    def _start_all(self) -> None:
        while waiting := [one for one in self.pooled if one.stage is not Stage.IDLE]:
            placing = sum(one.stage is Stage.PLACING for one in waiting)
            found = self._answered(waiting, START_SECONDS if placing else MAKE_SECONDS)
            if not found and placing:
                raise UserError(
                    f"parallel.num_collectors: expected room for {len(self.pooled)} collectors of {self.cpus} CPUs"
                    f" within {START_SECONDS:g} s, but {len(self.pooled) - placing} have found it: others use the"
                    " cluster"
                )
            if not found:
                raise UserError(
                    f"ray: expected all {len(self.pooled)} collectors to make their humans or environments within"
                    f" {MAKE_SECONDS:g} s, but {len(waiting)} still make them: the first is {waiting[0].where}"
                )
            for one in found:
                try:
                    self._advance(one)
                except UserError:
                    raise
                except Exception as error:
                    raise UserError(f"ray: expected {one.where} to start, but {_first_line(error)}") from None

    def _answered(self, waiting: Sequence[PooledActor], seconds: float) -> list[PooledActor]:
        """Return the actors that have answered or are lost, after waiting at most so long for the first."""
        pending = [one.pending for one in waiting]
        ready, _ = self._ray.wait(pending, num_returns=1, timeout=max(seconds, 0.0))
        if ready and len(pending) > 1:
            ready, _ = self._ray.wait(pending, num_returns=len(pending), timeout=0)
        return [one for one in waiting if one.pending in ready]

    def _take(self, one: PooledActor) -> Any:
        """Return the answer of an actor. Raises what the actor raised, without Ray's report around it."""
        pending, one.pending = one.pending, None
        try:
            return self._ray.get(pending, timeout=_FETCH_SECONDS)
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None

    def _advance(self, one: PooledActor) -> None:
        """Move an actor that has answered on to its next stage. Raises whatever the actor raised."""
        if one.stage is Stage.PLACING:
            one.facts = self._take(one)
            check_versions(versions(), one.facts.versions, one.facts.host)
            one.pending = one.handle.start.remote(self._subject, one.first, one.count, self.cpus)
            one.stage = Stage.STARTING
        elif one.stage is Stage.STARTING:
            self.started.setdefault(one.number, self._take(one))
            one.stage = Stage.IDLE
        elif one.stage is Stage.LATE:
            one.stage = Stage.IDLE
            self._hear(one, self._take(one))  # it counts for nothing: its weights are no longer in force

    def idle(self) -> list[PooledActor]:
        """Return the actors that can collect; wait for one where there is none. Raises CollectorFailed."""
        self._fit()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._lose_silent()
            coming = [one for one in self.pooled if one.stage in (Stage.PLACING, Stage.STARTING, Stage.LATE)]
            ready = [one for one in self.pooled if one.stage is Stage.IDLE]
            left = 0.0 if ready else min(deadline - time.monotonic(), _LOOK_SECONDS)
            found = self._answered(coming, left) if coming else []
            for one in found:
                placing = one.stage is Stage.PLACING
                try:
                    self._advance(one)
                    one.lost_early = 0
                except Exception as error:
                    if placing and not isinstance(error, UserError) and not one.lost_early:
                        # Its place was gone before it came up: that of a machine whose loss counts already.
                        one.lost_early += 1
                        self._end(one)
                        self._place(one)
                    else:
                        self.lose([one], _first_line(error))
            if not found and ready:
                return ready
            if not ready and time.monotonic() >= deadline:
                raise CollectorFailed(
                    f"ray: expected room for a collector of {self.cpus} CPUs within {START_SECONDS:g} s, got none"
                )

    def _lose_silent(self) -> None:
        """Restart actors that are late and have not answered within round_timeout."""
        for one in self.pooled:
            if one.stage is Stage.LATE and time.monotonic() - one.asked_at > self._parallel.round_timeout:
                self.lose([one], self._silent)

    @property
    def _silent(self) -> str:
        return f"gave no answer within {self._parallel.round_timeout:g} s"

    def ask(self, one: PooledActor, weights: Any, order: Any) -> None:
        """Ask an actor to collect a round."""
        one.pending = one.handle.collect.remote(weights, order)
        one.stage, one.fresh, one.asked_at = Stage.COLLECTING, False, time.monotonic()

    def publish(self, weights: Published) -> Any:
        """Put weights into the object store, once for all."""
        return self._ray.put(weights)

    def gather(
        self, asked: Sequence[PooledActor], deadline: float, take: Callable[[PooledActor, Part], None]
    ) -> list[PooledActor]:
        """Call take() with the part of each actor as it arrives; return the actors that were lost.

        deadline: by time.monotonic(). Actors that are late are not waited for; their humans go back to where their
        last round that counted ended. Raises CollectorFailed where failures come too often.
        """
        waiting, gone = list(asked), dict[PooledActor, str]()
        hard, patience = deadline, self._parallel.straggler_deadline
        while waiting:
            found = self._answered(waiting, deadline - time.monotonic())
            if not found and deadline < hard:
                for one in waiting:
                    one.stage, one.fresh = Stage.LATE, True
                break
            if not found:
                gone |= dict.fromkeys(waiting, self._silent)
                break
            for one in found:
                waiting.remove(one)
                try:
                    part = self._take(one)
                except Exception as error:  # whatever was raised there, or by Ray of a place that is gone
                    gone[one] = _first_line(error)
                else:
                    one.stage = Stage.IDLE
                    self._hear(one, part)
                    take(one, part)
                    if patience is not None and deadline == hard:
                        deadline = min(hard, time.monotonic() + patience)
        by_node: dict[str, list[PooledActor]] = {}
        for one in gone:
            by_node.setdefault(one.facts.node if one.facts else "", []).append(one)
        for there in by_node.values():
            self.lose(there, gone[there[0]])
        return list(gone)

    def _hear(self, one: PooledActor, part: Part) -> None:
        """Print what an actor printed. Raises CollectorFailed for one that cannot go on."""
        if part.said:
            print(f"{one.where}: {part.said}", end="", file=sys.stderr, flush=True)
        if part.failed:
            raise CollectorFailed(f"{one.where}: {part.failed}")

    def lose(self, there: Sequence[PooledActor], what: str) -> None:
        """Report the loss of actors of one node, which counts as one failure, and restart them.

        Raises CollectorFailed where failures come too often.
        """
        said = f"{', '.join(one.where for one in there)} failed: {what}"
        self.lost += len(there)
        self._failures.count(said)
        for one in there:
            self._end(one)
            self._place(one)

    def _end(self, one: PooledActor) -> None:
        if one.handle is not None:
            with suppress(Exception):  # it may be gone, and Ray with it
                self._ray.kill(one.handle)
        one.handle = one.pending = None

    def close(self) -> None:
        """End all actors; those that are idle first close what they hold."""
        with suppress(Exception):
            closing = [one.handle.close.remote() for one in self.pooled if one.stage is Stage.IDLE]
            if closing:
                self._ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_SECONDS)
        for one in self.pooled:
            self._end(one)


def _first_line(error: Exception) -> str:
    """Return what happened in one line."""
    if isinstance(error, UserError):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and "raised in its creation task" in lines[0]:
        return lines[-1]  # below a traceback
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
