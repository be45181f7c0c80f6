import gc
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np

from soleus.collect.processes.memory import SharedArrays

TABLE: dict[str, Any] = {"floats": ((3, 4), np.float32), "bytes": ((5,), np.uint8), "none": ((0,), np.int64)}


def write(arrays: SharedArrays) -> None:
    arrays["floats"][1, 2] = 7
    arrays["bytes"][:] = 3


def test_a_spawned_process_writes_into_the_same_memory() -> None:
    arrays = SharedArrays(TABLE)
    assert not arrays["floats"].any()
    process = multiprocessing.get_context("spawn").Process(target=write, args=(arrays,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert arrays["floats"].sum() == arrays["floats"][1, 2] == 7
    assert arrays["bytes"].tolist() == [3] * 5
    arrays.close()


def test_arrays_do_not_share_cache_lines() -> None:
    arrays = SharedArrays({"a": ((1,), np.uint8), "b": ((1,), np.float64)})
    addresses = [arrays[name].__array_interface__["data"][0] for name in "ab"]
    assert addresses[1] - addresses[0] == 64


def test_nothing_is_left_in_the_file_system_or_among_the_descriptors() -> None:
    gc.collect()  # what other tests left
    names, descriptors = set(os.listdir("/dev/shm")), len(os.listdir("/proc/self/fd"))
    arrays = SharedArrays(TABLE)
    assert set(os.listdir("/dev/shm")) == names
    kept = arrays["floats"]
    arrays.close()
    kept[0, 0] = 1  # what is still held stays usable
    del kept, arrays
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_room_that_is_never_written_takes_no_memory() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1])

    before = resident()
    arrays = SharedArrays({"large": ((1 << 30,), np.uint8)})
    arrays["large"][0] = 1
    assert resident() - before < 2000
