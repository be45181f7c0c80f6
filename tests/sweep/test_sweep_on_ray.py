"""A sweep on a cluster comes to what it comes to here, to the last bit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conditioned_run import conditioned_run
from soleus.cli import main
from soleus.errors import UserError
from soleus.run.trained import load_trained
from soleus.sweep import on_ray
from soleus.sweep.grid import Axis, make_grid
from soleus.sweep.on_ray import tables_on_ray
from soleus.sweep.playing import Effort, Sweep, load_sweep_scenario

ray = pytest.importorskip("ray")

EFFORT = Effort(cycles=2, seconds=2.0, episodes=1)
AXES = [Axis("stride", 0.8, 1.2, 5), Axis("strength.plantarflexors_r", 0.4, 1.0, 2)]


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    trained = load_trained(conditioned_run())
    scenario = load_sweep_scenario(trained, EFFORT)
    return Sweep(trained, scenario, make_grid(AXES, {}, scenario.conditions), EFFORT, seed=3)


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def test_a_cluster_makes_no_difference(sweep: Sweep) -> None:
    points = [0, 1, 2, 4, 5, 6, 7, 8, 9]  # two tasks
    found, expected = (dict(tables) for tables in (tables_on_ray(sweep, points, "auto"), sweep.tables(points, 2)))
    assert sorted(found) == points
    for point in points:
        for name, values in expected[point].items():
            np.testing.assert_array_equal(found[point][name], values)
    assert ray.is_initialized(), "who came before stays"


def test_a_task_that_fails_is_said(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(sweep: Any, points: Any) -> Any:
        raise RuntimeError("the floor gave way")

    monkeypatch.setattr(on_ray, "_walk", walk)
    with pytest.raises(UserError, match=r"--ray: expected every point to be walked, got .*RuntimeError"):
        list(tables_on_ray(sweep, [0], "auto"))


def test_addresses_and_threads_that_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ray.shutdown()
    run, out = str(conditioned_run()), str(tmp_path / "grid.npz")
    command = ["sweep", run, "--over", "stride=0.9:1.1:2", "--out", out]
    for more, said in (
        (["--ray", "nowhere"], "--ray: expected auto, local, HOST:PORT or ray://HOST:PORT, got 'nowhere'"),
        (["--ray", "local", "--num-threads", "2"], "--num-threads: expected none with --ray, whose CPUs walk, got 2"),
    ):
        assert main([*command, *more]) == 2
        assert said in capsys.readouterr().err
