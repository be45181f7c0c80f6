from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from run_folders import iteration, older, parallel, sequential, write_run
from soleus.compare import compare_runs, read_runs
from soleus.compare.picture import draw, smooth


def picture(*folders: Path) -> Figure:
    return draw(compare_runs(read_runs(folders)))


def line(axes: Axes, gid: str) -> np.ndarray:
    """Points of the one line with this gid  # (n, 2)."""
    (found,) = [one for one in axes.lines if one.get_gid() == gid]
    return np.column_stack([np.asarray(found.get_xdata()), np.asarray(found.get_ydata())])


def test_smoothing_is_a_mean_over_a_twentieth_that_leaves_nothing_out() -> None:
    np.testing.assert_array_equal(smooth(np.arange(10.0) ** 2), np.arange(10.0) ** 2)
    values = np.zeros(80)
    values[40] = 5.0
    expected = np.zeros(80)
    expected[38:43] = 1.0  # two on either side
    np.testing.assert_allclose(smooth(values), expected, atol=1e-12)
    np.testing.assert_allclose(smooth(np.arange(80.0))[[0, 1, 79]], [1.0, 1.5, 78.0])
    assert smooth(np.zeros(0)).size == 0


def test_four_panels_with_a_line_a_run(tmp_path: Path) -> None:
    figure = picture(sequential(tmp_path / "seq"), parallel(tmp_path / "par"))
    by_steps, by_time, speed, shares = figure.axes
    assert [axes.get_title() for axes in figure.axes] == [
        "Return over steps",
        "Return over wall-clock time",
        "Steps per second over wall-clock time",
        "Where the time goes",
    ]
    assert [axes.get_xlabel() for axes in figure.axes] == ["steps", "time [s]", "time [s]", "share of the run's time"]
    assert [axes.get_ylabel() for axes in (by_steps, speed)] == ["mean return of an iteration's episodes", "steps/s"]
    for gid in ("seq", "raw:seq"):
        np.testing.assert_array_equal(line(by_steps, gid), [[100, 1], [200, 2], [300, 5], [400, 4]])
        np.testing.assert_array_equal(line(by_time, gid), [[2, 1], [4, 2], [6, 5], [8, 4]])
        np.testing.assert_array_equal(line(speed, gid), [[2, 50], [4, 50], [6, 50], [8, 50]])
    assert line(by_steps, "par").size == line(by_time, "par").size == 0  # no episode ended
    np.testing.assert_array_equal(line(speed, "par"), [[1.25, 80], [2.5, 80]])
    np.testing.assert_array_equal(line(by_steps, "evaluation:seq"), [[400, 6.5]])
    np.testing.assert_array_equal(line(by_time, "evaluation:seq"), [[8, 6.5]])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["seq", "par", "evaluation"]
    legend = shares.get_legend()
    assert legend
    assert [text.get_text() for text in legend.get_texts()] == [
        "collecting",
        "learning",
        "waiting",
        "publishing",
        "rest",
    ]


def test_a_bar_is_full(tmp_path: Path) -> None:
    figure = picture(sequential(tmp_path / "seq"), parallel(tmp_path / "par"), older(tmp_path / "old"))
    bars = [patch for patch in figure.axes[3].patches if patch.get_width() > 0]  # type: ignore[attr-defined]
    for place, parts in enumerate([[0.2, 0.6, 0.2], [0.35, 0.4, 0.15, 0.02, 0.08], [0.8, 0.2]]):
        of_run = [bar for bar in bars if abs(bar.get_y() + bar.get_height() / 2 - place) < 0.1]  # type: ignore[attr-defined]
        assert [bar.get_width() for bar in of_run] == pytest.approx(parts)  # type: ignore[attr-defined]
        assert of_run[-1].get_x() + of_run[-1].get_width() == pytest.approx(1.0)  # type: ignore[attr-defined]
    said = [text.get_text() for text in figure.axes[3].texts]
    assert [name for name in said if "%" not in name] == ["seq", "par", "old"]
    assert said[:4] == ["seq", "20%", "60%", "20%"]


def test_long_runs_are_in_minutes_and_millions(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, [iteration(1, 4000.0, steps=2_000_000)]) for name in "ab"]
    assert [axes.get_xlabel() for axes in picture(*runs).axes[:3]] == ["million steps", "time [min]", "time [min]"]


def test_runs_that_recorded_next_to_nothing(tmp_path: Path) -> None:
    figure = picture(*(write_run(tmp_path / name, [{"time/steps": 1}]) for name in "ab"))
    said = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert said == [["no episode ended"]] * 2 + [["not recorded"], ["a", "not recorded", "b", "not recorded"]]


@pytest.mark.parametrize("count", [2, 5, 9])
def test_long_and_odd_names_overlap_nothing(tmp_path: Path, count: int) -> None:
    """No panel, title, label or legend lies on another one."""
    stem = "_coinrun-$parallel$-workers-impala-cnn-channels-last-bfloat16"
    folders = [sequential(tmp_path / f"{stem}-{number}-20250101-1") for number in range(count)]
    figure = picture(*folders)
    FigureCanvasAgg(figure).draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [figure.legends[0].get_window_extent(renderer)]
    boxes += [box for axes in figure.axes if (box := axes.get_tightbbox(renderer))]
    for first in range(len(boxes)):
        for second in boxes[:first]:
            assert not boxes[first].overlaps(second)
    names = [text for text in figure.axes[3].texts if "%" not in text.get_text()]
    extents = [text.get_window_extent(renderer) for text in names]
    bars = [patch.get_window_extent(renderer) for patch in figure.axes[3].patches]
    assert not any(name.overlaps(bar) for name in extents for bar in bars)
    whole = figure.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1 for box in boxes)
    assert names[0].get_text().startswith("_coinrun-$parallel$")
    assert figure.legends[0].get_texts()[0].get_text().endswith("-0-20250101-1")
