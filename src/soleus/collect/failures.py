"""How often workers, or collectors on Ray, may fail before a run ends."""

import sys
import time
from collections import deque

from soleus.collect.base import CollectorFailed
from soleus.config import ParallelConfig


class Failures:
    """Counts failures; parallel.max_failures of them within parallel.failure_window end the run."""

    def __init__(self, parallel: ParallelConfig, of: str) -> None:
        """of: who fails, in words for the message, such as "workers"."""
        self._parallel, self._of = parallel, of
        self._times: deque[float] = deque()

    def count(self, said: str, trace: str = "") -> None:
        """Print what failed, after its traceback. Raises CollectorFailed if it is one failure too many."""
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
