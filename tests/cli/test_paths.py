"""`soleus paths`: a table, a picture, a file for trainings, and messages."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from soleus.cli import main


def test_a_model_is_fitted_drawn_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, picture = tmp_path / "walker.npz", tmp_path / "walker.png"
    assert main(["paths", "walk2d", "--out", str(file), "--plot", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "soleus_r" in said
    assert "paths: 18 of 18 muscles fitted, the others exact" in said
    assert "errors of the fitted: length" in said
    blue = np.abs(imread(picture)[..., :3] - to_rgb("tab:blue")).max(axis=2) < 0.1
    assert blue.sum() > 3 * 18 * 5  # three panels with a dot for each muscle
    run = tmp_path / "run"
    keys = ["--control.paths", "fitted", "--control.paths_file", str(file)]
    assert main(["train", "test-walk2d-small", "--steps", "2048", *keys, "--run-dir", str(run)]) == 0
    assert (run / "inputs" / "control.paths_file" / "walker.npz").read_bytes() == file.read_bytes()


def test_the_figures_are_data_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paths", "walk2d", "--worst", "0.2", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert len(content["muscles"]) == 18
    assert content["fitted"] == sum(one["kind"] != "exact" for one in content["muscles"]) < 18
    assert all(one["worst"] <= 0.2e-3 for one in content["muscles"] if one["kind"] != "exact")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["walk3d"], "unknown preset 'walk3d'"),
        (["walk2d", "--length", "0"], "--length: expected more than 0 mm, got 0"),
        (["walk2d", "--out", "walker.txt"], "--out: expected a file npz in a folder that is there, got walker.txt"),
        (["walk2d", "--plot", "nowhere/walker.png"], "--plot: expected a file png in a folder that is there"),
        (["cartpole"], "cartpole: expected a configuration with a model"),
    ],
)
def test_mistakes_end_in_a_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paths", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
