"""Environments that do not return: a warning names them after a while, and parallel.round_timeout ends the wait."""

import signal
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from soleus.collect.base import CollectorFailed

PATIENCE = 15.0
"""[s] without a sign of life, after which the environment that everybody waits for is named."""
_LOOKS = 0.5  # [s] from one look to the next

Place = npt.NDArray[np.int64]


class Stillness:
    """How long Rollout.place has not changed [s]. It changes with every step, however slow."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.begin()

    def begin(self) -> None:
        """Start to count."""
        self._seen, self._since, self.said = self._place.tolist(), time.monotonic(), False

    def seconds(self) -> float:
        """Return how long it has not changed until now."""
        if self._place.tolist() != self._seen:
            self.begin()
        return time.monotonic() - self._since


def warn(said: str) -> None:
    """Print a warning on the standard error stream."""
    sys.stdout.flush()
    print(f"warning: {said}", file=sys.stderr, flush=True)


class Watch:
    """Looks, while environments are stepped in this very thread, whether they still return.

    One that does not is named. At the deadline the thread is interrupted by SIGTERM, where somebody hears it, and
    CollectorFailed is raised in the place of whatever that raises.
    """

    def __init__(self, place: Place, subject: str, timeout: float, first: int = 0) -> None:
        """first: number of the first environment among all."""
        self._first = first
        self._still, self._place, self._subject, self._timeout = Stillness(place), place, subject, timeout
        self._over = threading.Event()
        self.hung: str | None = None

    def __enter__(self) -> Self:
        self._still.begin()
        self._thread = threading.Thread(target=self._look, daemon=True, name="watch-environments")
        self._in_main = threading.current_thread() is threading.main_thread()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if error is not None and self.hung:
            raise CollectorFailed(self.hung) from None

    def _look(self) -> None:
        while not self._over.wait(_LOOKS):
            seconds = self._still.seconds()
            if seconds < min(PATIENCE, self._timeout):
                continue
            env = int(self._place[1])
            which = f"environment {self._first + env}" if env >= 0 else "one of its environments"
            if not self._still.said:
                self._still.said = True
                warn(f"{self._subject}: {which} has not returned for {seconds:.0f} s; everything waits for it")
            if seconds >= self._timeout:
                self.hung = f"{self._subject}: {which} has not returned for {self._timeout:g} s"
                _interrupt(self._in_main)
                return


def _interrupt(in_main: bool) -> None:
    heard: Any = signal.getsignal(signal.SIGTERM)
    main = threading.main_thread().ident
    if in_main and callable(heard) and main is not None:
        signal.pthread_kill(main, signal.SIGTERM)
