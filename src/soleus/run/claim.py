"""A run's folder belongs to one process at a time, which makes the folder and locks a file in it."""

import errno
import fcntl
import os
import shutil
import socket
import sys
import weakref
from contextlib import suppress
from pathlib import Path

from soleus.errors import UserError
from soleus.run.checkpoint import LATEST

LOCK = ".lock"
_held: set[Path] = set()  # locked by this process, which its own lock would not stop


class FolderInUse(UserError):
    """Another run has the folder."""


class Claim:
    """The right to write into a run's folder, from now until release(), or until this process ends, however it ends."""

    def __init__(self, folder: Path, new: bool) -> None:
        """new: make the folder where there is none. Raises UserError for a folder that is in use, or cannot be made."""
        self.folder = folder
        self.made = False
        self._above = [one for one in folder.parents if not os.path.exists(one)]  # made with it, the innermost first
        try:
            self._take(new)
        except BaseException:  # a signal among them
            self._remove()
            raise

    def _take(self, new: bool) -> None:
        folder = self.folder
        try:
            if new:
                self.made = _make(folder)
                if not self.made:
                    _check_empty(folder)
            self._lock = _lock(folder)
        except OSError as error:
            raise UserError(f"{folder}: expected a folder that can be made, but {error.strerror}") from None
        key = folder.resolve()
        _held.add(key)
        # Called where nobody calls release(): a run that is dropped gives its folder back.
        self._let_go = weakref.finalize(self, _unlock, folder / LOCK, self._lock, key)
        if new and not self.made:
            try:
                _check_empty(folder)  # once more: it may have been filled before it was locked
            except UserError:
                self.release()
                raise

    def release(self, undo: bool = False) -> None:
        """Release the folder. undo: also remove it with all that is in it, if it was made for this claim."""
        if self._let_go.alive:
            if undo:
                self._remove()
            self._let_go()

    def _remove(self) -> None:
        """Remove the folder with all that is in it, if it was made for this claim, and those above it that were too."""
        if self.made:
            shutil.rmtree(self.folder, ignore_errors=True)
            with suppress(OSError):  # others have come into them meanwhile
                for one in self._above:
                    one.rmdir()


def _unlock(path: Path, lock: int | None, key: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
    if lock is not None:
        os.close(lock)
    _held.discard(key)


def check_new(folder: Path) -> None:
    """Make the parent of a new folder. Raises UserError if the folder exists already and is not empty."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            _check_empty(folder)
    except OSError as error:
        raise UserError(f"{folder}: expected a folder that can be made, but {error.strerror}") from None


def put_in_place(whole: Path, folder: Path) -> None:
    """Rename a finished folder to the place of a new one. Raises UserError if another folder has appeared there."""
    try:
        whole.replace(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            _check_empty(folder)
        raise UserError(f"{folder}: expected a folder that can be made, but {error.strerror}") from None


def _make(folder: Path) -> bool:
    """Make a folder; return False where there is one already."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _check_empty(folder: Path) -> None:
    if folder.is_dir() and all(one.name == LOCK for one in folder.iterdir()):
        return
    resumable = (folder / "checkpoints" / LATEST).is_file()
    advice = f"go on with --resume {folder}, or name another" if resumable else "name another"
    raise FolderInUse(f"{folder}: expected a new folder, but it exists; {advice}")


def _lock(folder: Path) -> int | None:
    """Lock a folder; return the lock's file descriptor, or None on a file system that has no locks."""
    path = folder / LOCK
    while True:
        if folder.resolve() in _held:
            raise _in_use(folder, f"process {os.getpid()} on {socket.gethostname()}")
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            # A lock of this process, not of those that it forks: it ends with this process alone.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(file, 200, 0).decode(errors="replace").strip()
            os.close(file)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise _in_use(folder, holder or "another process") from None
            print(f"warning: {path}: the file system has no locks ({error.strerror})", file=sys.stderr)
            return None
        try:
            if os.path.samestat(os.fstat(file), os.stat(path)):
                os.ftruncate(file, 0)
                os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
                return file
        except FileNotFoundError:
            pass
        except OSError:  # a full disk: the lock holds all the same
            return file
        os.close(file)  # whoever had it has removed it meanwhile


def _in_use(folder: Path, holder: str) -> FolderInUse:
    return FolderInUse(f"{folder}: expected a folder in which no run is under way, but {holder} is at work in it")
