"""What a point of the grid comes to depends on nothing but the point."""

from typing import Any

import numpy as np
import pytest

from conditioned_run import conditioned_run
from soleus.errors import UserError
from soleus.run.trained import Trained, load_trained
from soleus.sim.scenario import Scenario
from soleus.sweep import playing
from soleus.sweep.grid import Axis, make_grid
from soleus.sweep.playing import Effort, Sweep, load_sweep_scenario
from soleus.sweep.rows import Episode, Table

EFFORT = Effort(cycles=2, seconds=2.0, episodes=2)
AXES = [Axis("stride", 0.8, 1.2, 3), Axis("strength.plantarflexors_r", 0.4, 1.0, 2)]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return load_trained(conditioned_run())


@pytest.fixture(scope="module")
def scenario(trained: Trained) -> Scenario:
    return load_sweep_scenario(trained, EFFORT)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that tell of every number of the traces, as nobody who has hardly learnt makes a stride."""

    def rows_of(episodes: list[Episode], functions: Any, most: int) -> Table:
        arrays = ("qpos", "tension", "ground_force", "metabolic")
        sums = [[float(np.abs(getattr(one.trace, name)).sum()) for name in arrays] for one in episodes]
        strength = episodes[0].trace.human.model.actuator_gainprm[:, 2].sum()
        return {"side": np.array(["right"] * len(episodes)), "success": np.array([one.success for one in episodes]),
                "sums": np.array(sums), "strength": np.full(len(episodes), strength)}  # fmt: skip

    monkeypatch.setattr(playing, "rows_of", rows_of)


def walked(trained: Trained, scenario: Scenario, points: list[int], threads: int = 1) -> dict[int, Table]:
    grid = make_grid(AXES, {}, scenario.conditions)
    return dict(Sweep(trained, scenario, grid, EFFORT, seed=3).tables(points, threads))


@pytest.mark.usefixtures("seen")
def test_neither_others_nor_threads_matter(
    trained: Trained, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = walked(trained, scenario, list(range(6)))
    assert sorted(together) == list(range(6))
    assert len(together[0]["sums"]) == 2, "two episodes"
    monkeypatch.setattr(Sweep, "_humans", lambda self, threads: 2)  # blocks of two
    for points, threads in (([0, 1, 2, 3, 4, 5], 2), ([1, 4, 5], 1)):
        apart = walked(trained, scenario, points, threads)
        assert sorted(apart) == points
        for point in points:
            for name, values in apart[point].items():
                np.testing.assert_array_equal(values, together[point][name])


@pytest.mark.usefixtures("seen")
def test_each_point_is_a_person_of_its_own(trained: Trained, scenario: Scenario) -> None:
    found = walked(trained, scenario, [0, 1, 4])
    assert found[0]["condition.stride"][0] == pytest.approx(0.8)
    assert found[4]["condition.stride"][0] == pytest.approx(1.2)
    assert found[1]["condition.strength.plantarflexors_r"][0] == pytest.approx(1.0)
    assert found[1]["strength"][0] > found[0]["strength"][0]
    assert (found[0]["sums"] != found[1]["sums"]).any()
    assert (found[0]["sums"] != found[4]["sums"]).any()


def test_a_grid_is_all_combinations(scenario: Scenario) -> None:
    grid = make_grid(AXES, {}, scenario.conditions)
    np.testing.assert_allclose(grid.points, [[0.8, 0.4], [0.8, 1.0], [1.0, 0.4], [1.0, 1.0], [1.2, 0.4], [1.2, 1.0]])
    held = make_grid(AXES[:1], {"strength.plantarflexors_r": 0.5}, scenario.conditions)
    np.testing.assert_allclose(held.points, [[0.8, 0.5], [1.0, 0.5], [1.2, 0.5]])


def test_grids_that_are_none(scenario: Scenario) -> None:
    for axes, held, said in (
        ([Axis("strid", 0.8, 1.0, 2)], {}, r"got 'strid' \(did you mean 'stride'\?\)"),
        ([Axis("stride", 0.5, 1.0, 2)], {}, "stride: expected a value within 0.8 and 1.2, got 0.5"),
        (AXES, {"stride": 1.0}, "expected every condition once, got 'stride' twice"),
        ([Axis("stride", 0.8, 1.0, 2_000_000)], {}, "expected a grid of up to 1,000,000 points, got 2,000,000"),
    ):
        with pytest.raises(UserError, match=said):
            make_grid(axes, held, scenario.conditions)
    with pytest.raises(UserError, match="--over: expected a run with conditions, got one without any, and stride"):
        make_grid(AXES, {}, None)
