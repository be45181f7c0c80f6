"""`soleus motion`: figures, strips and films of motions, and messages."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from small_run import muscles_seen, needs_gl
from soleus import motions
from soleus.cli import main
from storage_files import coordinates, write_storage


def test_figures_of_a_built_in_motion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["motion", "walk", "--model", "walk2d"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("walk on walk2d: 1.0")
    assert "knee_angle_r" in said
    assert "feet that stand slip at 0.0" in said


def test_a_file_with_keys(tmp_path: Path, walk2d, capsys: pytest.CaptureFixture[str]) -> None:
    columns = coordinates(motions.load("walk", walk2d), walk2d, laps=2)
    columns["knee"] = -columns.pop("knee_angle_l")
    write_storage(tmp_path / "ik.mot", columns)
    keys = "{table: ik.mot, columns: {knee_angle_l: -knee}}"
    (tmp_path / "mine.yaml").write_text(f"model: walk2d\nmotion: {keys}\ntask: imitate\n")
    assert main(["motion", str(tmp_path / "mine.yaml"), "--json"]) == 0
    account = json.loads(capsys.readouterr().out)
    assert account["motion"] == "ik"
    assert account["frames"] == 128
    assert len(account["joints"]) == 6
    assert "are the lap" in account["notes"][0]
    assert main(["motion", str(tmp_path / "ik.mot"), "--model", "walk2d"]) == 2
    assert "expected columns for both sides, got none for 'knee_angle_l'" in capsys.readouterr().err
    del columns["ankle_angle_r"], columns["ankle_angle_l"]
    columns["knee_angle_l"] = -columns.pop("knee")
    write_storage(tmp_path / "ik.mot", columns)
    assert main(["motion", str(tmp_path / "ik.mot"), "--model", "walk2d"]) == 0
    said = capsys.readouterr().out
    assert "the file has no column for these joints, which rest: ankle_angle_r, ankle_angle_l" in said


@needs_gl
def test_a_strip_shows_every_pose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "strip.png"
    assert main(["motion", "walk", "--model", "walk2d", "--out", str(out), "--size", "960x200"]) == 0
    assert capsys.readouterr().out.strip().endswith("strip.png")
    with Image.open(out) as image:
        strip = np.asarray(image.convert("RGB"))
    assert strip.shape == (200, 960, 3)
    poses = np.split(strip, 8, axis=1)
    assert all(muscles_seen(pose).sum() > 20 for pose in poses)
    assert np.abs(poses[0].astype(int) - poses[2]).mean() > 0.5, "the poses differ"


@needs_gl
def test_a_film_lasts_two_laps(tmp_path: Path) -> None:
    out = tmp_path / "walk.gif"
    assert main(["motion", "walk", "--model", "walk2d", "--out", str(out), "--size", "81x80"]) == 0
    with Image.open(out) as image:
        assert image.size == (80, 80)
        assert image.n_frames == 2 * round(30 * motions.load("walk", _walk2d()).duration)
    assert main(["motion", "walk2d", "--out", str(out), "--size", "80x80", "--seconds", "0.2"]) == 0
    with Image.open(out) as image:
        assert image.n_frames == 6


def _walk2d():
    from soleus import models

    return models.load("walk2d")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["walk", "--model", "walk2d", "--lap", "once"],
            "--lap: expected it with a file of poses and --model, got it with walk",
        ),
        (["ik.mot", "--lap", "once"], "--lap: expected it with a file of poses and --model, got it with ik.mot"),
        (["a.bvh", "--model", "walk2d", "--lap", "find"], "motion.lap: expected 'given' or 'once', got 'find'"),
        (["a.mot"], "--model: expected a model's name or file for the motion a.mot, got none"),
        (["none.mot", "--model", "walk2d"], "motion table '"),
        (["wlak", "--model", "walk2d"], "unknown motion 'wlak'"),
        (["walk", "--model", "walk3d"], "--model: expected one of walk2d, myolegs, "),
        (
            ["walk", "--model", "walk2d", "--out", "a.jpg"],
            "--out: expected a file ending in .mp4, .gif, .png, got",
        ),
        (["walk", "--model", "walk2d", "--out", "a.png", "--size", "9"], "--size: expected a width and a height up to"),
        (
            ["walk", "--model", "walk2d", "--out", "a.png", "--seconds", "2"],
            "--seconds: expected it with --out and a",
        ),
        (
            ["walk", "--model", "walk2d", "--out", "a.gif", "--seconds", "0"],
            "--seconds: expected more than 0 and at",
        ),
        (["run-free-myolegs"], "run-free-myolegs: expected a configuration with a motion, or a motion with --model"),
    ],
)
def test_mistakes_end_in_a_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["motion", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_training_says_what_was_made_of_a_file(tmp_path: Path, walk2d, capsys: pytest.CaptureFixture[str]) -> None:
    write_storage(tmp_path / "ik.mot", coordinates(motions.load("walk", walk2d), walk2d, laps=2))
    given = ["train", "test-walk2d-small", "--motion", str(tmp_path / "ik.mot"), "--steps", "64"]
    assert main([*given, "--run-dir", str(tmp_path / "run")]) == 0
    assert "\nmotion: rows " in capsys.readouterr().out
