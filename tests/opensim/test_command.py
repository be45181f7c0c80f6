"""`soleus import opensim` from the command line, and a training of what it wrote."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from osim_files import person
from soleus.cli import main

MOTION = """motion
version=1
nRows=51
nColumns=8
inDegrees=no
endheader
time\tpelvis_ty\tpelvis_tx\thip_r_z\tknee_angle_r\thip_l_z\tknee_angle_l\tmtp_r
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "person.osim").write_text(person())
    rows = "".join(f"{0.02 * k}\t0.95\t{0.02 * k}\t0.1\t-0.2\t-0.1\t-0.3\t0\n" for k in range(51))
    (tmp_path / "step.mot").write_text(MOTION + rows)
    return str(tmp_path / "person.osim"), str(tmp_path / "step.mot")


def test_it_says_what_it_made_and_what_is_next(
    tmp_path: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["import", "opensim", files[0], "--motion", files[1], "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "note: locked coordinates are fixed where they are: subtalar_r\n" in said
    assert f"Train on it: soleus train {out / 'train.yaml'}" in said
    assert sorted(file.name for file in out.iterdir()) == ["model.xml", "step.mot", "train.yaml"]
    start = yaml.safe_load((out / "train.yaml").read_text())
    assert (start["model"]["mjcf"], start["motion"], start["task"]) == ("model.xml", "step.mot", "imitate")


def test_several_motions_are_clips_of_one_policy(
    tmp_path: Path, files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other.mot"
    other.write_text(Path(files[1]).read_text())
    assert main(["import", "opensim", files[0], "--motion", files[1], "--motion", str(other), "--out", "person"]) == 0
    start = tmp_path / "person" / "train.yaml"
    assert yaml.safe_load(start.read_text())["motion"] == {"clips": ["step.mot", "other.mot"]}
    assert start.read_text().startswith("# person imitates step and other: ")


def test_without_a_motion_it_learns_to_walk(tmp_path: Path, files: tuple[str, str]) -> None:
    out = tmp_path / "out"
    assert main(["import", "opensim", files[0], "--out", str(out)]) == 0
    assert yaml.safe_load((out / "train.yaml").read_text())["task"] == "walk"
    flags = ["--num-envs", "8", "--train.rollout-steps", "32", "--steps", "256", "--train.eval-episodes", "1"]
    assert main(["train", str(out / "train.yaml"), *flags, "--run-dir", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--bvh", "x.bvh"], "--bvh: expected it for soleus import mass alone"),
        (["--damping", "1"], "--damping: expected it for soleus import mass alone"),
        (
            ["--motion", "x.csv"],
            "--motion: expected files of coordinates (.mot or .sto) or of markers (.trc or .c3d), got 'x.csv'",
        ),
        (["--motion", "x.mot"], "motion file 'x.mot' does not exist"),
    ],
)
def test_what_is_wrong_is_one_line(
    flags: list[str], said: str, tmp_path: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "opensim", files[0], *flags, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: text.replace("-0.2", "-40"),
            "column 'knee_angle_r': expected angles from -2 to 0.2 radians, the joint's limits, got -40 to -40: if"
            " this column is in degrees, write it in radians, as the others are",
        ),
        (lambda text: text.replace("0.4\t", "nan\t"), "line 28: expected a finite number for 'time', got 'nan'"),
        (lambda text: text.replace("\n0.2\t", "\n0.1\t"), "line 18: expected times that rise from row to row, got"),
        (lambda text: text.replace("_", "."), "expected columns with the names of the model's coordinates .*, got pel"),
    ],
)
def test_motions_are_checked_as_they_are_imported(
    change: Callable[[str], str],
    said: str,
    tmp_path: Path,
    files: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    motion = Path(files[1])
    motion.write_text(change(motion.read_text()))
    assert main(["import", "opensim", files[0], "--motion", files[1], "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error), error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_motion_of_coordinates_is_not_for_mass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "mass", "x.xml", "--motion", "x.mot", "--out", str(tmp_path / "out")]) == 2
    assert "--motion: expected it for soleus import opensim alone" in capsys.readouterr().err


def test_coordinates_may_be_locked(tmp_path: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["import", "opensim", files[0], "--lock", "mtp_*", "--out", str(out)]) == 0
    assert "mtp_r" in capsys.readouterr().out.partition("locked coordinates are fixed")[2].partition("\n")[0]
    assert 'joint name="mtp_r"' not in (out / "model.xml").read_text()
    assert main(["import", "opensim", files[0], "--lock", "elbow", "--out", str(tmp_path / "no")]) == 2
    assert "lock: expected the name of a coordinate, or a pattern of names, got 'elbow'" in capsys.readouterr().err
