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


def on_ray(cluster: Any, env: Any = ENV, **overrides: Any) -> tuple[RayCollector, Ppo]:
    collection = {"parallel__collector": "ray", "parallel__ray_address": cluster.address, "parallel__num_collectors": 2}
    collector, ppo = ready(config_of(env, **collection, **overrides))
    assert isinstance(collector, RayCollector)
    return collector, ppo


@pytest.mark.parametrize(
    ("env", "workers"),
    [
        ("gymnasium:CartPole-v1", "auto"),
        ("gymnasium:Pendulum-v1", 1),
        pytest.param("gymnasium:CartPole-v1", 1, marks=pytest.mark.slow),  # workers start on two machines, as for each
    ],
)
def test_machines_collect_what_the_workers_of_one_do(cluster: Any, env: str, workers: Any) -> None:
    """auto: as many workers as each collector has CPUs."""
    two, ppo = on_ray(cluster, env, parallel__num_workers=workers)
    count = 4 if workers == "auto" else 2
    one, _ = ready(config_of(env, parallel__collector="workers", parallel__num_workers=count))
    try:
        assert two.layout == one.layout
        for number in range(4):
            batch, whole = two.collect(), one.collect()
            same(batch, whole)
            assert batch.stats["collectors"] == 2
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
        assert len(two.pids) == 2 + count
    finally:
        one.close()
        two.close()
    until(lambda: not actors(), 20)


def test_images_come_back_whole(cluster: Any) -> None:
    """Last observations of episodes are the ones that travel apart from the others."""
    two, _ = on_ray(cluster, {"id": ENV, "options": {"seen": "image", "length": 3}})
    try:
        batch = two.collect()
        done = batch.terminated | batch.truncated
        assert done.sum() == 4 * (8 // 3)
        assert batch.observations.dtype == np.uint8
        assert (batch.final_observations[done] == 3).all()
        assert batch.observations[1:3].any()
    finally:
        two.close()


def test_a_worker_that_is_lost_is_that_of_one_machine(cluster: Any, capfd: pytest.CaptureFixture[str]) -> None:
    two, _ = on_ray(cluster, "gymnasium:CartPole-v1", parallel__num_workers=2)
    try:
        two.collect()
        worker = next(pid for actor in actors() for pid in below(actor) if pid in two.pids)
        os.kill(worker, signal.SIGKILL)
        batch = two.collect()
        assert batch.steps == 3 * 8
        assert (batch.stats["failures"], batch.stats["collectors"]) == (1, 2)
        assert two.collect().valid is None
    finally:
        two.close()
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
    two, _ = on_ray(cluster, env, parallel__max_failures=1, parallel__num_workers=1)
    try:
        two.collect()
        request.write_text("raise")
        said = r"worker 0 .* failed in environment \d of .*: ValueError: asked to fail"
        with pytest.raises(CollectorFailed, match=r"^collector \d \(process \d+ on .*\): " + said) as caught:
            two.collect()
        assert str(caught.value).endswith("that makes 1 failure of workers within 600 s")
    finally:
        two.close()
    assert "in fail_on_request" in capfd.readouterr().err, "the traceback"


def test_environments_that_a_machine_cannot_make(cluster: Any) -> None:
    here = os.getpid()

    def make(**options: Any) -> Any:
        if os.getpid() != here:
            raise ImportError("no such package there")
        return gymnasium.make("CartPole-v1").unwrapped

    gymnasium.register("OnlyHere-v0", entry_point=make)
    with pytest.raises(UserError, match=r"gymnasium:OnlyHere-v0: ImportError: no such package there") as caught:
        on_ray(cluster, "gymnasium:OnlyHere-v0")
    assert "\n" not in str(caught.value)


def test_a_whole_training(cluster: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    collection = ["--collector", "ray", "--ray-address", cluster.address]
    assert main(["train", "cartpole", *collection, "--steps", "2048", "--run-dir", str(run)]) == 0
    assert read_metrics(run)[-1]
    told = json.loads((run / "summary.json").read_text())["parallel"]
    assert told == {"collector": "ray", "num_workers": 2, "num_envs_per_worker": 4}, "a collector a machine"
    assert main(["train", "--resume", str(run), "--collector", "workers", "--steps", "4096"]) == 0
