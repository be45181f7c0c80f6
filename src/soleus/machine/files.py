"""Files written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from soleus.errors import UserError


def cache_folder(kind: str) -> Path:
    """Return the folder below the user's cache folder for what is made once and kept, by its kind."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "soleus" / kind


def write_bytes(path: Path, data: bytes | memoryview, keep: Path | None = None) -> None:
    """Write a file whole or not at all: a temporary file beside it, flushed to the disk, then renamed over it.

    keep: give the file that stood at `path` this name, once the new one is on the disk.
    Raises UserError where the disk refuses (full, read-only); the old file then stays as it was.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if keep is not None:
            _demote(path, keep)
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        kept = f"; the last good one stays: {path}" if path.exists() else ""
        raise UserError(f"{path}: could not be written ({error.strerror}){kept}") from None


def _demote(path: Path, keep: Path) -> None:
    """Give a file a second name: at no moment is there none under its first."""
    link = keep.with_name(f".{keep.name}.tmp")
    link.unlink(missing_ok=True)
    try:
        os.link(path, link)
        os.replace(link, keep)
    except OSError:  # a file system without links
        write_bytes(keep, path.read_bytes())
