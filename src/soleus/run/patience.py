"""How long a run that was asked to stop waits for a round of its environments."""

import os
import signal
import sys
import threading
from types import TracebackType
from typing import Any, Self

from soleus.errors import UserError

GRACE = 5.0
"""[s] that a round of environments has to end by itself."""
_LAST = 3.0  # [s] more, after which whoever steps them is in code that hears nothing


class Patience:
    """Interrupts a round that goes on after a run was asked to stop: an environment might never return.

    A signal is handled between two steps of Python code, and interrupts a system call. If neither happens, as in native
    code that computes, another thread saves the run and ends the process.
    """

    def __init__(self, run: Any) -> None:
        self._run = run
        self._over = threading.Event()
        self._main = threading.main_thread().ident
        self._thread: threading.Thread | None = None
        self._knocked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def begin(self) -> None:
        """Start to wait."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._wait, daemon=True, name="stop-round")
            self._thread.start()

    def answers(self) -> bool:
        """Whether the signal that has just arrived was sent by this object; the round then has to be interrupted."""
        knocked, self._knocked = self._knocked, False
        return knocked

    def _wait(self) -> None:
        if self._over.wait(GRACE):
            return
        for _ in range(int(_LAST)):
            if not self._run.collecting or self._main is None:
                return
            self._knocked = True
            signal.pthread_kill(self._main, signal.SIGTERM)
            if self._over.wait(1.0):
                return
        if self._run.collecting:
            self._end()

    def _end(self) -> None:
        try:
            self._run.save()
            said = f"the run is saved, go on with: soleus train --resume {self._run.folder}"
        except UserError as error:
            said = str(error)
        print(f"error: expected environments to return within {GRACE + _LAST:g} s; {said}", file=sys.stderr, flush=True)
        os._exit(2)
