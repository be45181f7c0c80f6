"""A sweep under way, on the disk: what it is, and the points that are done. It may be killed at any moment.

Beside FILE are FILE.json, which says what made it, and until it is whole FILE.parts, a folder with a file for each
point. A point's file is written whole or not at all, and FILE is made of all of them.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soleus.errors import UserError, described
from soleus.machine.files import write_bytes
from soleus.run.claim import Claim, FolderInUse
from soleus.run.summary import as_json
from soleus.sweep.rows import Table, joined
from soleus.sweep.tables import npz_bytes, npz_table, write_table

_COMMAND, _WHOLE = "command", "whole"


def digest(file: Path) -> str:
    """Return a checksum of a file, by which a checkpoint is known that was trained on since."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Parts:
    """The points of a sweep that are done. Raises UserError where the file is of another command, or is in use."""

    def __init__(self, out: Path, command: Mapping[str, Any], points: int) -> None:
        """command: all that the rows depend on, as plain data. points: of the grid."""
        self.out, self.points = out, points
        self._about = out.with_name(f"{out.name}.json")
        self._folder = out.with_name(f"{out.name}.parts")
        self._command: dict[str, Any] = json.loads(as_json(command))
        if out.exists() and not self._about.is_file():
            raise UserError(
                f"--out: expected a new file, or that of a sweep with {self._about.name} beside it, got {out}"
            )
        known = self._known()
        self.whole = bool(known and known.get(_WHOLE)) and out.is_file()
        if self.whole:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            said = f"got {self._folder} ({error.strerror})"
            raise UserError(f"--out: expected a folder that can be made, {said}") from None
        try:
            self._claim = Claim(self._folder, new=False)
        except FolderInUse:
            raise UserError(f"--out: expected a table that no other process is making, got {out}") from None
        self._say(whole=False)

    def _known(self) -> dict[str, Any] | None:
        """What an earlier command left; raises UserError where that was another one."""
        if not self._about.is_file():
            return None
        try:
            known: dict[str, Any] = json.loads(self._about.read_text(encoding="utf-8"))
            before = known[_COMMAND]
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(f"{self._about}: expected what made a sweep, got something else") from None
        for key in [*self._command, *before]:
            if before.get(key) != self._command.get(key):
                raise UserError(
                    f"--out: expected the command that {self.out} was begun with, got another: {key} was"
                    f" {before.get(key)!r}, and is {self._command.get(key)!r}"
                )
        return known

    def _say(self, whole: bool) -> None:
        content = {_COMMAND: self._command, "points": self.points, _WHOLE: whole}
        write_bytes(self._about, (as_json(content, indent=1) + "\n").encode())

    def _file(self, point: int) -> Path:
        return self._folder / f"point-{point:07d}.npz"

    @property
    def missing(self) -> list[int]:
        """The points that are not done."""
        return [] if self.whole else [point for point in range(self.points) if not self._file(point).is_file()]

    def add(self, point: int, table: Table) -> None:
        """Keep the rows of a point."""
        write_bytes(self._file(point), npz_bytes(table))

    def finish(self) -> Table:
        """Write the whole table, take the points away, and return the table. Raises UserError where one is missing."""
        tables = []
        for point in range(self.points):
            file = self._file(point)
            try:
                tables.append(npz_table(io.BytesIO(file.read_bytes())))
            except (OSError, ValueError, EOFError) as error:
                hint = "remove it to have it made again"
                raise UserError(f"{file}: expected the rows of a point, got {described(error)}; {hint}") from None
        table = joined(tables)
        write_table(self.out, table)
        self._say(whole=True)
        self._claim.release()
        shutil.rmtree(self._folder, ignore_errors=True)
        return table
