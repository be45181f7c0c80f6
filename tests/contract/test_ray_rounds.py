"""On many machines the same Batch comes out as on one, bit for bit, and a run goes on on another number of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray")

from ray_machines import HUMANS, STEPS, config, give_weights, machines, on_ray
from soleus.cli import main
from soleus.collect.native import NativeCollector
from soleus.config import load_human_config
from soleus.exchange.batch import Batch
from soleus.run import checkpoint
from soleus.run.log import read_metrics
from soleus.training import make_collector

NETWORK = {"coordination__method": "network"}
FIGURES = ("diverged", "torque_residual", "torque_residual_static", "episode_distance_m", "effort", "metabolic_w_kg")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with machines(2) as made:
        yield made


def assert_same(a: Batch, b: Batch) -> None:
    assert a.valid is None
    assert b.valid is None
    for name in ("observations", "actions", "log_probs", "rewards", "terminated", "truncated"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    done = a.terminated | a.truncated
    np.testing.assert_array_equal(a.final_observations[done], b.final_observations[done])
    np.testing.assert_array_equal(a.episode_returns, b.episode_returns)
    np.testing.assert_array_equal(a.episode_lengths, b.episode_lengths)
    assert a.terms == b.terms
    for name in FIGURES:
        assert a.stats.get(name) == b.stats.get(name), name
    assert (a.muscle is None) == (b.muscle is None)
    if a.muscle and b.muscle:
        for name, array in vars(a.muscle).items():
            np.testing.assert_array_equal(array, getattr(b.muscle, name), err_msg=name)


@pytest.mark.parametrize("overrides", [{}, NETWORK], ids=["static_optimization", "network"])
def test_two_machines_give_the_batch_of_one(cluster: Any, overrides: dict[str, Any]) -> None:
    one = NativeCollector(config(**overrides), 2)
    two = on_ray(cluster.address, **overrides)
    try:
        assert len({member.facts.node for member in two.actors.pooled if member.facts}) == 2
        ended = 0
        for seed in range(3):
            give_weights(one, two, seed=seed)
            first, second = one.collect(), two.collect()
            assert_same(first, second)
            ended += len(first.episode_returns)
            assert second.stats["collectors"] == 2
            assert (first.muscle is not None) == bool(overrides)
        assert ended, "some episodes ended"
    finally:
        two.close()


def test_uneven_parts_give_the_batch_of_one(cluster: Any) -> None:
    one = NativeCollector(config(train__num_envs=5), 1)
    two = on_ray(cluster.address, train__num_envs=5)
    try:
        give_weights(one, two)
        for _ in range(2):
            assert_same(one.collect(), two.collect())
    finally:
        two.close()


def test_a_run_goes_on_on_another_number_of_machines(cluster: Any) -> None:
    two = on_ray(cluster.address)
    try:
        give_weights(two)
        two.collect()
        state = two.state()
        give_weights(two, seed=5)
        expected = two.collect()
        native = NativeCollector(config(), 1)
        native.load_state(state)
        give_weights(native, seed=5)
        assert_same(native.collect(), expected)
        again = two.state()
        for name, array in native.state().items():
            np.testing.assert_array_equal(array, again[name])
    finally:
        two.close()
    one = on_ray(cluster.address, collectors=1)
    try:
        one.load_state(state)
        give_weights(one, seed=5)
        assert_same(one.collect(), expected)
        assert expected.steps == HUMANS * STEPS
    finally:
        one.close()


def test_a_lag_of_one_collects_with_the_weights_before(cluster: Any) -> None:
    one, two = NativeCollector(config(), 1), on_ray(cluster.address, parallel__max_lag=1)
    try:
        lags, states = [], []
        for seed in range(4):
            give_weights(one, seed=max(seed - 1, 0))
            give_weights(two, seed=seed)
            batch = two.collect()
            assert_same(one.collect(), batch)
            lags.append(batch.stats["lag"])
            states.append(two.state())
    finally:
        two.close()
    assert lags == [0, 1, 1, 1]
    again = on_ray(cluster.address, collectors=1, parallel__max_lag=1)
    try:
        again.load_state(states[2])
        give_weights(again, seed=3)
        assert_same(again.collect(), batch)
    finally:
        again.close()


def test_a_divergence_after_a_lag_keeps_the_network_that_acted(cluster: Any) -> None:
    lagging = on_ray(cluster.address, parallel__max_lag=1, **NETWORK)
    try:
        give_weights(lagging, seed=1)
        lagging.collect()
        state = lagging.state()
        state["humans"][2, 1 + lagging.layout.observation.shape[0] // 8] = np.nan  # a position or a velocity
        lagging.load_state(state)  # the round that is under way begins in it, with the weights that state() tells of
        acted = {name: array.copy() for name, array in lagging._parts.muscle.items()}
        give_weights(lagging, seed=5)
        (one,) = lagging.collect().diverged
    finally:
        lagging.close()
    assert one.human == 2
    for name, array in acted.items():
        np.testing.assert_array_equal(one.muscle[name], array)
        if name.endswith("weight"):
            assert not np.array_equal(one.muscle[name], lagging._parts.muscle[name])


def test_it_is_one_collector_among_others(cluster: Any) -> None:
    asked = config(parallel__collector="ray", parallel__ray_address=cluster.address, parallel__num_collectors=2)
    made = make_collector(asked, 1)
    try:
        assert made.layout == NativeCollector(config(), 1).layout
        assert len(made.pids) == 2
    finally:
        made.close()


def test_a_training_learns_the_same_whoever_collects(cluster: Any, tmp_path: Path) -> None:
    """Statistics of observations, returns and gradients are of the whole batch, also where collectors change midway."""
    flags = ("--coordination.method", "network", "--train.eval_episodes", "1")
    on_ray = ("--collector", "ray", "--ray-address", cluster.address, "--num-collectors")
    half = 1024

    def learnt(name: str, *collections: Sequence[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """What was recorded in the first half of a run, and the checkpoint at its end."""
        run = tmp_path / name
        for number, one in enumerate(collections):
            start = ["--resume", str(run)] if number else ["test-walk2d-small", *flags, "--run-dir", str(run)]
            assert main(["train", *start, *one, "--steps", str(half * (number + 1))]) == 0
        rows = [
            {key: value for key, value in row.items() if key.split("/")[0] in ("episode", "ppo", "muscle", "reward")}
            for row in read_metrics(run)
            if row["time/steps"] <= half
        ]
        return rows, checkpoint.read(run / "checkpoints" / checkpoint.LATEST)

    rows, one = learnt("one", ["--collector", "native"], ["--collector", "native"])
    ray, others = learnt("others", [*on_ray, "2"], [*on_ray, "1"])
    _, lagged = learnt("lagged", [*on_ray, "2", "--max-lag", "1"], ["--collector", "native", "--max-lag", "0"])
    assert sum("ppo/value" in row for row in rows) == 4
    assert ray == rows
    assert load_human_config(tmp_path / "others/config.yaml").control.engine == "lanes", "what auto came to"
    assert one["counters"]["steps"] == lagged["counters"]["steps"] == 2 * half
    for part in ("policy", "muscle"):
        for name, tensor in one[part].items():
            np.testing.assert_array_equal(tensor, others[part][name], err_msg=name)
    assert any(not np.array_equal(tensor, lagged["policy"][name]) for name, tensor in one["policy"].items())
