"""Machines come and go: rounds are shorter meanwhile, nothing hangs, and nothing is left where the run is gone."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray")

from own_process import SOLEUS
from ray_machines import HUMANS, STEPS, actors, below, config, give_weights, machines, on_ray, until
from soleus.collect.base import CollectorFailed
from soleus.collect.native import NativeCollector
from soleus.collect.ray import pool as ray_pool
from soleus.collect.ray.actor import HumanActor
from soleus.run.log import read_metrics


def train(run: Path, address: str, *arguments: str) -> list[str]:
    return [
        *("train", "test-walk2d-small", "--collector", "ray", "--ray-address", address, "--num-collectors", "2"),
        *("--run-dir", str(run), "--train.eval_episodes", "1", *arguments),
    ]


@pytest.fixture(scope="module")
def two_machines() -> Iterator[str]:
    with machines(2) as made:
        yield made.address


@pytest.fixture
def cluster(two_machines: str) -> str:
    """Address of two machines with one CPU each, on which no actor of another test is left."""
    until(lambda: not actors())
    return two_machines


def test_a_lost_actor_is_left_out_and_replaced(cluster: str, capfd: pytest.CaptureFixture[str]) -> None:
    made = on_ray(cluster)
    try:
        give_weights(made)
        made.collect()
        known = made.state()
        os.kill(actors()[0], signal.SIGKILL)
        batch = made.collect()
        assert batch.valid is not None
        assert batch.steps == HUMANS * STEPS // 2
        assert batch.stats["collectors"] == 1
        assert batch.stats["envs_left_out"] == HUMANS // 2
        lost = ~batch.valid
        assert (lost.all(0) | batch.valid.all(0)).all(), "humans are there for all steps or for none"
        for array in (batch.observations[:-1], batch.actions, batch.rewards, batch.log_probs):
            assert not array[lost].any()
        left_out = lost.all(0)
        for name, array in made.state().items():
            np.testing.assert_array_equal(array[left_out], known[name][left_out], err_msg=name)
            assert (array[~left_out] != known[name][~left_out]).any()
        until(lambda: made.collect().valid is None)
        assert "warning: collector " in capfd.readouterr().err
    finally:
        made.close()
    until(lambda: not actors())


def test_the_third_failure_ends_it(cluster: str) -> None:
    made = on_ray(cluster, collectors=1)
    try:
        give_weights(made)
        for _ in range(2):
            os.kill(actors()[0], signal.SIGKILL)
            assert made.collect().valid is None, "a round without anybody is collected again"
        os.kill(actors()[0], signal.SIGKILL)
        with pytest.raises(CollectorFailed, match="that makes 3 failures of collectors within 600 s"):
            made.collect()
    finally:
        made.close()


def test_actors_that_do_not_come_up_are_failures(cluster: str, capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(HumanActor):
        def __init__(self) -> None:
            raise ImportError("no such package there")

    made = on_ray(cluster, parallel__max_lag=1)
    try:
        give_weights(made)
        made.collect()
        made.actors._actor = Broken
        os.kill(actors()[0], signal.SIGKILL)

        with pytest.raises(CollectorFailed, match="no such package there; that makes 3 failures"):
            until(lambda: made.collect() is None)
    finally:
        made.close()
    assert capfd.readouterr().err.count("no such package there") == 2


def test_no_answer_is_a_failure(cluster: str) -> None:
    made = on_ray(cluster, collectors=1, parallel__round_timeout="2s", parallel__max_failures=1)
    try:
        give_weights(made)
        stopped = actors()[0]
        os.kill(stopped, signal.SIGSTOP)
        with pytest.raises(CollectorFailed, match="gave no answer within 2 s; that makes 1"):
            made.collect()
    finally:
        made.close()
        os.kill(stopped, signal.SIGKILL)


def test_a_straggler_is_left_out_and_comes_back(cluster: str) -> None:
    made = on_ray(cluster, parallel__straggler_deadline="1s")
    try:
        give_weights(made)
        made.collect()
        slow = actors()[0]
        os.kill(slow, signal.SIGSTOP)
        known = made.state()
        for _ in range(2):
            batch = made.collect()
            assert batch.steps == HUMANS * STEPS // 2
            assert (batch.stats["collectors"], batch.stats["late"], batch.stats["failures"]) == (1, 1, 0)
        assert batch.valid is not None
        out = ~batch.valid[0]
        np.testing.assert_array_equal(made.state()["humans"][out], known["humans"][out])
        os.kill(slow, signal.SIGCONT)
        until(lambda: made.collect().valid is None)
    finally:
        made.close()


def test_an_actor_lost_while_the_learner_learns_is_left_out(cluster: str) -> None:
    """With max_lag 1 its round is under way, or asked for next: one round lacks it, and its humans go on after that."""
    made = on_ray(cluster, parallel__max_lag=1)
    try:
        give_weights(made)
        made.collect()
        give_weights(made, seed=2)
        os.kill(actors()[0], signal.SIGKILL)
        batch, seed = made.collect(), 3
        while batch.valid is None and seed < 6:  # it had done its part of that round by then
            give_weights(made, seed=seed)
            batch, seed = made.collect(), seed + 1
        assert batch.valid is not None
        assert (batch.steps, batch.lag) == (HUMANS * STEPS // 2, 1)
        lost = ~batch.valid
        assert (lost.all(0) | batch.valid.all(0)).all(), "humans are there for all steps or for none"
        for array in (batch.observations[:-1], batch.actions, batch.rewards, batch.log_probs):
            assert not array[lost].any()
            assert array[batch.valid].any()
        until(lambda: made.collect().valid is None)
    finally:
        made.close()
    until(lambda: not actors())


@pytest.mark.slow  # 60,000 steps, so that an actor comes back meanwhile
def test_a_run_survives_an_actor_lost_while_it_learns(cluster: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    training = start(train(run, cluster, "--max-lag", "1", "--steps", "60000"))
    try:
        until(lambda: training.poll() is not None or len(read_metrics(run)) >= 3)
        os.kill(actors()[0], signal.SIGKILL)
        _, error = training.communicate(timeout=300)
    finally:
        training.kill()
    assert training.returncode == 0, error
    until(lambda: not actors())
    rows = [row for row in read_metrics(run) if "collect/collectors" in row]
    assert json.loads((run / "summary.json").read_text())["steps"] >= 60000
    assert {row["collect/collectors"] for row in rows} == {1, 2}
    assert rows[-1]["collect/collectors"] == 2
    assert rows[-1]["collect/failures"] == 1, error
    assert all(row["collect/lag"] == 1 for row in rows[1:])


@pytest.mark.slow  # a cluster of its own, and 60,000 steps, so that a machine goes and another comes
def test_a_run_survives_a_machine(tmp_path: Path) -> None:
    """One of two nodes is killed on the way, and one joins later: the run goes on with those that there are."""
    run = tmp_path / "run"
    with machines(1) as cluster:
        node = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        training = start(train(run, cluster.address, "--duration", "10m"))
        try:
            until(lambda: training.poll() is not None or len(read_metrics(run)) >= 3)
            cluster.remove_node(node, allow_graceful=False)
            until(lambda: training.poll() is not None or read_metrics(run)[-1].get("collect/collectors") == 1)
            cluster.add_node(num_cpus=1)
            until(lambda: training.poll() is not None or read_metrics(run)[-1].get("collect/collectors") == 2)
            training.send_signal(signal.SIGINT)
            _, error = training.communicate(timeout=300)
        finally:
            training.kill()
        assert training.returncode == 0, error
    rows = [row for row in read_metrics(run) if "collect/collectors" in row]
    assert json.loads((run / "summary.json").read_text())["steps"] == rows[-1]["time/steps"]
    assert {row["collect/collectors"] for row in rows} == {1, 2}
    assert rows[-1]["collect/collectors"] == 2, "the machine that joined is used"
    assert rows[-1]["collect/failures"] == 1, error
    short = [row for row in rows if row["collect/collectors"] == 1]
    assert all(row["collect/envs_left_out"] == 4 for row in short)


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SOLEUS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_driver_leaves_no_actor(cluster: str, tmp_path: Path) -> None:
    run = start(train(tmp_path / "run", cluster, "--duration", "10m"))
    try:
        until(lambda: len(actors()) == 2 and (tmp_path / "run/metrics.jsonl").is_file())
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.communicate(timeout=300)
    until(lambda: not actors())


@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL],  # each starts a Ray; the harder one remains
    ids=str,
)
def test_a_run_of_its_own_ray_leaves_nothing(how: Any, tmp_path: Path) -> None:
    run = start(train(tmp_path / "run", "local", "--duration", "10m"))
    metrics = tmp_path / "run/metrics.jsonl"
    until(lambda: run.poll() is not None or (metrics.is_file() and metrics.stat().st_size))
    working, there = actors(run.pid), below(run.pid)
    assert len(working) == 2
    if how is signal.SIGINT:
        os.killpg(run.pid, how)  # as a terminal does
    else:
        os.kill(run.pid, how)
    out, error = run.communicate(timeout=300)
    if how is signal.SIGINT:
        assert (run.returncode, error) == (0, "")
        assert "stopped early; go on with: soleus train --resume" in out
    # Where nobody could tell Ray to stop, some helpers of its own take another minute to find out.
    until(lambda: not any(is_running(pid) for pid in (working if how is signal.SIGKILL else there)))


@pytest.mark.slow  # a cluster of its own, on which all collectors start three times
def test_collectors_follow_the_machines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Two share a machine until another joins, and again when it is gone: the humans notice nothing."""
    monkeypatch.setattr(ray_pool, "FIT_SECONDS", 0.0)
    native = NativeCollector(config(), 1)
    with machines(1, cpus=2) as cluster:
        made = on_ray(cluster.address)

        def nodes() -> int:
            whole, batch = native.collect(), made.collect()
            assert batch.valid is None
            np.testing.assert_array_equal(whole.observations, batch.observations)
            return len({one.facts.node for one in made.actors.pooled if one.facts})

        try:
            give_weights(native, made)
            assert (nodes(), made.actors.cpus) == (1, 1)
            node = cluster.add_node(num_cpus=2)
            cluster.wait_for_nodes()
            until(lambda: nodes() == 2)
            assert made.actors.cpus == 2
            assert "the machines have changed: 2 CPUs for each collector, before 1" in capsys.readouterr().out
            known = made.state()
            cluster.remove_node(node, allow_graceful=False)
            until(lambda: made.collect().valid is None and made.actors.cpus == 1)
            assert len({one.facts.node for one in made.actors.pooled if one.facts}) == 1
            assert (made.state()["humans"] != known["humans"]).any(1).all()
        finally:
            made.close()
