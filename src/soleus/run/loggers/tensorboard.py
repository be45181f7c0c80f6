"""TensorBoard: scalars in a file of events in the run's folder, written as they come and by no other thread.

torch's own writer leaves a row to a thread of its own, whose failures (a full disk) come late and as a traceback.
"""

import os
import socket
import time
from collections.abc import Mapping

from soleus.run.loggers.base import RunFacts


class TensorBoard:
    """A file of events, a new one for each process that records a run."""

    known = None

    def __init__(self, run: RunFacts) -> None:
        """What earlier files of the folder hold past the steps that the run goes on from is void. Raises OSError."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # slow to import
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event = Event
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{time.monotonic_ns()}"
        self._file = open(run.folder / name, "wb")  # noqa: SIM115 - open as long as the run
        self._writer = RecordWriter(self._file)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        if run.resume_steps is not None:
            start = SessionLog(status=SessionLog.START)
            self._write(Event(wall_time=time.time(), step=run.resume_steps + 1, session_log=start))
        self._file.flush()

    def _write(self, event: object) -> None:
        self._writer.write(event.SerializeToString())  # type: ignore[attr-defined]

    def row(self, metrics: Mapping[str, float], steps: int) -> None:
        """Record metrics by their keys. Raises OSError."""
        event = self._event(wall_time=time.time(), step=steps)
        for key, value in metrics.items():
            if key != "time/steps":  # TensorBoard has them as its own steps
                event.summary.value.add(tag=key, simple_value=value)
        self._write(event)
        self._file.flush()

    def close(self, failed: bool) -> None:
        """Close the file, however the run ended. Raises OSError."""
        self._file.close()
