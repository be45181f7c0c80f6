"""Muscles of OpenSim's models: their parameters, and lengths and moment arms against OpenSim itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import small_leg
from soleus.errors import UserError
from soleus.importing.opensim.muscles import MISSED, ImportedMuscles, read_muscles
from soleus.importing.opensim.ranges import fitted_range
from soleus.importing.opensim.sampling import PathSampler
from soleus.models.hill_muscles import HillMuscles
from soleus.paths.everywhere import lengths_and_gradients

opensim: Any = pytest.importorskip("opensim")
opensim.Logger.setLevelString("off")
opensim.Logger.removeFileSink()

JOINTS = (small_leg.HIP, small_leg.KNEE, small_leg.ANKLE)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    loaded = opensim.Model(str(small_leg.write(opensim, tmp_path_factory.mktemp("leg"))))
    loaded.initSystem()
    return loaded


@pytest.fixture(scope="module")
def imported(model: Any) -> ImportedMuscles:
    return read_muscles(opensim, model, JOINTS, {}, Path("muscles.npz"))


def test_parameters_are_those_of_the_file_whatever_the_class(imported: ImportedMuscles) -> None:
    assert imported.table.names == ("straight_r", "by_the_kneecap_r", "wrapped_r", "jumping_r")
    p = imported.table.parameters
    np.testing.assert_array_equal(p.max_isometric_force, [900, 1500, 2000, 500])
    np.testing.assert_array_equal(p.optimal_fiber_length, [0.12, 0.1, 0.06, 0.1])
    np.testing.assert_array_equal(p.tendon_slack_length, [0.28, 0.2, 0.25, 0.1])
    np.testing.assert_array_equal(p.pennation_angle_at_optimal, [0.1, 0.2, 0.4, 0.0])
    np.testing.assert_array_equal(p.max_contraction_velocity, [10, 12, 10, 10])
    # Set ones of Thelen's class; the defaults of Millard's, of De Groote's and of Thelen's.
    np.testing.assert_array_equal(p.activation_time_constant, [0.013, 0.010, 0.015, 0.015])
    np.testing.assert_array_equal(p.deactivation_time_constant, [0.047, 0.040, 0.060, 0.050])
    np.testing.assert_array_equal(p.min_control, [0.01, 0.02, 0.0, 0.01])
    np.testing.assert_array_equal(p.max_control, np.ones(4))


def test_what_is_left_out_is_said(imported: ImportedMuscles) -> None:
    assert "muscle off_r is left out: it applies no force" in imported.lines()
    assert "muscle idle_r is left out: it crosses 0 joints, not 1 to 6" in imported.lines()
    assert imported.missed == ()


def test_paths_are_opensims(model: Any, imported: ImportedMuscles) -> None:
    """Straight, by a kneecap that follows, round a cylinder, and past a point that comes and goes."""
    muscles = [m for m in model.getMuscles() if str(m.getName()) in imported.table.names]
    sampler = PathSampler(opensim, model, muscles, JOINTS)
    rng = np.random.default_rng(5)
    low, high = np.deg2rad([[low, high] for *_, low, high in small_leg.JOINTS]).T
    poses = rng.uniform(low, high, (100, 3))
    own = HillMuscles(imported.table.names, imported.table.parameters, imported.table.pieces)
    lengths, gradients = lengths_and_gradients(own, poses)
    for n, pose in enumerate(poses):
        np.testing.assert_allclose(sampler.lengths(pose), lengths[n], atol=3 * MISSED.length)
        arms = [[sampler.moment_arm(m, c) for c in range(3)] for m in range(4)]
        np.testing.assert_allclose(-gradients[n], arms, atol=MISSED.worst)


def test_moment_arms_are_the_fall_of_lengths_in_opensim_too(model: Any) -> None:
    muscles = list(model.getMuscles())
    sampler = PathSampler(opensim, model, muscles, JOINTS)
    crossed = np.ones((len(muscles), 3), bool)
    poses = np.random.default_rng(6).uniform(-0.4, 0.08, (20, 3))
    _, gradients, _ = sampler.sample(poses, crossed)
    for n, pose in enumerate(poses):
        sampler.lengths(pose)
        arms = [[sampler.moment_arm(m, c) for c in range(3)] for m in range(len(muscles))]
        np.testing.assert_allclose(-gradients[n], arms, atol=2e-6)


def test_a_path_that_jumps_jumps_where_the_file_says(imported: ImportedMuscles) -> None:
    table = imported.table
    own = [piece for piece in range(len(table.pieces)) if table.names[table.pieces.muscle[piece]] == "jumping_r"]
    edges = sorted(table.pieces.low[table.pieces.coordinates_of(piece)][0] for piece in own)
    assert edges == [-np.inf, 0.5]


def test_ranges_are_no_wider_than_peoples_but_as_wide_as_motions() -> None:
    wide = np.deg2rad(120.0)
    assert np.rad2deg(fitted_range("hip_adduction_l", -wide, wide, 0.0, {})) == pytest.approx((-50, 30))
    moved = {"hip_adduction_l": np.deg2rad([-10.0, 40.0])}
    assert np.rad2deg(fitted_range("hip_adduction_l", -wide, wide, 0.0, moved)) == pytest.approx((-50, 45))
    assert np.rad2deg(fitted_range("knee_angle_r", -wide, 0.2, 0.0, {}))[0] == pytest.approx(-120)
    assert fitted_range("odd", 0.1, 0.2, 0.3, {}) == (0.1, 0.3)


def test_parameters_that_no_muscle_can_have_are_named(tmp_path: Path) -> None:
    file = small_leg.write(opensim, tmp_path)
    before = "<max_contraction_velocity>12"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, "<max_contraction_velocity>0"))
    broken = opensim.Model(str(file))
    broken.initSystem()
    with pytest.raises(UserError, match="muscle 'by_the_kneecap_r': expected positive lengths"):
        read_muscles(opensim, broken, JOINTS, {}, Path("muscles.npz"))
