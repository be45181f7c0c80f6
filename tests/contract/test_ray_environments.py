"""Environments that are not ours on many machines: rounds as of one machine's workers; what becomes of failures."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip("ray")

from ray_machines import actors, below, machines, until
from rounds import ENV, config_of, ready, same
from soleus.cli import main
from soleus.collect.base import CollectorFailed
from soleus.collect.ray.collector import RayCollector
from soleus.errors import UserError
from soleus.learn.ppo import Ppo
from soleus.run.log import read_metrics


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "PYTHONPATH", f"{Path(__file__).parents[1] / 'support'}:{os.environ.get('PYTHONPATH', '')}"
        )  # counting_env
        with machines(2, cpus=2) as made:
            yield made


def on_ray(
    cluster: Any, env: Any = ENV, collectors: int = 2, workers: Any = 1, **overrides: Any
) -> tuple[RayCollector, Ppo]:
    """workers: of each collector. Each is a process that starts for a second or two."""
    collection = {
        "parallel__collector": "ray",
        "parallel__ray_address": cluster.address,
        "parallel__num_collectors": collectors,
        "parallel__num_workers": workers,
    }
    collector, ppo = ready(config_of(env, **collection, **overrides))
    assert isinstance(collector, RayCollector)
    return collector, ppo


@pytest.mark.parametrize(
    ("env", "collectors", "workers"),
    [
        ("gymnasium:CartPole-v1", 1, "auto"),
        ("gymnasium:Pendulum-v1", 2, 1),
        pytest.param("gymnasium:CartPole-v1", 2, "auto", marks=pytest.mark.slow),  # ten processes start
        pytest.param("gymnasium:CartPole-v1", 2, 1, marks=pytest.mark.slow),  # six processes start, as for Pendulum-v1
    ],
)
def test_machines_collect_what_the_workers_of_one_do(cluster: Any, env: str, collectors: int, workers: Any) -> None:
    """auto: as many workers as each collector has CPUs."""
    two, ppo = on_ray(cluster, env, collectors, workers)
    count = collectors * (2 if workers == "auto" else 1)
    one, _ = ready(config_of(env, parallel__collector="workers", parallel__num_workers=count))
    try:
        assert two.layout == one.layout
        for number in range(4):
            batch, whole = two.collect(), one.collect()
            same(batch, whole)
            assert batch.stats["collectors"] == collectors
            assert (batch.stats["failures"], batch.stats["envs_left_out"]) == (0, 0)
            assert 0 < batch.stats["acting_share"] < 1
            if number == 1:  # as a resume does: with new episodes, the same on both
                state = one.state()
                assert two.state() == state
                for collector in (one, two):
                    collector.load_state(state)
            ppo.learn(batch)
            for collector in (one, two):
                collector.load_policy(ppo.policy_state())
        assert len(two.pids) == collectors + count
    finally:
        one.close()
        two.close()
    until(lambda: not actors())


def test_images_come_back_whole(cluster: Any) -> None:
    """Last observations of episodes are the ones that travel apart from the others."""
    one, _ = on_ray(cluster, {"id": ENV, "options": {"seen": "image", "length": 3}}, collectors=1)
    try:
        batch = one.collect()
        done = batch.terminated | batch.truncated
        assert done.sum() == 4 * (8 // 3)
        assert batch.observations.dtype == np.uint8
        assert (batch.final_observations[done] == 3).all()
        assert batch.observations[1:3].any()
    finally:
        one.close()


def test_a_worker_that_is_lost_is_that_of_one_machine(cluster: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """It is left out and replaced there: the machine's other worker and its actor stay."""
    one, _ = on_ray(cluster, "gymnasium:CartPole-v1", collectors=1, workers=2)
    try:
        one.collect()
        (actor,) = actors()
        worker = next(pid for pid in below(actor) if pid in one.pids)
        os.kill(worker, signal.SIGKILL)
        batch = one.collect()
        assert batch.steps == 2 * 8
        assert (batch.stats["failures"], batch.stats["collectors"]) == (1, 1)
        assert one.collect().valid is None
        assert actors() == [actor]
    finally:
        one.close()
    error = capfd.readouterr().err
    assert "collector " in error
    assert "killed by SIGKILL" in error


def test_a_machine_that_is_lost_is_left_out_and_its_environments_start_anew(cluster: Any) -> None:
    two, _ = on_ray(cluster, "gymnasium:CartPole-v1")
    try:
        two.collect()
        os.kill(actors()[0], signal.SIGKILL)
        batch = two.collect()
        assert batch.valid is not None
        assert batch.steps == 2 * 8
        assert batch.stats["envs_left_out"] == 2
        until(lambda: two.collect().valid is None)
    finally:
        two.close()


def test_environments_that_fail_too_often_end_it(
    cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    request = tmp_path / "fail"
    env = {"id": ENV, "options": {"fail": str(request)}}
    one, _ = on_ray(cluster, env, collectors=1, parallel__max_failures=1)
    try:
        one.collect()
        request.write_text("raise")
        said = r"worker 0 .* failed in environment \d of .*: ValueError: asked to fail"
        with pytest.raises(CollectorFailed, match=r"^collector \d \(process \d+ on .*\): " + said) as caught:
            one.collect()
        assert str(caught.value).endswith("that makes 1 failure of workers within 600 s")
    finally:
        one.close()
    assert "in fail_on_request" in capfd.readouterr().err, "the traceback"


def test_environments_that_a_machine_cannot_make(cluster: Any) -> None:
    here = os.getpid()

    def make(**options: Any) -> Any:
        if os.getpid() != here:
            raise ImportError("no such package there")
        return gymnasium.make("CartPole-v1").unwrapped

    gymnasium.register("OnlyHere-v0", entry_point=make)
    with pytest.raises(UserError, match=r"gymnasium:OnlyHere-v0: ImportError: no such package there") as caught:
        on_ray(cluster, "gymnasium:OnlyHere-v0", collectors=1)
    assert "\n" not in str(caught.value)


def test_a_whole_training(cluster: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    collection = ["--collector", "ray", "--ray-address", cluster.address, "--num-workers", "1"]
    assert main(["train", "cartpole", *collection, "--steps", "512", "--run-dir", str(run)]) == 0
    assert read_metrics(run)[-1]
    told = json.loads((run / "summary.json").read_text())["parallel"]
    assert told == {"collector": "ray", "num_workers": 2, "num_envs_per_worker": 4}, "a collector a machine"
    assert main(["train", "--resume", str(run), "--collector", "workers", "--steps", "1024"]) == 0


def test_a_collector_that_makes_its_environments_for_ever_is_named(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soleus.collect.ray.pool.MAKE_SECONDS", 0.0)
    with pytest.raises(UserError, match=r"expected all 2 collectors to make .* within 0 s, but . still make them: .*"):
        on_ray(cluster)
    until(lambda: not actors())
