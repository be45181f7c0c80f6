"""A sweep on a Ray cluster: points of the grid as tasks of a CPU each."""

import math
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from soleus.collect.ray.actor import versions
from soleus.collect.ray.cluster import check_versions, import_ray, join, node_cpus
from soleus.config import ParallelConfig
from soleus.errors import UserError, described
from soleus.sweep.playing import Sweep
from soleus.sweep.rows import Table

_TASKS = 4  # for each CPU, so that none waits long for the last
_LEAST, _MOST = 8, 64  # points of a task: a lane each at least
_RETRIES = 2  # of a task whose machine is lost


def tables_on_ray(sweep: Sweep, points: Sequence[int], address: str) -> Iterator[tuple[int, Table]]:
    """Yield a table for each of some points of the grid, sorted, as Sweep.tables() does, as they come.

    address: as parallel.ray_address. Raises UserError where there is no such cluster, it has no CPUs, or a task fails.
    """
    ray = import_ray()
    try:
        joined = join(ParallelConfig(collector="ray", ray_address=address))
    except UserError as error:
        raise UserError(str(error).replace("parallel.ray_address", "--ray", 1)) from None
    pending: list[Any] = []
    try:
        cpus = sum(node_cpus().values())
        if not cpus:
            raise UserError(f"--ray: expected a cluster with CPUs, got one without any at {address}")
        subject, task = ray.put(sweep), ray.remote(num_cpus=1, max_retries=_RETRIES)(_walk)
        pending = [task.remote(subject, block) for block in _blocks(points, cpus)]
        while pending:
            (ready, *_), pending = ray.wait(pending, num_returns=1)
            try:
                host, theirs, tables = ray.get(ready)
            except ray.exceptions.RayError as error:
                raise UserError(f"--ray: expected every point to be walked, got {described(error)}") from None
            check_versions(versions(), theirs, host)
            yield from tables
    finally:
        for one in pending:
            ray.cancel(one, force=True)
        if joined:
            ray.shutdown()


def _blocks(points: Sequence[int], cpus: int) -> list[Sequence[int]]:
    size = min(max(math.ceil(len(points) / (_TASKS * cpus)), _LEAST), _MOST)
    return [points[first : first + size] for first in range(0, len(points), size)]


def _walk(sweep: Sweep, points: Sequence[int]) -> tuple[str, dict[str, str], list[tuple[int, Table]]]:
    """Walk at some points, on a machine of the cluster; return also which it is, and its versions of packages."""
    return socket.gethostname(), versions(), list(sweep.tables(points, 1))
