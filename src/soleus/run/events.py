"""TensorBoard's events of a run: scalars in a file that TensorBoard reads, written as they come and by no other thread.

torch's own writer leaves a row to a thread of its own, whose failures (a full disk) come late and as a traceback.
"""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path


class Events:
    """A file of events in a folder, a new one for each process that records there."""

    def __init__(self, folder: Path, purge_step: int | None = None) -> None:
        """purge_step: in earlier files of the folder, rows from this step on no longer count. Raises OSError."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # slow to import
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event = Event
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{time.monotonic_ns()}"
        self._file = open(folder / name, "wb")  # noqa: SIM115 - open as long as the run
        self._writer = RecordWriter(self._file)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        if purge_step is not None:
            start = SessionLog(status=SessionLog.START)
            self._write(Event(wall_time=time.time(), step=purge_step, session_log=start))
        self._file.flush()

    def _write(self, event: object) -> None:
        self._writer.write(event.SerializeToString())  # type: ignore[attr-defined]

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Record scalars by their tags. Raises OSError."""
        event = self._event(wall_time=time.time(), step=step)
        for tag, value in values.items():
            event.summary.value.add(tag=tag, simple_value=value)
        self._write(event)
        self._file.flush()

    def close(self) -> None:
        """Close the file. Raises OSError."""
        self._file.close()
