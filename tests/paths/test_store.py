"""Fitted paths in files: fitted once, compared with the model that they are read for, carried along by runs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from soleus.cli import main
from soleus.config import load_human_config
from soleus.errors import UserError
from soleus.paths import read_paths, to_bytes
from soleus.sim import muscle_paths
from soleus.sim.muscle_paths import exact_paths
from soleus.sim.scenario import Scenario, load_scenario

FITTED = {"control.paths": "fitted"}


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "soleus" / "paths"


def _load(**others: str) -> Scenario:
    return load_scenario(load_human_config("walk2d", {**FITTED, **others}))


def test_a_model_is_fitted_once(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _load().paths
    assert first
    assert len(list(own_cache.iterdir())) == 1
    monkeypatch.setattr("soleus.paths.store.fit_paths", None)  # not called any more
    again = _load().paths
    assert again
    assert again.muscles == first.muscles
    np.testing.assert_array_equal(again.coefficient, first.coefficient)


def test_a_cache_that_is_broken_is_fitted_again(own_cache: Path) -> None:
    first = _load().paths
    assert first
    (file,) = own_cache.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    again = _load().paths
    assert again
    np.testing.assert_array_equal(again.coefficient, first.coefficient)
    assert file.stat().st_size > 100


def test_a_cache_that_cannot_be_written_is_done_without(own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_cache.parent.parent.write_text("a file where the folder would be")
    assert _load().paths
    assert "warning: the fitted paths could not be kept for the next time" in capsys.readouterr().err


def test_what_needs_no_paths_fits_none(own_cache: Path) -> None:
    assert _load(**{"control.mode": "torque"}).paths is None
    assert _load(**{"control.engine": "mujoco"}).paths is None
    assert _load(**{"control.paths": "exact"}).paths is None
    assert not own_cache.exists()


def test_a_file_of_other_paths_is_refused(own_cache: Path, tmp_path: Path) -> None:
    scenario = _load()
    assert scenario.paths
    human, measure = scenario.human, exact_paths(scenario.human, scenario.config)
    good = tmp_path / "good.npz"
    good.write_bytes(to_bytes(scenario.paths))
    assert read_paths(good, human, measure).muscles == scenario.paths.muscles
    scenario.paths.coefficient[:] *= 1.1
    bad = tmp_path / "bad.npz"
    bad.write_bytes(to_bytes(scenario.paths))
    with pytest.raises(UserError, match=r"bad\.npz: expected muscle paths .* fitted to this model, .* mm off, where"):
        read_paths(bad, human, measure)
    garbage = tmp_path / "garbage.npz"
    for content in (b"", b"nothing of the kind", good.read_bytes()[:-40]):
        garbage.write_bytes(content)
        with pytest.raises(UserError, match=r"garbage\.npz: expected muscle paths"):
            read_paths(garbage, human, measure)
    legs = load_scenario(load_human_config("walk-myolegs", {"control.paths": "exact"}))
    measure = exact_paths(legs.human, legs.config)
    with pytest.raises(UserError, match="its muscles have other names"):
        read_paths(good, legs.human, measure)


def test_a_run_carries_its_paths(own_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    train = ["train", "test-walk2d-small", "--steps", "2048", "--control.paths", "fitted"]
    assert main([*train, "--run-dir", str(run)]) == 0
    assert "paths: 18 of 18 muscles fitted" in capsys.readouterr().out
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["control"]["paths_file"] == "inputs/control.paths_file/paths.npz"
    assert (run / config["control"]["paths_file"]).is_file()
    shutil.rmtree(own_cache)
    moved = run.rename(tmp_path / "elsewhere")
    assert main(["train", "--resume", str(moved), "--steps", "4096"]) == 0
    assert main(["evaluate", str(moved), "--episodes", "1"]) == 0
    for other in (("--engine", "mujoco"), ("--model", "walk2d")):
        assert main(["evaluate", str(moved), "--episodes", "1", *other]) == 0, other
    capsys.readouterr()
    (moved / config["control"]["paths_file"]).write_bytes(b"something else")
    assert main(["evaluate", str(moved), "--episodes", "1"]) == 2
    assert "expected the control that the run was trained with" in capsys.readouterr().err


def test_a_run_keeps_the_paths_that_it_began_with(
    own_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["train", "test-walk2d-small", "--steps", "2048", "--run-dir", str(run)]) == 0
    assert main(["train", "--resume", str(run), "--steps", "4096", "--control.paths", "fitted"]) == 2
    assert "control.paths" in capsys.readouterr().err


def test_what_cannot_be_fitted_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"paths: expected fitted beside a paths_file, got exact"):
        load_human_config("walk2d", {"control.paths_file": "some.npz"})
    walker = load_scenario(load_human_config("walk2d"))
    bare = type("Bare", (), {"muscle_names": (), "polylines": None})()
    with pytest.raises(UserError, match="expected a model with muscles, got one without"):
        muscle_paths.check_tendons(bare, walker.config)
