"""Rounds from processes: the same as in one, and what becomes of workers that fail."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rounds import ENV, config_of, ready, same
from soleus.collect.base import CollectorFailed
from soleus.collect.processes.workers import WorkersCollector
from soleus.config.resolve import share_out
from soleus.errors import UserError


def workers(env: Any = ENV, **overrides: Any) -> tuple[WorkersCollector, Any]:
    given = {"parallel__collector": "workers", "parallel__num_workers": 2, **overrides}
    collector, ppo = ready(config_of(env, **given))
    assert isinstance(collector, WorkersCollector)
    return collector, ppo


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[WorkersCollector, Any]]:
    """Two workers that nothing happens to: each starts for a second or two."""
    long = {"id": ENV, "options": {"length": 50}}
    how = {"parallel__threads_per_worker": 1, "parallel__pin_workers": True}
    collector, ppo = workers(long, train__rollout_steps=2000, **how)
    yield collector, ppo
    collector.close()


def test_environments_are_shared_out_evenly() -> None:
    assert share_out(10, 4) == [(0, 2), (2, 3), (5, 2), (7, 3)]
    assert share_out(4, 4) == [(i, 1) for i in range(4)]


@pytest.mark.parametrize("count", [1, 2])
def test_workers_collect_what_one_process_does(count: int) -> None:
    """Random numbers go by the environment, whoever steps it. Of one worker that is the same bits; where several share
    the environments, networks see smaller batches and may round otherwise."""
    collector, ppo = workers("gymnasium:CartPole-v1", parallel__num_workers=count)
    inline, _ = ready(config_of("gymnasium:CartPole-v1"))
    try:
        for _ in range(3):
            batch, whole = collector.collect(), inline.collect()
            same(batch, whole, *(["log_probs"] if count > 1 else []))
            np.testing.assert_allclose(batch.log_probs, whole.log_probs, atol=1e-5)
            ppo.learn(batch)
            for one in (collector, inline):
                one.load_policy(ppo.policy_state())
    finally:
        collector.close()


def test_another_thread_goes_on_while_workers_collect(two: tuple[WorkersCollector, Any]) -> None:
    collector, _ = two
    ticks, over = [], threading.Event()

    def tick() -> None:
        while not over.wait(0.01):
            ticks.append(1)

    other = threading.Thread(target=tick)
    other.start()
    start = time.monotonic()
    collector.collect()
    took = time.monotonic() - start
    over.set()
    other.join()
    assert len(ticks) > 0.3 * took / 0.01


@pytest.mark.parametrize(
    ("how", "said"),
    [("raise", "ValueError: asked to fail"), ("kill", "killed by SIGKILL")],
)
def test_a_worker_that_fails_is_named_replaced_and_its_round_discarded(
    how: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    request = tmp_path / "fail"
    collector, ppo = workers({"id": ENV, "options": {"fail": str(request), "length": 3}})
    try:
        collector.collect()
        before = collector.pids
        request.write_text(how)
        batch = collector.collect()
        error = capfd.readouterr().err
        assert batch.valid is not None
        lost = [bool(~batch.valid[:, columns].any()) for columns in (slice(0, 2), slice(2, 4))]
        assert sorted(lost) == [False, True]
        worker = lost.index(True)
        assert f"warning: worker {worker} (process {before[worker]}) failed in environment" in error
        assert f"of {ENV}: {said}" in error
        assert ("fail_on_request" in error) == (how == "raise"), "the traceback"
        assert batch.stats["failures"] == 1
        assert np.isfinite(ppo.learn(batch)["ppo/policy_loss"])
        after = collector.collect()
        assert after.valid is None
        assert after.observations[0, 2 * worker : 2 * worker + 2, 0].tolist() == [0, 0], "it restarted"
        assert collector.pids[worker] != before[worker]
        assert collector.pids[1 - worker] == before[1 - worker]
    finally:
        collector.close()


def test_a_round_without_any_worker_is_collected_again_until_too_many_failures_end_it(tmp_path: Path) -> None:
    request = tmp_path / "fail"
    env = {"id": ENV, "options": {"fail": str(request)}}
    collector, _ = workers(env, parallel__num_workers=1, parallel__max_failures=2)
    request.write_text("raise")
    batch = collector.collect()
    assert batch.valid is None
    assert batch.stats["failures"] == 1
    request.write_text("kill")
    with pytest.raises(CollectorFailed, match=r"killed by SIGKILL; that makes 2 failures of workers within 600 s"):
        collector.collect()
    collector.close()


def test_workers_that_cannot_start_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"env.id: .* NameNotFound"):
        workers("gymnasium:NoSuch-v0")


def test_weights_have_versions(two: tuple[WorkersCollector, Any]) -> None:
    collector, ppo = two
    collector.collect()
    version = int(collector.shared["version"][0])
    collector.load_policy(ppo.policy_state())
    assert collector.shared["version"][0] == version + 1
    np.testing.assert_array_equal(collector.shared["weights"], ppo.policy_state().flat)
    bad = {name: array.copy() for name, array in ppo.policy_state().items()}
    bad["net.0.bias"][0] = np.inf
    with pytest.raises(UserError, match="policy: expected finite values"):
        collector.load_policy(bad)
    assert collector.shared["version"][0] == version + 1


def test_workers_compute_with_the_threads_asked_for(two: tuple[WorkersCollector, Any]) -> None:
    collector, _ = two
    for pid in collector.pids:
        variables = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        assert "OMP_NUM_THREADS=1" in variables
        allowed = next(
            line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "Cpus_allowed_list" in line
        )
        assert len(os.sched_getaffinity(pid)) == 1, allowed
    collector.collect()


def test_a_worker_does_not_hear_ctrl_c(two: tuple[WorkersCollector, Any]) -> None:
    collector, _ = two
    before = collector.pids
    for pid in before:
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
    assert collector.collect().valid is None
    assert collector.pids == before
