import os
from pathlib import Path

import pytest

from run_folders import CONFIG, iteration, older, parallel, sequential, write_run
from soleus.compare import check_folder, compare_runs, read_runs
from soleus.compare.report import report
from soleus.compare.settings import differences, subject_of, subject_warning
from soleus.compare.table import as_text, decimal, figures_table, grid
from soleus.errors import UserError


def test_the_table(tmp_path: Path) -> None:
    found = compare_runs(read_runs([sequential(tmp_path / "seq"), parallel(tmp_path / "par")]))
    lines = as_text(figures_table(found.names, found.figures, 100), 100).splitlines()
    assert [line.split() for line in (lines[0], *lines[2:])] == [
        ["seq", "par"],
        ["collector", "inline", "workers"],
        [*["workers", "x", "envs"], *["1", "x", "8"], *["2", "x", "4"]],
        ["duration", "10.0", "s", "2.5", "s"],
        ["steps", "400", "200"],
        ["updates", "64", "-"],
        ["steps/s,", "mean", "50.00", "80.00"],
        ["steps/s,", "last", "50.00", "80.00"],
        ["speed-up", "1.00x", "1.60x"],
        ["efficiency", "per", "worker", "100%", "80%"],
        ["steps", "per", "CPU", "second", "52.63", "50.00"],
        ["return,", "initial", "1.000", "-"],
        ["return,", "final", "4.000", "-"],
        ["return,", "best", "5.000", "-"],
        ["evaluation,", "best", "6.500", "-"],
        ["peak", "memory", "[MB]", "512", "700"],
        ["CPUs", "in", "use", "0.95", "1.60"],
    ]


def test_a_table_of_five_long_names_fits_100_columns() -> None:
    names = [f"coinrun-[red]-workers_of_impala/channels-last-{number}" for number in range(5)]
    lines = as_text(grid(names, [("efficiency per worker", ["102,400,000"] * 5)], 100), 100).splitlines()
    assert max(map(len, lines)) <= 100
    assert (
        "".join(line.split()[0] for line in lines[:-1] if line.strip("-")) == names[0]
    )  # nothing is cut off, no markup is read
    assert lines[-1].split() == ["efficiency", "per", "worker", *["102,400,000"] * 5]


def test_numbers_have_four_digits() -> None:
    numbers = [0.012344, 9.5, 999.94, 999.96, 123456.7, -0.5, None]
    assert [decimal(value) for value in numbers] == ["0.01234", "9.500", "999.9", "1,000", "123,457", "-0.5000", "-"]


def test_settings_that_differ(tmp_path: Path) -> None:
    odd = {**CONFIG, "env": "gymnasium:CartPole-v1", "ppo": {"epochs": 4, "hidden": [64, 64], "target": None}}
    folders = [sequential(tmp_path / "seq"), write_run(tmp_path / "odd", [iteration(1, 10.0)], odd)]
    assert differences(read_runs(folders)) == {
        "env.id": {"seq": "gymnasium:CartPole-v1"},
        "env.options": {"seq": {}},
        "ppo.hidden": {"odd": [64, 64]},
        "ppo.target": {"odd": None},
        "env": {"odd": "gymnasium:CartPole-v1"},
    }


def test_what_a_run_is_about(tmp_path: Path) -> None:
    rows = [iteration(1, 10.0)]
    short = write_run(tmp_path / "short", rows, {"env": "gymnasium:CartPole-v1"})
    runs = read_runs(
        [sequential(tmp_path / "seq"), short, older(tmp_path / "old"), write_run(tmp_path / "x", rows, {})]
    )
    assert [subject_of(run) for run in runs] == ["gymnasium:CartPole-v1"] * 2 + ["walk2d walk", "unknown"]
    assert subject_warning(runs[:2]) is None
    warning = subject_warning(runs[:3])
    assert warning
    assert warning.endswith("do not compare: gymnasium:CartPole-v1 (seq, short); walk2d walk (old)")


def test_one_sentence_on_speed_and_one_on_return(tmp_path: Path) -> None:
    seq, par, old = sequential(tmp_path / "seq"), parallel(tmp_path / "par"), older(tmp_path / "old")
    found = compare_runs(read_runs([seq, par]))
    assert found.speed == (
        "seq makes 50.00 steps/s; par 80.00, 1.60 times as many with 2 workers for 1 (efficiency 80%)."
    )
    assert found.returns == "The return ends in seq at 4.000 (from 1.000); no episode ended in par."
    assert compare_runs(read_runs([par, old])).returns == (
        "No episode ended in any of the runs, so there is no return to compare."
    )
    rows = [iteration(1, 25.0, episode__return=9.0), iteration(2, 25.0, episode__return=9.5)]
    better = write_run(tmp_path / "better", rows, summary={"machine": {"processor": "Another"}})
    found = compare_runs(read_runs([seq, better]))
    assert found.speed == (
        "seq makes 50.00 steps/s; better 25.00, 0.50 times as many, on another machine, which tells little."
    )
    assert found.returns == (
        "The return ends highest in better at 9.500 (from 9.000) after 200 steps, "
        "then seq at 4.000 (from 1.000) after 400 steps."
    )
    found = compare_runs(read_runs([seq, sequential(tmp_path / "again"), better]))
    assert found.returns.endswith(
        "then seq at 4.000 (from 1.000) after 400 steps and again at 4.000 (from 1.000) after 400 steps."
    )
    found = compare_runs(read_runs([seq, sequential(tmp_path / "more")]))
    assert found.returns == (
        "The return ends highest in seq at 4.000 (from 1.000), then more at 4.000 (from 1.000), all after 400 steps."
    )
    bare = write_run(tmp_path / "bare", [{"time/steps": 100}])
    assert compare_runs(read_runs([bare, seq])).speed == "bare recorded no speed to compare the others with."
    assert compare_runs(read_runs([seq, bare])).speed == "seq makes 50.00 steps/s; bare recorded none."


def test_returns_of_different_environments_are_not_ranked(tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", [iteration(1, 25.0, episode__return=9.0)], {"env": "gymnasium:Acrobot-v1"})
    found = compare_runs(read_runs([sequential(tmp_path / "seq"), other]))
    assert found.warning
    assert found.returns == (
        "The return ends in seq at 4.000 (from 1.000) after 400 steps, in other at 9.000 (from 9.000) after 100 steps; "
        "the environments differ, so these do not compare."
    )


def test_the_report(tmp_path: Path) -> None:
    found = compare_runs(read_runs([sequential(tmp_path / "seq"), parallel(tmp_path / "par")]))
    text = report(found)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "par compared with seq"
    for expected in (
        "efficiency per worker 100% 80%",
        found.speed,
        found.returns,
        "collecting 20.0% 35.0%",
        "waiting - 15.0%",
        "Settings that differ",
        "parallel.collector inline workers",
        "parallel.num_workers 1 2",
        "parallel.num_envs_per_worker 8 4",
        "seq: finished",
        f"folder {tmp_path / 'seq'}",
        "machine Abacus, 2 CPUs, Linux",
        "versions python 3.11.7, torch 2.13.0",
        "par: no summary",
        "machine -",
        "versions -",
    ):
        assert expected in lines
    assert "train.seed" not in text
    assert not any(line != line.rstrip() for line in text.splitlines())
    same = compare_runs(read_runs([tmp_path / "seq", tmp_path / "seq"]))
    assert "Settings that differ\n--------------------\nnone\n" in report(same)


def test_a_folder_for_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    (tmp_path / "a" / "compare.png").mkdir()
    for place, flaw in (
        (tmp_path / "file", "File exists"),
        (tmp_path / "file" / "in", "Not a directory"),
        (tmp_path / "a", "compare.png in it is a folder"),
    ):
        with pytest.raises(UserError) as caught:
            check_folder(place)
        assert str(caught.value) == f"--out: expected a folder that can be written to, got {place} ({flaw})"
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UserError, match="it does not allow that"):
        check_folder(tmp_path)
