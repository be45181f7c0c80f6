"""Promise 5: no interpreter lock is held during a rollout, and there are no more threads than asked for."""

import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from native import rollout, scenario, simulation

from soleus.sim.buffers import Buffers

STEPS = {"mujoco": 200, "lanes": 4000}  # of a rollout that takes a good part of a second


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_python_goes_on_during_a_rollout(engine):
    made = simulation(scenario(), humans=16, threads=1)
    buffers = Buffers(made, STEPS[engine], samples=False)
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
    loaded = scenario()
    before = _threads()
    made = simulation(loaded, humans=12, threads=5)
    rollout(made, steps=2)
    assert _threads() - before == 4, "the caller's thread is one of the five"
    del made
    assert _threads() == before


@pytest.mark.parametrize(
    "call",
    [
        lambda core: core.set_policy([3, 2], ["identity"]),
        lambda core: core.set_deterministic(True),
        lambda core: core.profile(True),
        lambda core: core.qpos(np.zeros((16, 9))),
        lambda core: core.save(np.zeros((16, core.state_size))),
        lambda core: core.reset(0, np.zeros((16, core.observation_size), np.float32)),
    ],
)
def test_a_second_caller_is_refused_not_raced_with(call, engine):
    made = simulation(scenario(), humans=16, threads=1)
    buffers = Buffers(made, STEPS[engine], samples=False)
    made.core.reset(0, buffers["observations"][0])
    rolling = threading.Thread(target=lambda: buffers.run(made, with_policy=True), daemon=True)
    rolling.start()
    time.sleep(0.03)
    with pytest.raises(ValueError, match="a rollout is in progress"):
        call(made.core)
    rolling.join()
    made.save()


def test_threads_that_the_system_does_not_give():
    code = """
import resource, sys
from soleus.config import load_config
from soleus.errors import UserError
from soleus.sim.simulation import Simulation
from soleus.sim.scenario import load_scenario
scenario = load_scenario(load_config("walk2d"))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))
try:
    Simulation(scenario, 30, 30, 0)
except (UserError, MemoryError) as error:
    print("refused:", error)
"""
    large = 128 * 2**20  # of each thread's stack: few of them fill what is left

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_STACK, (large, resource.getrlimit(resource.RLIMIT_STACK)[1]))

    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=limited)
    assert result.stdout.startswith("refused: walk2d: expected the system to give 30 threads"), result.stderr
