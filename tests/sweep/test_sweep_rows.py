"""A row is one stride: its figures and its curves are those of the gait report."""

import numpy as np
import pytest

from soleus.gait import analyse
from soleus.models import Human
from soleus.motions.anatomy import angles_of
from soleus.paths.function import functions
from soleus.sweep.rows import Episode, joined, rows_of, with_point
from walker import still, walked


@pytest.fixture(scope="module")
def episodes(walk2d: Human) -> list[Episode]:
    traces = [walked(walk2d, strides=n, seed=n, varying=0.05).trace for n in (6, 8)]
    return [Episode(trace, number, number == 1) for number, trace in enumerate(traces)]


def test_their_means_are_those_of_the_report(walk2d: Human, episodes: list[Episode]) -> None:
    report = analyse([episode.trace for episode in episodes])
    table = rows_of(episodes, functions(walk2d, angles_of(walk2d)), 1000)
    assert {name: int((table["side"] == name).sum()) for name in ("right", "left")} == report.strides
    for side in ("right", "left"):
        own = table["side"] == side
        for key in ("stride_length", "stride_time", "step_length", "stance_share", "peak_force"):
            assert np.nanmean(table[key][own]) == pytest.approx(getattr(report.measures[key], side))
        for name, curve in report.angles.items():
            np.testing.assert_allclose(table[name][own].mean(axis=0), curve.sides[side].mean, atol=1e-9)
            assert (table[f"{name}_most"][own] == table[name][own].max(axis=1)).all()
        for name, curve in report.forces.items():
            np.testing.assert_allclose(table[f"force_{name}"][own].mean(axis=0), curve.sides[side].mean, atol=1e-9)
        for name, curve in report.activations.items():
            np.testing.assert_allclose(table[f"activation_{name}"][own].mean(axis=0), curve.sides[side].mean, atol=1e-9)
    cost = (4.2 + 1.51) * table["stride_time"] / table["stride_length"]
    np.testing.assert_allclose(table["cost_of_transport"], cost, rtol=1e-9)
    assert np.isnan(table["step_width"]).all(), "a planar person has none"


def test_rows_are_in_the_order_of_time_and_as_many_as_are_wanted(walk2d: Human, episodes: list[Episode]) -> None:
    table = rows_of(episodes, [], 5)
    assert [int((table["side"] == name).sum()) for name in ("right", "left")] == [5, 5]
    when = list(zip(table["episode"], table["start_s"], strict=True))
    assert when == sorted(when)
    np.testing.assert_array_equal(table["success"], table["episode"] == 1)


def test_of_who_does_not_walk_there_is_a_row_that_says_so(walk2d: Human, episodes: list[Episode]) -> None:
    assert rows_of([Episode(still(walk2d), 0, True)], [], 5) == {}
    nobody = with_point({}, 3, ["speed", "slope"], np.array([1.2, 0.0]))
    assert {name: values.tolist() for name, values in nobody.items() if name != "start_s"} == {
        "point": [3], "condition.speed": [1.2], "condition.slope": [0.0], "side": [""], "episode": [-1],
        "success": [False],
    }  # fmt: skip
    some = with_point(rows_of(episodes, [], 2), 4, ["speed", "slope"], np.array([1.3, 0.1]))
    table = joined([nobody, some])
    assert table["point"].tolist() == [3, 4, 4, 4, 4]
    assert np.isnan(table["knee_flexion"][0]).all()
    np.testing.assert_array_equal(table["knee_flexion"][1:], some["knee_flexion"])
    assert table["condition.slope"].tolist() == [0.0, 0.1, 0.1, 0.1, 0.1]


def test_a_foot_without_strides(walk2d: Human) -> None:
    """Where one leg drags, the rows are those of the other."""
    trace = walked(walk2d, strides=6).trace
    trace.ground_force[:, 1] = 0
    table = rows_of([Episode(trace, 0, True)], functions(walk2d, angles_of(walk2d)), 5)
    assert set(table["side"]) == {"right"}
    assert np.isfinite(table["activation_knee_flexors"]).all()
