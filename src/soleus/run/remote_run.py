"""A run's second place: its files under a URL, laid out as in its folder, which stays the one that counts.

They are written in an order, and read in the opposite one, in which whoever comes in between finds a run to go on from:
what runs ahead is written first. metrics.jsonl is never behind the latest checkpoint (what it lacks would not come
again), and no other checkpoint is ahead of it.
"""

import atexit
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from soleus.config.fields import is_url
from soleus.errors import UserError
from soleus.machine.files import write_bytes
from soleus.run import checkpoint
from soleus.run.claim import check_new, put_in_place
from soleus.run.inputs import INDEX, copies, parse_index, read_index
from soleus.run.loggers.chosen import FILE as LOGGERS
from soleus.run.remote import Remote

_CONFIG = "config.yaml"
_OWNER = "owner.txt"  # who writes there: object stores have no locks, so whoever came last is known by it
_FOLDER = "checkpoints"
_LATEST = f"{_FOLDER}/{checkpoint.LATEST}"

Signature = tuple[int, int, int]


def _in_order(inputs: Iterable[str], moments: Iterable[str]) -> list[str]:
    """Return the files of a run in the order in which they are written. TensorBoard events and videos stay behind."""
    checkpoints = [f"{_FOLDER}/{name}" for name in (checkpoint.LATEST, checkpoint.PREVIOUS, checkpoint.BEST)]
    return [_CONFIG, *inputs, LOGGERS, "metrics.jsonl", *checkpoints, *moments, "curves.png", "summary.json"]


class TakenOver(UserError):
    """Another process goes on with the run at the URL."""


class RemoteRun:
    """The files of one run under a URL.

    The process that claimed them last owns them. One before it finds out when it writes again, and then writes nothing.
    """

    def __init__(self, url: str, folder: Path) -> None:
        """folder: of the run, here. Errors as those of Remote."""
        self.url, self.folder = url, folder
        self._remote = Remote(url)
        self._there: dict[str, Signature | None] = {}  # what was put there, and what it was here
        self._new = False
        self._mine = f"process {os.getpid()} on {socket.gethostname()}\n{uuid.uuid4()}\n".encode()
        self._former: bytes | None = None  # owner before this one

    def claim(self, config: bytes, resume: Path | None) -> None:
        """Claim the place for a run: config.yaml is there from then on, as it is in the folder here.

        config: of a run that is new to the place. resume: the checkpoint here that the run there goes on from; None for
        a new one. Raises UserError for a place that cannot be written to, is in use, or whose run is further than the
        latest one here.
        """
        if resume is None:
            if there := self._remote.sizes():
                known = _LATEST in self._remote.sizes(_FOLDER) and _CONFIG in there
                advice = f"go on with --resume {self.url}, or name another" if known else "name another"
                raise UserError(f"{self.url}: expected a place with nothing in it, but there is something; {advice}")
            self._new = True
        else:
            if resume.name == checkpoint.LATEST:
                self._check_ahead(resume)
            config = (self.folder / _CONFIG).read_bytes()
            self._former = self._remote.read(_OWNER, 0)
        for name, content in ((_CONFIG, config), (_OWNER, self._mine)):
            self._there[name] = None
            self._remote.write(name, content)

    def _check_ahead(self, resume: Path) -> None:
        here, there = _steps(resume), self._steps_there()
        if there > here:
            raise UserError(
                f"{self.url}: expected a run of {here:,} steps as here, or fewer, got one of {there:,}; go on with"
                f" --resume {self.url}, or give another --checkpoint-url"
            )

    def _steps_there(self) -> int:
        """Steps of the latest checkpoint there; 0 where none is whole."""
        size = self._remote.sizes(_FOLDER).get(_LATEST)
        data = None if size is None else self._remote.read(_LATEST, size)
        with tempfile.TemporaryDirectory(prefix="soleus-") as folder, suppress(UserError):
            file = Path(folder) / checkpoint.LATEST
            file.write_bytes(data or b"")
            return _steps(file)
        return 0

    def release(self) -> None:
        """Undo what claim() wrote, since the run did not start: another may be under way at a place that is not new."""
        with suppress(UserError):
            for name in self._there if self._new else ():
                self._remote.remove(name)
            if self._former is not None and _OWNER in self._there:
                self._remote.write(_OWNER, self._former)

    def push(self, patient: bool = False) -> None:
        """Copy all files that have changed. Raises UserError where one could not be written; the next call tries again.

        patient: first wait for an operation that an earlier failure has left unfinished. Raises TakenOver where another
        process has claimed the place since.
        """
        if patient:
            self._remote.settle()
        owner = self._remote.read(_OWNER, 0)
        if owner is not None and owner != self._mine:
            who = owner.decode(errors="replace").partition("\n")[0]
            raise TakenOver(f"{self.url}: expected no other run to write there, but {who} goes on with this one")
        moments = [f"{_FOLDER}/step-{steps}.pt" for steps in checkpoint.moments(self.folder)]
        index = read_index(self.folder)
        for name in _in_order([] if index is None else [*copies(index), INDEX], moments):
            file = self.folder / name
            if not file.is_file():
                continue
            facts = file.stat()
            signature = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
            if self._there.get(name) != signature:
                self._remote.write(name, file.read_bytes())
                self._there[name] = signature
        for name in [one for one in self._there if "/step-" in one and one not in moments]:
            with suppress(UserError):  # one too many does no harm
                self._remote.remove(name)
            del self._there[name]


def _steps(file: Path) -> int:
    return int(checkpoint.read(file)["counters"]["steps"])


def fetch(url: str, folder: Path) -> Path:
    """Copy a run into a new folder, whole or not at all; return the checkpoint that the URL names, or the latest.

    url: of a run, or of a checkpoint file in one. Raises UserError where there is none, or a folder that is in use.
    """
    root, wanted = split(url)
    remote = Remote(root)
    sizes = remote.sizes()
    if _CONFIG not in sizes:
        got = "something else" if sizes else "nothing"
        raise UserError(f"{root}: expected a run (with config.yaml), got {got}")
    sizes |= remote.sizes(_FOLDER)
    if _LATEST not in sizes:
        raise UserError(f"{root}: expected a run with {_LATEST}, got one without a checkpoint")
    moments = (name for name in sorted(sizes) if name.startswith(f"{_FOLDER}/step-") and name.endswith(".pt"))
    check_new(folder)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        new = beside / folder.name
        (new / _FOLDER).mkdir(parents=True)
        for name in reversed(_in_order(_inputs_at(remote), moments)):
            data = remote.read(name, sizes.get(name, 0))  # it may have come since they were listed
            if data is not None:
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                write_bytes(new / name, data)
        put_in_place(new, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder / _FOLDER / wanted


def _inputs_at(remote: Remote) -> list[str]:
    """Return the inputs of a run there, their index among them."""
    data = remote.read(INDEX, 0)
    if data is None:
        return []  # of a run from before runs kept them
    try:
        return [*copies(parse_index(data)), INDEX]
    except ValueError:
        raise UserError(f"{remote.url}/{INDEX}: expected the index of a run's inputs, got another file") from None


def split(url: str) -> tuple[str, str]:
    """Return the URL of a run and the name of a checkpoint of it, for the URL of either."""
    url = url.rstrip("/")
    if not url.endswith(".pt"):
        return url, checkpoint.LATEST
    folder, _, name = url.rpartition("/")
    root, _, last = folder.rpartition("/")
    if last != _FOLDER:
        raise UserError(f"{url}: expected a checkpoint in a run's {_FOLDER}/")
    return root, name


@cache
def _fetched(url: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="soleus-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root, _ = split(url)
    file = fetch(url, folder / (root.rpartition("/")[2] or "run"))
    return file if url.rstrip("/").endswith(".pt") else file.parent.parent


def local_copy(run: str) -> Path:
    """Return the path of a run or of a checkpoint file.

    One at a URL is fetched once, to a folder that is removed when this process ends. Raises UserError where there is
    none.
    """
    return _fetched(run) if is_url(run) else Path(run)
