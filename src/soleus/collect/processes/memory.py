"""Arrays that processes share, in memory without a name.

Memory without a name cannot be left behind: it is freed with the last process that maps it, also after a SIGKILL, and
it is not bounded by the size of /dev/shm, which containers keep at 64 MB. Pages are allocated when they are written:
reserving room for every observation that might be an episode's last costs nothing.
"""

import mmap
import os
import tempfile
from collections.abc import Mapping
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np
import numpy.typing as npt

NAME = "soleus"
"""What the memory is called where the system lists what a process maps; no name that anybody could open."""

_ALIGNMENT = 64  # [bytes] a cache line: two processes never write into the same one

Table = Mapping[str, tuple[tuple[int, ...], Any]]
"""Shape and dtype of every array by its name."""


def _file(size: int) -> int:
    """Return a descriptor of nameless memory."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create(NAME)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class SharedArrays(Mapping[str, npt.NDArray[Any]]):
    """Arrays by name, zero at first, in one piece of memory. Sent to a process being spawned, they are shared."""

    def __init__(self, table: Table, descriptor: int | None = None) -> None:
        self.table = dict(table)
        offsets, end = {}, 0
        for name, (shape, dtype) in self.table.items():
            offsets[name] = end
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            end += -(-size // _ALIGNMENT) * _ALIGNMENT
        end = max(end, mmap.PAGESIZE)
        self._descriptor = _file(end) if descriptor is None else descriptor
        memory = mmap.mmap(self._descriptor, end)
        self._arrays: dict[str, npt.NDArray[Any]] = {
            name: np.frombuffer(memory, dtype, int(np.prod(shape)), offsets[name]).reshape(shape)
            for name, (shape, dtype) in self.table.items()
        }

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._arrays[name]

    def __iter__(self) -> Any:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __reduce__(self) -> Any:
        return _attach, (self.table, DupFd(self._descriptor))

    def close(self) -> None:
        """Close the descriptor; the memory is freed with the last array that is still in use."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._arrays = {}


def _attach(table: Table, sent: Any) -> SharedArrays:
    return SharedArrays(table, sent.detach())
