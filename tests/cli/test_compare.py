import json
from pathlib import Path

import pytest

from run_folders import older, parallel, sequential
from soleus.cli import main


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for write in (sequential, parallel, older):
        write(Path(write.__name__))


def test_the_table_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "sequential", "parallel"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "sequential   parallel\n" in captured.out
    assert "\nefficiency per worker         100%        80%\n" in captured.out
    assert "parallel 80.00, 1.60 times as many" in captured.out
    assert captured.out.endswith("A picture and a report of it: add --out DIR\n")
    assert {path.name for path in Path().iterdir()} == {"sequential", "parallel", "older"}


def test_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "sequential", "parallel", "sequential", "--out", "deep/out"]) == 0
    assert capsys.readouterr().out.endswith("deep/out/compare.png\ndeep/out/compare.txt\n")
    assert {path.name for path in Path("deep/out").iterdir()} == {"compare.png", "compare.txt"}
    assert Path("deep/out/compare.png").read_bytes().startswith(b"\x89PNG")
    assert Path("deep/out/compare.txt").read_text().startswith("parallel, sequential (2) compared with sequential\n")


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "sequential", "parallel", "--json", "--out", "out"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["reference"] == "sequential"
    first, second = result["runs"]
    assert (first["name"], first["folder"], first["ending"]) == ("sequential", "sequential", "finished")
    assert (first["steps_per_s_mean"], first["return_final"], first["machine"]["cpus"]) == (50.0, 4.0, 2)
    assert (second["speed_up"], second["efficiency"], second["return_final"]) == (1.6, 0.8, None)
    assert sum(second["shares"].values()) == pytest.approx(1.0)
    assert result["differences"]["parallel.num_workers"] == {"sequential": 1, "parallel": 2}
    assert result["warning"] is None
    assert result["files"] == ["out/compare.png", "out/compare.txt"]


def test_different_environments_are_warned_of_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "sequential", "older"]) == 0
    error = capsys.readouterr().err
    assert error.startswith("warning: the runs are of different environments or models")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected two or more run folders to compare, got 0; see soleus compare --help"),
        (["sequential"], "expected two or more run folders to compare, got 1; see soleus compare --help"),
        (["sequential", "nosuch"], "nosuch: expected a run folder (with config.yaml and metrics.jsonl), got nothing"),
        (["sequential", "parallel/config.yaml"], "parallel/config.yaml: expected a run folder (with config.yaml and"),
        (["sequential", "."], ".: expected a run folder (with config.yaml and metrics.jsonl), got one without config"),
        (["sequential", "parallel", "--ou", "x"], "soleus compare: unknown flag '--ou' (did you mean '--out'?)"),
        (["sequential", "parallel", "--out", "/proc/x"], "--out: expected a folder that can be written to, got /proc"),
    ],
)
def test_errors_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {message}")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_folder_is_refused_before_anything_is_computed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soleus.compare.compare_runs", None)
    assert main(["compare", "sequential", "parallel", "--out", "parallel/config.yaml"]) == 2
    assert "--out: expected a folder that can be written to, got parallel/config.yaml" in capsys.readouterr().err


def test_a_run_without_an_iteration(capsys: pytest.CaptureFixture[str]) -> None:
    Path("parallel/metrics.jsonl").write_text("")
    assert main(["compare", "sequential", "parallel"]) == 2
    assert capsys.readouterr().err == "error: parallel/metrics.jsonl: expected at least one iteration, got none\n"
