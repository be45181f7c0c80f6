"""What Weights & Biases' client has written where it is offline: records of protobuf in a log of LevelDB's form."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOCK = 32 * 1024
_HEADER = struct.Struct("<IHB")  # checksum, length, kind: whole, first, middle or last part of a record


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 7  # after what the file is known by
    while at + _HEADER.size <= len(data):
        if _BLOCK - at % _BLOCK < _HEADER.size:
            at += _BLOCK - at % _BLOCK
            continue
        _, length, kind = _HEADER.unpack_from(data, at)
        if kind == 0:
            return
        at += _HEADER.size
        yield kind, data[at : at + length]
        at += length


def records(file: Path) -> Iterator[Any]:
    """Records of a file run-ID.wandb."""
    from wandb.proto.wandb_internal_pb2 import Record

    whole = b""
    for kind, part in _parts(file.read_bytes()):
        whole = part if kind in (1, 2) else whole + part
        if kind in (1, 4):
            yield Record.FromString(whole)


class OfflineRun:
    """A run that was recorded offline: its id, name, configuration, rows by step, and exit code."""

    def __init__(self, file: Path) -> None:
        self.config: dict[str, Any] = {}
        self.rows: dict[int, dict[str, float]] = {}
        for record in records(file):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                self.id, self.name = record.run.run_id, record.run.display_name
                self.config |= {one.key: json.loads(one.value_json) for one in record.run.config.update}
            elif kind == "history":
                items = record.history.item
                values = {"/".join(one.nested_key) or one.key: json.loads(one.value_json) for one in items}
                own = {key: value for key, value in values.items() if not key.startswith("_")}
                self.rows.setdefault(int(values["_step"]), {}).update(own)
            elif kind == "exit":
                self.exit_code = record.exit.exit_code


def offline_runs(folder: Path) -> list[OfflineRun]:
    """The runs that were recorded below a folder and have ended, oldest first.

    The client's own process writes last how a run ended: on a busy machine a moment after the run's process is gone.
    """
    until = time.monotonic() + 30
    while True:
        runs = [OfflineRun(file) for file in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]
        if all(hasattr(run, "exit_code") for run in runs) or time.monotonic() > until:
            return runs
        time.sleep(0.2)
