"""Configurations that name a model of OpenSim's: imported once, and a run has a copy of what it became."""

import sys
from pathlib import Path

import pytest

from osim_files import person
from soleus.api import evaluate
from soleus.cli import main
from soleus.config import load_human_config
from soleus.config.sources import ModelFiles
from soleus.importing.ready import imported
from soleus.machine.files import cache_folder

FLAGS = ["--num-envs", "8", "--train.rollout-steps", "32", "--steps", "256", "--train.eval-episodes", "1"]
NO_MOTION = ["--motion", "null", "--task", "walk", "--control.mode", "torque"]


@pytest.fixture
def osim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "person.osim").write_text(person())
    return str(tmp_path / "person.osim")


def test_a_preset_takes_the_file_and_the_run_has_what_it_became(
    osim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--model", osim, *NO_MOTION, *FLAGS]
    assert main(["train", "walk-opensim", *flags, "--run-dir", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert f"importing {osim} by OpenSim" in said
    assert "note: locked coordinates are fixed where they are: subtalar_r\n" in said
    assert main(["train", "walk-opensim", *flags, "--run-dir", str(tmp_path / "again")]) == 0
    assert "importing" not in capsys.readouterr().out
    for folder in (tmp_path / "cache" / "soleus" / "opensim").iterdir():
        for file in folder.iterdir():
            file.unlink()
    Path(osim).unlink()
    monkeypatch.setitem(sys.modules, "opensim", None)
    assert evaluate(tmp_path / "run", 1)["episodes"] == 1
    assert main(["train", "--resume", str(tmp_path / "run"), "--steps", "512"]) == 0


def test_it_is_imported_again_for_other_files_and_other_locked_coordinates(osim: str) -> None:
    kept = []
    for lock in ((), ("mtp_*",), ("mtp_*",)):
        keys = {"model.osim": osim, "model.lock": list(lock), "motion": None, "task": "walk"}
        model = imported(load_human_config("walk-opensim", keys)).model
        assert isinstance(model, ModelFiles)
        assert (model.osim, model.lock) == (None, ())
        kept.append(Path(str(model.mjcf)))
        assert ('joint name="mtp_r"' in kept[-1].read_text()) == (not lock)
    assert kept[0] != kept[1] == kept[2]
    Path(osim).write_text(person(changes=[("<mass>30.0</mass>", "<mass>31.0</mass>")]))
    other = imported(load_human_config("walk-opensim", {"model": osim, "motion": None})).model
    assert isinstance(other, ModelFiles)
    assert Path(str(other.mjcf)) not in kept


def test_other_verbs_take_the_file_too(osim: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{0.02 * k}\t0.95\t{0.02 * k}\n" for k in range(51))
    motion = tmp_path / "still.mot"
    motion.write_text("still\nnRows=51\nnColumns=3\ninDegrees=no\nendheader\ntime\tpelvis_ty\tpelvis_tx\n" + rows)
    assert main(["motion", str(motion), "--model", osim]) == 2
    assert "still.mot" in capsys.readouterr().err
    assert main(["paths", osim]) == 2
    assert "expected a model with muscles, got one without" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["--model", "none.osim"], "model file 'none.osim' does not exist"),
        (["--model", "OSIM", "--motion", "none.mot"], "motion file 'none.mot' does not exist"),
        (["--model", "OSIM", "--model.lock", "[elbow]"], "lock: expected the name of a coordinate, or a pattern of"),
        (["--model", "OSIM", "--model.muscles", "x.npz"], "walk-opensim: model.muscles: expected it beside mjcf"),
        (["--model.osim", "OSIM", "--model.mjcf", "x.xml"], "model: expected mass, mjcf or osim, got mjcf and osim"),
    ],
)
def test_what_is_wrong_is_one_line(
    keys: list[str], said: str, osim: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [*NO_MOTION, *(osim if one == "OSIM" else one for one in keys)]
    run = tmp_path / "run"
    assert main(["train", "walk-opensim", *flags, "--run-dir", str(run)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert (error.count("\n"), run.exists()) == (1, False)


def test_without_the_package_it_says_how_to_get_it(
    osim: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "opensim", None)
    assert main(["train", "walk-opensim", "--model", osim, *NO_MOTION]) == 2
    assert "pip install 'soleus[opensim]'" in capsys.readouterr().err
    assert not cache_folder("opensim").exists()
