"""MLflow, through its own client, whose settings (MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, ...) say where runs go.

The client waits for its server, for minutes where that is down. It is therefore asked by a thread of its own.
"""

import json
import logging
import posixpath
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from soleus.run.loggers.aside import Aside
from soleus.run.loggers.base import Known, RunFacts, overlap

T = TypeVar("T")

_PATIENCE_S = 30.0  # for an answer, as the run begins and as it ends
_LONGEST_NAME = 250  # characters
_MOST_PARAMETERS, _MOST_METRICS = 100, 1000  # of a request
_STEPS = "time/steps"


def name_there(key: str) -> str:
    """Return a key as MLflow takes it: names of environments' infos may have characters that it refuses."""
    plain = re.sub(r"[^\w\-. :/]", "_", key)
    return posixpath.normpath(plain.replace("..", "__")).lstrip("/")[:_LONGEST_NAME].rstrip("/")


def parameters_of(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a nested configuration as parameters by dotted key, values as JSON has them and texts as they are."""
    found: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            found |= parameters_of(value, f"{prefix}{key}.")
        else:
            found[name_there(f"{prefix}{key}")] = value if isinstance(value, str) else json.dumps(value)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what MLflow logs of its own work, such as the tables that it makes, from the screen."""
    logger = logging.getLogger("mlflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _answer(future: "Future[T]") -> T:
    """Return what a call came to. Raises what it raised, and TimeoutError where it takes too long."""
    done, _ = wait([future], _PATIENCE_S)
    if not done:
        raise TimeoutError(f"no answer within {_PATIENCE_S:.0f} s")
    return future.result()


class MLflow:
    """A run there."""

    def __init__(self, run: RunFacts) -> None:
        """Begin a run there, or go on with it. Raises what the client raises, and TimeoutError without an answer."""
        self._aside = Aside("mlflow")
        self._asked: deque[Future[Any]] = deque()
        self._unsent: deque[Any] = deque()  # metrics
        self._there = -1.0  # steps of what an earlier process recorded
        try:
            self._id = _answer(self._aside.call(lambda: self._begin(run)))
        except BaseException:
            self._leave()
            raise
        self.known: Known | None = {"run_id": self._id}
        print(f"mlflow: run {self._id}", flush=True)
        if self._there > (run.resume_steps or 0):
            print(overlap("mlflow", int(self._there)), flush=True)

    def _begin(self, run: RunFacts) -> str:
        import mlflow
        from mlflow.entities import Param, RunTag

        with _quiet():
            self._client = mlflow.MlflowClient()
            known = self._still_there(run.known)
            found = mlflow.start_run(run_id=known) if known else mlflow.start_run(run_name=run.name)
            there, wanted = found.data.params, parameters_of(run.config)
            new = [Param(key, value) for key, value in wanted.items() if key not in there]
            for first in range(0, len(new), _MOST_PARAMETERS):
                self._client.log_batch(found.info.run_id, params=new[first : first + _MOST_PARAMETERS])
            changed = {key: value for key, value in wanted.items() if there.get(key, value) != value}
            if changed:  # it lets no parameter change
                tags = [RunTag(f"{key} from step {run.resume_steps or 0}", value) for key, value in changed.items()]
                self._client.log_batch(found.info.run_id, tags=tags)
        self._there = found.data.metrics.get(_STEPS, -1.0) if known else -1.0
        return str(found.info.run_id)

    def _still_there(self, known: Known | None) -> str | None:
        """Return the id of the run that an earlier process began; None where there is none, or none any more."""
        if known is None:
            return None
        from mlflow.entities import LifecycleStage
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

        try:
            if self._client.get_run(known["run_id"]).info.lifecycle_stage == LifecycleStage.ACTIVE:
                return known["run_id"]
        except MlflowException as error:
            if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                raise
        print(f"note: mlflow has no run {known['run_id']} any more where MLFLOW_TRACKING_URI leads: a new one begins")
        return None

    def row(self, metrics: Mapping[str, float], steps: int) -> None:
        """Record metrics by their keys, in time. Raises what an earlier row came to."""
        from mlflow.entities import Metric

        self._check()
        if steps > self._there:
            now = int(1000 * time.time())
            self._unsent.extend(Metric(name_there(key), value, now, steps) for key, value in metrics.items())
            self._asked.append(self._aside.call(self._send))

    def _send(self) -> None:
        """Send what is not sent yet, as much as a request may have: of a slow server, that of many rows at once."""
        ones = [self._unsent.popleft() for _ in range(min(len(self._unsent), _MOST_METRICS))]
        if ones:
            self._client.log_batch(self._id, metrics=ones)

    def _check(self) -> None:
        try:
            while self._asked and self._asked[0].done():
                self._asked.popleft().result()
        except BaseException:
            for one in self._asked:
                one.cancel()
            self._leave()
            raise

    def _leave(self) -> None:
        """Have the run there end as failed, whenever the server answers again; nobody waits for it."""
        self._aside.call(self._ended("FAILED"))
        self._aside.end()

    def _ended(self, status: str) -> Callable[[], None]:
        def end() -> None:
            import mlflow

            with _quiet():
                mlflow.end_run(status)

        return end

    def close(self, failed: bool) -> None:
        """Wait for what is under way and end the run. Raises TimeoutError without an answer."""
        last = self._aside.call(self._ended("FAILED" if failed else "FINISHED"))
        self._aside.end()
        _answer(last)
        self._check()
