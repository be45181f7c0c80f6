"""Promise 5: no interpreter lock is held during a rollout, and there are no more threads than asked for."""

import threading
import time
from pathlib import Path

import pytest
from native import body, rollout, simulation

from soleus.simulation import Buffers


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_python_goes_on_during_a_rollout():
    made = simulation(body(), humans=16, threads=1)
    buffers = Buffers(made, 200, samples=False)
    made.core.reset(0, buffers["observations"][0])
    ticks, stop = [], threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    other = threading.Thread(target=tick, daemon=True)
    other.start()
    start = time.perf_counter()
    buffers.run(made, with_policy=True)
    end = time.perf_counter()
    stop.set()
    other.join()
    inside = [at for at in ticks if start < at < end]
    assert end - start > 0.1, "the rollout is too short to tell"
    assert len(inside) > 20


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads through /proc")
def test_no_more_threads_than_asked_for():
    loaded = body()
    before = _threads()
    made = simulation(loaded, humans=12, threads=5)
    rollout(made, steps=2)
    assert _threads() - before == 4, "the caller's thread is one of the five"
    del made
    assert _threads() == before


def test_a_second_caller_is_refused_not_raced_with():
    made = simulation(body(), humans=16, threads=1)
    buffers = Buffers(made, 200, samples=False)
    made.core.reset(0, buffers["observations"][0])
    rolling = threading.Thread(target=lambda: buffers.run(made, with_policy=True), daemon=True)
    rolling.start()
    time.sleep(0.05)
    with pytest.raises(ValueError, match="a rollout is in progress"):
        made.save()
    rolling.join()
    made.save()
