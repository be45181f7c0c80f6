"""Files at a URL, on any file system that fsspec knows. Each is written whole or not at all; no wait is endless."""

import errno
import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from soleus.errors import UserError

DEADLINE_S = 30.0  # for an answer: by itself s3fs tries for minutes
_SLOWEST = 1e6  # [bytes/s] of a transfer; below it counts as no answer
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss"})  # a put is whole by itself

T = TypeVar("T")


class Remote:
    """The files below a URL. Every failure is a UserError of one line."""

    def __init__(self, url: str) -> None:
        """Raises UserError for a protocol that is unknown or lacks its package, and for a URL without a path."""
        self.url = url
        self._late: threading.Thread | None = None
        self._fs, root = self._within(self._open, url, "opened")
        self._root = root.rstrip("/")
        if not self._root:
            raise UserError(f"{url}: expected a URL with a path such as s3://bucket/walk, got one without")
        protocols = (self._fs.protocol,) if isinstance(self._fs.protocol, str) else self._fs.protocol
        self._puts_whole = not _OBJECT_STORES.isdisjoint(protocols)

    def _open(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs  # not before there is a URL

        try:
            fs, root = url_to_fs(self.url)
        except ImportError as error:
            missing = error.name or getattr(error.__cause__, "name", None)
            package = "'soleus[s3]'" if missing == "s3fs" else missing
            raise UserError(f"{self.url}: expected the package {missing}, got none: pip install {package}") from None
        return fs, root

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return names, relative to the URL, and sizes [bytes] of the files in a folder; {} if there is no folder."""
        path = self._path(folder)

        def act() -> dict[str, int]:
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(path, detail=True)
            except FileNotFoundError as error:
                if error.__cause__ is not None:  # it is the bucket that is missing
                    raise
                return {}
            paths = {one["name"].rstrip("/"): int(one.get("size") or 0) for one in found}
            return {one.removeprefix(self._root).lstrip("/"): size for one, size in paths.items() if one != path}

        return self._within(act, self._url(folder), "listed")

    def read(self, name: str, size: int) -> bytes | None:
        """Return what is in a file, as it was at one moment; None where there is none any more.

        size: about [bytes], for the deadline.
        """

        def act() -> bytes | None:
            until = time.monotonic() + DEADLINE_S / 2
            while True:
                self._fs.invalidate_cache()
                try:
                    with self._fs.open(self._path(name), "rb") as file:
                        content: bytes = file.read()
                    return content
                except FileNotFoundError:
                    return None
                except OSError as error:
                    if error.errno != errno.EBUSY or time.monotonic() > until:  # busy: replaced while it was read
                        raise

        return self._within(act, self._url(name), "read", size)

    def write(self, name: str, data: bytes) -> None:
        """Put a file there. Whoever reads it meanwhile, or after a kill, finds the old one whole or the new one whole.

        Transactions of fsspec are not enough: those of a local disk copy from another one, byte by byte.
        """
        path = self._path(name)
        folder, _, last = path.rpartition("/")

        def act() -> None:
            if self._puts_whole:
                self._fs.pipe_file(path, data)
                return
            self._fs.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/.{last}.tmp"
            with self._fs.open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                if getattr(self._fs, "local_file", False):
                    os.fsync(file.fileno())
            self._fs.mv(temporary, path)

        self._within(act, self._url(name), "written", len(data))

    def remove(self, name: str) -> None:
        """Take a file away."""
        self._within(lambda: self._fs.rm_file(self._path(name)), self._url(name), "removed")

    def settle(self) -> None:
        """Wait for an earlier operation that was given up and may still end, no longer than for an answer."""
        if self._late is not None:
            self._late.join(DEADLINE_S)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    def _url(self, name: str) -> str:
        return f"{self.url}/{name}".rstrip("/")

    def _within(self, act: Callable[[], T], where: str, done: str, size: int = 0) -> T:
        """Return what `act` does. Raises UserError where it fails, or takes longer than so many bytes may take.

        It is then left to itself, and nothing else begins before it has ended: it could still put an old file in the
        place of a newer one.
        """
        if self._late is not None and self._late.is_alive():
            raise UserError(f"{where}: could not be {done} (still no answer to what was asked before)")
        results: list[T] = []
        failures: list[Exception] = []

        def work() -> None:
            try:
                results.append(act())
            except Exception as error:  # file systems raise whatever their libraries do
                failures.append(error)

        limit = DEADLINE_S + size / _SLOWEST
        thread = threading.Thread(target=work, name="remote", daemon=True)  # of which no process waits for the end
        thread.start()
        thread.join(limit)
        if thread.is_alive():
            self._late = thread
            raise UserError(f"{where}: could not be {done} (no answer within {limit:.0f} s)")
        for error in failures:
            if isinstance(error, UserError):
                raise error
            raise UserError(f"{where}: could not be {done} ({_in_a_line(error)})") from None
        return results[0]


def _in_a_line(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.split()) or type(error).__name__
