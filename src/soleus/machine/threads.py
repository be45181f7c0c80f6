"""How many threads collect and learn, and how they wait."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from soleus.machine.cpus import available_cpus

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""What libraries read their number of threads from, when they are imported."""


def collector_threads(asked: int | None) -> int:
    """Return the number of threads for a collector: as asked, or the CPUs there are; warn of more than those."""
    cpus = available_cpus()
    if asked is None:
        return cpus
    if asked > cpus:
        print(f"warning: {asked} threads asked for, but this process may use {cpus} CPUs", file=sys.stderr)
    return asked


def set_learner_threads(asked: int | None, collector: int) -> int:
    """Set torch's threads, by default as many as the collector's: the two take turns and never run at once."""
    import torch  # here alone: stepping environments takes no torch

    count = asked or min(collector, available_cpus())
    torch.set_num_threads(count)
    return count


@contextmanager
def computing_with(count: int) -> Iterator[None]:
    """While it lasts, torch splits operations of this thread over so many."""
    import torch

    outside = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(outside)


def wait_asleep() -> None:
    """Let torch's threads sleep when they wait, not spin; has to come before torch is imported.

    Spinning threads take CPUs from the collector's pool, and from whoever else is on the machine: there a learner of
    two threads came down to a tenth of its speed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
