"""The person in examples/own: the commands of docs/models.md, in a copy of the folder."""

import shutil
from pathlib import Path

import pytest

from soleus.cli import main

OWN = Path(__file__).parents[1] / "examples/own"


def test_the_table_fits_and_a_training_of_it_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(OWN, folder)
    monkeypatch.chdir(folder)
    main(["motion", "train.yaml"])
    said = capsys.readouterr().out
    assert "lap on walker: 1.096 s" in said
    assert "on it (below 20 mm) for 100 % of the lap" in said
    main(["train", "train.yaml", "--steps", "32768", "--run-dir", "run"])
    said = capsys.readouterr().out
    assert "engine: lanes" in said
    length = float(said.rpartition("on average ")[2].split(" s")[0])
    assert length > 0.8  # it falls after 0.5 s at first


@pytest.mark.slow
def test_it_walks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(OWN, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    main(["train", "train.yaml", "--run-dir", "run"])
    assert "20 of 20 episodes last to the end" in capsys.readouterr().out
