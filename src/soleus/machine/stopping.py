"""What asks a run to stop, from outside: Ctrl-C, SIGTERM, a closed terminal, an output that cannot be written."""

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GONE = (errno.EPIPE, errno.EIO)  # of a pipe without a reader, of a terminal that was closed


class Asked(KeyboardInterrupt):
    """Raised by what hears a signal: somebody asked for an end at once."""


def let_through(error: BaseException) -> None:
    """Raise an interrupt that somebody asked for again; one that code of a user raises by itself is an error of it."""
    python_hears = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if isinstance(error, Asked) or (isinstance(error, KeyboardInterrupt) and python_hears):
        raise error


@contextmanager
def on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop`, in the main thread, for each signal that asks to end.

    SIGHUP stays ignored where it is, as under nohup. In another thread than the main one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = [number for number in _SIGNALS if not (nohup and number == signal.SIGHUP)]
    before = {number: signal.signal(number, lambda number, frame: stop()) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_unread(error: OSError) -> bool:
    """Whether an output that could not be written is one whose reader has gone, as with `| head -1`."""
    return error.errno in _GONE


class _Guarded:
    """A stream of text that may come to take no more: what is written then goes nowhere, and `lost` is called, once."""

    def __init__(self, stream: TextIO, lost: Callable[[OSError], None]) -> None:
        self._stream, self._lost, self._is_lost = stream, lost, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._until_lost():
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._until_lost():
            self._stream.flush()

    @contextmanager
    def _until_lost(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with suppress(OSError, ValueError):  # the interpreter flushes once more at its end
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
            if not self._is_lost:
                self._is_lost = True
                self._lost(error)


@contextmanager
def guarded_output(lost: Callable[[OSError], None] = lambda error: None) -> Iterator[None]:
    """While it lasts, standard output and standard error that cannot be written end nothing: `lost` is told why.

    lost: of standard output alone. Without this a run would die of its progress where `| head -1` or a closed terminal
    reads no further, or where the disk is full.
    """
    before = sys.stdout, sys.stderr
    sys.stdout = _Guarded(sys.stdout, lost)
    sys.stderr = _Guarded(sys.stderr, lambda error: None)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
