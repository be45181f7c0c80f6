import json
from pathlib import Path

import numpy as np
import pytest

from run_folders import CONFIG, iteration, sequential, write_run
from soleus.compare.reading import names_of, number, read_runs
from soleus.errors import UserError


def test_rows_are_iterations_or_evaluations(tmp_path: Path) -> None:
    (run,) = read_runs([sequential(tmp_path / "run")])
    np.testing.assert_array_equal(run.column("episode/return"), [1.0, 2.0, 5.0, 4.0])
    np.testing.assert_array_equal(run.evaluated("evaluate/mean_return"), [6.5])
    assert np.isnan(run.column("no/such")).all()
    assert run.setting("parallel", "num_workers") == 1
    assert run.setting("parallel", "no", "such") is None
    assert run.ending == "finished"


@pytest.mark.parametrize(
    ("summary", "ending"),
    [
        (None, "no summary"),
        ({"steps": 100, "interrupted": True}, "stopped early"),
        ({"steps": 50, "interrupted": False}, "no summary"),  # of an earlier process: the run went on
    ],
)
def test_a_summary_counts_where_it_is_of_the_end(
    tmp_path: Path, summary: dict[str, object] | None, ending: str
) -> None:
    (run,) = read_runs([write_run(tmp_path / "run", [iteration(1, 10.0)], summary=summary)])
    assert run.ending == ending


def test_what_is_no_number_is_missing() -> None:
    assert [number(value) for value in (2, 2.5, True, "2", None, float("nan"), float("inf"))] == [2, 2.5, *[None] * 5]


def test_names_are_short_and_unique() -> None:
    folders = [Path("/a/seq/run"), Path("/a/par/run"), Path("/a/other"), Path("/a/other")]
    assert names_of(folders) == ["seq/run", "par/run", "other", "other (2)"]
    assert names_of([Path("/x/1/run"), Path("/y/1/run"), Path("/y/2/run")]) == ["x/1/run", "y/1/run", "2/run"]
    assert names_of([Path("runs/a/"), Path("runs/b")]) == ["a", "b"]


def test_a_name_is_found_from_within_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sequential(tmp_path / "mine"))
    assert [run.name for run in read_runs([Path()])] == ["mine"]


def test_what_is_no_run_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def message() -> str:
        with pytest.raises(UserError) as caught:
            read_runs([folder])
        assert "\n" not in str(caught.value)
        return str(caught.value).removeprefix(str(folder))

    expected = ": expected a run folder (with config.yaml and metrics.jsonl), got "
    assert message() == f"{expected}nothing there"
    folder.touch()
    assert message() == f"{expected}a file"
    folder.unlink()
    folder.mkdir()
    assert message() == f"{expected}one without config.yaml"
    (folder / "config.yaml").write_text("model: [")
    assert message() == f"{expected}one without metrics.jsonl"
    (folder / "metrics.jsonl").touch()
    assert message() == "/metrics.jsonl: expected at least one iteration, got none"
    (folder / "metrics.jsonl").write_text('{"time/steps": 9, "evaluate/mean_return": 1.0}\n')
    assert message() == "/metrics.jsonl: expected at least one iteration, got none"
    (folder / "metrics.jsonl").write_text(json.dumps(iteration(1, 10.0)))
    assert message().startswith("/config.yaml line 1: expected valid YAML, but ")
    (folder / "config.yaml").write_text("seed: !!float ''")  # PyYAML looks at its first character
    assert message() == "/config.yaml: expected values that fit their tags, but string index out of range"
    (folder / "config.yaml").write_text("- 3")
    assert message() == "/config.yaml: expected YAML with keys and values, got list"
    (folder / "config.yaml").write_text(json.dumps(CONFIG))
    (folder / "summary.json").write_text("{")
    assert message().startswith("/summary.json: expected JSON, got something else (")
