"""How often those who collect may fail before a run ends."""

import sys
import time
from collections import deque

from soleus.collect.base import CollectorFailed
from soleus.config import ParallelConfig


class Failures:
    """Counts failures, and ends it at parallel.max_failures within parallel.failure_window."""

    def __init__(self, parallel: ParallelConfig, of: str) -> None:
        """of: whose failures they are, in words."""
        self._parallel, self._of = parallel, of
        self._times: deque[float] = deque()

    def count(self, said: str, trace: str = "") -> None:
        """Say what failed, after a traceback. Raises CollectorFailed where it is one failure too many."""
        sys.stdout.flush()
        print(f"{trace}warning: {said}", file=sys.stderr, flush=True)
        window, now = self._parallel.failure_window, time.monotonic()
        self._times.append(now)
        while now - self._times[0] > window:
            self._times.popleft()
        number = len(self._times)
        if number >= self._parallel.max_failures:
            s = "s" * (number > 1)
            raise CollectorFailed(f"{said}; that makes {number} failure{s} of {self._of} within {window:g} s")
