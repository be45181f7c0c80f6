"""Files of Hill-type muscles: what is written reads back the same, and what is garbled is one line that says what."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import hill_walker
from soleus.cli import main
from soleus.config import load_human_config
from soleus.errors import UserError
from soleus.models.hill_table import HillParameters, PathPieces, read_hill, to_bytes
from soleus.sim.muscle_paths import check_tendons
from soleus.sim.scenario import load_scenario


def test_a_file_reads_back_the_same(tmp_path: Path) -> None:
    table = hill_walker.odd_table(np.random.default_rng(0))
    file = tmp_path / "muscles.npz"
    file.write_bytes(to_bytes(table))
    again = read_hill(file)
    assert (again.names, again.coordinates) == (table.names, table.coordinates)
    for kind, name in ((HillParameters, "parameters"), (PathPieces, "pieces")):
        for key in kind.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(getattr(again, name), key), getattr(getattr(table, name), key))


GARBLED = {
    "no array 'piece_half'": {"piece_half": None},
    "its format is 2, not 1": {"format": np.array(2)},
    "optimal_fiber_length of 'two_r' is 0": {"optimal_fiber_length": np.array([0.08, 0.0, 0.05])},
    "max_isometric_force of 'one_r' is nan": {"max_isometric_force": np.array([np.nan, 1.0, 1.0])},
    "min_control has 2 entries for 3 muscles": {"min_control": np.zeros(2)},
    "pennation_angle_at_optimal is a right angle or more": {"pennation_angle_at_optimal": np.array([0.0, 2.0, 0.0])},
    "max_control is no row of numbers": {"max_control": np.array(["a", "b", "c"])},
    "piece_muscle is no row of whole numbers": {"piece_muscle": np.zeros(6)},
    "'three_r' has no path": {"piece_muscle": np.array([0, 0, 1, 1, 1, 1])},
    "piece_muscle counts beyond the 3 that there are": {"piece_muscle": np.array([0, 0, 1, 2, 2, 3])},
    "piece_coefficient_adr does not rise from 0": {"piece_coefficient_adr": np.array([0, 6, 12, 32, 47, 62, 60])},
    "its muscles have no names of their own": {"names": np.array(["one_r", "one_r", "three_r"])},
    "a piece has no range": {"piece_half": np.zeros(11)},
    "piece_coefficient is not finite": {"piece_coefficient": np.full(77, np.inf)},
}


@pytest.mark.parametrize("said", GARBLED)
def test_garbled_files_are_one_line(said: str, tmp_path: Path) -> None:
    file = tmp_path / "muscles.npz"
    file.write_bytes(to_bytes(hill_walker.odd_table(np.random.default_rng(0))))
    arrays = dict(np.load(file)) | GARBLED[said]
    np.savez(file, **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(UserError) as error:
        read_hill(file)
    assert str(error.value).startswith(f"{file}: expected muscles that `soleus import` wrote, but ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_other_files_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = hill_walker.write(tmp_path)
    file = Path(chosen["model.muscles"])
    whole = file.read_bytes()
    for content, said in ((b"muscle,f0", "it is no archive of arrays"), (whole[:2000], "it is no archive of arrays")):
        file.write_bytes(content)
        with pytest.raises(UserError, match=said):
            read_hill(file)
    file.unlink()
    config = tmp_path / "train.yaml"
    config.write_text(f"base: walk2d\nmodel: {{mjcf: {chosen['model.mjcf']}, muscles: {file}}}\n")
    assert main(["train", str(config), "--run-dir", str(tmp_path / "run")]) == 2
    assert "muscles.npz" in capsys.readouterr().err


def test_coordinates_of_another_model_are_named(tmp_path: Path) -> None:
    chosen = hill_walker.write(tmp_path)
    file = Path(chosen["model.muscles"])
    arrays = dict(np.load(file))
    arrays["coordinates"][0] = "hip_flexion_x"
    np.savez(file, **arrays)
    with pytest.raises(UserError, match=r"got 'hip_flexion_x' \(did you mean 'hip_flexion_[rl]'\?\)") as error:
        load_scenario(load_human_config("walk2d", chosen))
    assert "expected coordinates that are joints of the person" in str(error.value)


def test_muscles_of_the_model_beside_them_are_refused(tmp_path: Path) -> None:
    chosen = hill_walker.write(tmp_path)
    Path(chosen["model.mjcf"]).write_text(files("soleus.models").joinpath("walk2d.xml").read_text())
    with pytest.raises(UserError, match="expected muscles in the model or in a table, got both"):
        load_scenario(load_human_config("walk2d", chosen))


def test_their_paths_are_fitted_already(tmp_path: Path) -> None:
    scenario = load_scenario(load_human_config("walk2d", hill_walker.write(tmp_path)))
    with pytest.raises(UserError, match="Hill-type muscles, whose paths are polynomials already"):
        check_tendons(scenario.human, scenario.config)
