from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from run_folders import CONFIG, NATIVE, iteration, older, parallel, sequential, write_run
from soleus.compare.figures import Collection, Figures, collection_of, figures_of
from soleus.compare.reading import read_runs
from soleus.compare.sentences import speed_sentence


@pytest.fixture
def figures(tmp_path: Path) -> list[Figures]:
    folders = [sequential(tmp_path / "seq"), parallel(tmp_path / "par"), older(tmp_path / "old")]
    return figures_of(read_runs(folders))


def of_one(folder: Path, rows: list[dict[str, Any]], **more: Any) -> Figures:
    return figures_of(read_runs([write_run(folder, rows, **more)]))[0]


def test_the_reference(figures: list[Figures]) -> None:
    found = asdict(figures[0])
    shares = found.pop("shares")
    assert found == {
        "collector": "inline",
        "workers": 1,
        "envs": 8,
        "duration_s": 10.0,
        "steps": 400,
        "updates": 64,
        "steps_per_s_mean": 50.0,
        "steps_per_s_last": 50.0,
        "speed_up": 1.0,
        "efficiency": 1.0,
        "steps_per_cpu_s": pytest.approx(50 / 0.95),
        "return_initial": 1.0,
        "return_final": 4.0,
        "return_best": 5.0,
        "evaluation_best": 6.5,
        "peak_memory_mb": 512.0,
        "cpu": 0.95,
        "cpu_waited": None,
        "apart": None,
    }
    assert shares == pytest.approx({"collecting": 0.2, "learning": 0.6, "rest": 0.2})  # 8 of the 10 s are iterations


def test_a_run_that_was_killed_and_ended_no_episode(figures: list[Figures]) -> None:
    found = asdict(figures[1])
    shares = found.pop("shares")
    assert found == {
        "collector": "workers",
        "workers": 2,
        "envs": 8,
        "duration_s": 2.5,
        "steps": 200,
        "updates": None,
        "steps_per_s_mean": 80.0,
        "steps_per_s_last": 80.0,
        "speed_up": 1.6,
        "efficiency": 0.8,
        "steps_per_cpu_s": 50.0,
        "return_initial": None,
        "return_final": None,
        "return_best": None,
        "evaluation_best": None,
        "peak_memory_mb": 700.0,
        "cpu": pytest.approx(1.6),
        "cpu_waited": None,
        "apart": None,
    }
    # Of the collection, 0.5, on average 0.3 is waiting; what is told adds up to 0.92.
    expected = {"collecting": 0.35, "learning": 0.4, "waiting": 0.15, "publishing": 0.02, "rest": 0.08}
    assert shares == pytest.approx(expected)


def test_a_run_of_an_older_version(figures: list[Figures]) -> None:
    found = figures[2]
    assert (found.collector, found.workers, found.envs) == ("native", 2, 8)
    assert (found.speed_up, found.efficiency) == (0.5, 0.25)
    assert (found.updates, found.cpu, found.peak_memory_mb) == (None, None, 300.0)
    assert found.shares == pytest.approx({"collecting": 0.8, "learning": 0.2, "rest": 0.0})


def test_shares_sum_to_one(figures: list[Figures], tmp_path: Path) -> None:
    too_much = iteration(1, 10.0, time__collect_share=0.7, time__learn_share=0.6, time__publish_share=-0.1)
    bars = [*(found.shares for found in figures), of_one(tmp_path / "too-much", [too_much]).shares]
    assert [sum((shares or {}).values()) for shares in bars] == pytest.approx([1.0] * 4)
    assert of_one(tmp_path / "silent", [iteration(1, 10.0)]).shares is None


def test_a_long_iteration_weighs_more(tmp_path: Path) -> None:
    """100 steps in 1 s, then 100 in 9 s."""
    rows = [
        iteration(1, 100.0, time__collect_share=1.0, time__learn_share=0.0, system__cpu=1.0),
        {"time/steps": 200, "time/seconds": 10.0, "time/steps_per_s": 100 / 9, "time/collect_share": 0.0}
        | {"time/learn_share": 1.0, "system/cpu": 2.0},
    ]
    found = of_one(tmp_path / "run", rows)
    assert found.steps_per_s_mean == pytest.approx(20.0)
    assert found.cpu == pytest.approx(1.9)
    assert found.shares == pytest.approx({"collecting": 0.1, "learning": 0.9, "rest": 0.0})


def test_without_its_own_speed_a_run_has_that_of_its_clock(tmp_path: Path) -> None:
    assert of_one(tmp_path / "run", [{"time/steps": 100, "time/seconds": 4.0}]).steps_per_s_mean == 25.0
    nothing = of_one(tmp_path / "bare", [{"time/steps": 100}])
    assert (nothing.steps_per_s_mean, nothing.speed_up, nothing.efficiency, nothing.duration_s) == (None,) * 4


def test_returns_are_means_of_a_twentieth_of_the_iterations(tmp_path: Path) -> None:
    """40 iterations in which episodes ended, every other one a row without: means over two of them."""
    rows = []
    for number in range(1, 81):
        rows.append(iteration(number, 10.0, **({"episode__return": number / 2} if number % 2 == 0 else {})))
    rows[59]["episode/return"] = 100.0  # the 30th
    found = of_one(tmp_path / "run", rows)
    assert (found.return_initial, found.return_final) == (1.5, 39.5)
    assert found.return_best == (100.0 + 31.0) / 2


def test_the_best_evaluation_is_the_summarys_where_no_row_has_one(tmp_path: Path) -> None:
    summary = {"best_evaluation": {"mean_return": 7.0}}
    assert of_one(tmp_path / "run", [iteration(1, 10.0)], summary=summary).evaluation_best == 7.0


def test_a_summary_from_before_the_run_went_on_is_not_its_end(tmp_path: Path) -> None:
    stale = {"steps": 100, "seconds": 99.0, "updates": 3, "peak_memory_mb": 5.0, "cpu": 9.0}
    found = of_one(tmp_path / "run", [iteration(1, 10.0), iteration(2, 10.0)], summary=stale)
    assert (found.duration_s, found.updates, found.peak_memory_mb, found.cpu) == (20.0, None, None, None)


@pytest.mark.parametrize(
    ("config", "summary", "collection"),
    [
        (CONFIG, None, Collection("inline", 1, 8)),
        ({**CONFIG, "parallel": {"collector": "auto", "num_workers": "auto"}}, None, Collection(None, None, 8)),
        (CONFIG, {"parallel": {"collector": "workers", "num_workers": 4, "num_envs_per_worker": 3}}, None),
        (NATIVE, None, Collection("native", 2, 8)),
        ({**NATIVE, "parallel": {"collector": "auto", "num_workers": "auto"}}, {"num_threads": 3}, None),
        ({"train": "odd", "parallel": 3}, None, Collection("native", None, None)),
    ],
)
def test_who_collects(
    tmp_path: Path, config: dict[str, Any], summary: dict[str, Any] | None, collection: Collection
) -> None:
    (run,) = read_runs([write_run(tmp_path / "run", [iteration(1, 10.0)], config, summary)])
    told = Collection("workers", 4, 12) if summary and "parallel" in summary else Collection("native", 3, 8)
    assert collection_of(run) == (collection or told)


@pytest.mark.parametrize(
    ("speed", "summary", "apart"),
    [
        (100.0, {"cpu": 2.0, "cpu_waited": 0.01}, None),
        (100.0, {"cpu": 2.0, "cpu_waited": 1.0}, "on a machine that other work shared"),
        (156.5, {"cpu": 2.0}, "faster than the number of workers can make it"),
        (100.0, {"cpu": 2.0, "machine": {"processor": "Another"}}, "on another machine"),
    ],
)
def test_where_machines_differ_or_were_shared_cpu_time_is_compared(
    tmp_path: Path, speed: float, summary: dict[str, Any], apart: str | None
) -> None:
    config = {**CONFIG, "parallel": {"collector": "workers", "num_workers": 2, "num_envs_per_worker": 4}}
    seq, par = read_runs(
        [
            sequential(tmp_path / "seq"),
            write_run(tmp_path / "par", [iteration(1, speed)], config, {"steps": 100, **summary}),
        ]
    )
    found = figures_of([seq, par])
    assert found[1].apart == apart
    assert found[1].efficiency == (1.0 if apart is None else None)
    assert found[1].steps_per_cpu_s == pytest.approx(speed / 2)
    said = speed_sentence([seq, par], found)
    assert ("efficiency" in said) == (apart is None)
    if apart:
        assert f", {apart}: in a second of CPU time {speed / 2:#.4g} steps for 52.63, " in said
