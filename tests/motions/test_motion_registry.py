from importlib.resources import files

import numpy as np
import pytest
import yaml

from soleus import models, motions
from soleus.errors import UserError
from soleus.motions.cycle import fit_series, read_cycle, steady_trunk


@pytest.fixture
def table():
    return yaml.safe_load(files("soleus.motions").joinpath("walk.yaml").read_text())


def save(tmp_path, content):
    path = tmp_path / "mine.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_a_users_cycle(tmp_path, table, walk2d):
    table["name"] = "stroll"
    table["stride"] = 1.3
    motion = motions.load(save(tmp_path, table), walk2d)
    assert motion.name == "stroll"
    assert motion.displacement[0] == pytest.approx(1.3 * walk2d.root_height, abs=0.03)


def in_radians(table):
    for part in ("angles", "pelvis"):
        for key, values in table[part].items():
            if key != "sway":
                table[part][key] = [float(np.deg2rad(value)) for value in values]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(duraton=1), r"unknown key 'duraton', nearest is 'duration'"),
        (
            lambda t: t["angles"].update(hip_flexon=[0] * 8),
            r"unknown key 'angles.hip_flexon', nearest is 'angles.hip_fl",
        ),
        (lambda t: t.update(duration=-1), r"'duration' must be a positive number \[s\], got -1"),
        (lambda t: t.update(duration=float("nan")), r"'duration' must be a positive number \[s\], got nan"),
        (lambda t: t.update(stance=1.5), r"'stance' must be a part of the stride between 0 and 1, got 1.5"),
        (lambda t: t.pop("stance"), r"'stance' must be a part of the stride between 0 and 1, got None"),
        (lambda t: t.update(angles=3), r"'angles' must hold tables of hip_flexion, .*, got 3"),
        (lambda t: t["angles"].update(knee_flexion=[1, 2, 3]), r"'angles.knee_flexion' must be an even number"),
        (lambda t: t["pelvis"].update(tilt=["a"] * 8), r"'pelvis.tilt' must be an even number \(8 or more\) of finite"),
        (lambda t: t.update(duration=1090), r"'duration' must be from 0.2 to 10 \[s\], got 1090"),
        (lambda t: t.update(leg_length=92), r"'leg_length' must be from 0.2 to 2 \[m\], got 92"),
        (lambda t: t.update(stride=139), r"'stride' must be from 0.02 to 5 \[leg lengths\], got 139"),
        (lambda t: t["pelvis"].update(sway=[7.0] * 8), r"'pelvis.sway' must be within 0.5 \[m\], got 7"),
        (lambda t: t["angles"].update(knee_flexion=[300] * 8), r"'angles.knee_flexion' must be within 180 .*, got 300"),
        (in_radians, r"'angles' must be in degrees, got none beyond 1\.\d+: are they in radians\?"),
        (lambda t: t["angles"].pop("knee_flexion"), r"the motion has no 'knee_flexion', which model 'walk2d' needs"),
    ],
)
def test_bad_tables(tmp_path, table, walk2d, change, message):
    change(table)
    with pytest.raises(UserError, match=message) as caught:
        motions.load(save(tmp_path, table), walk2d)
    assert "\n" not in str(caught.value)


def test_bad_files(tmp_path, walk2d):
    with pytest.raises(UserError, match=r"none\.yaml' cannot be read: No such file"):
        motions.load(tmp_path / "none.yaml", walk2d)
    with pytest.raises(UserError, match=r"mine\.yaml' line 1: expected valid YAML"):
        motions.load(save(tmp_path, "a: [1"), walk2d)
    with pytest.raises(UserError, match=r"mine\.yaml': expected keys and tables, got list"):
        motions.load(save(tmp_path, "[1, 2]"), walk2d)


def test_unknown_motion(walk2d):
    with pytest.raises(
        UserError,
        match=r"unknown motion 'wlak': expected one of walk, run, \.yaml, \.csv, .* or \.bvh; nearest is 'walk'",
    ):
        motions.load("wlak", walk2d)


def test_a_model_that_lacks_a_joint(tmp_path):
    text = files("soleus.models").joinpath("walk2d.xml").read_text()
    path = tmp_path / "stiff.xml"
    path.write_text(text.replace('name="knee_angle_l"', 'name="hinge_l"'))
    with pytest.raises(
        UserError, match=r"'stiff' has no joint for the left 'knee_flexion' .* like 'knee_angle_l' among"
    ):
        motions.load("walk", models.load(path))


def test_series_reproduce_their_harmonics():
    phase = np.arange(20) / 20
    series = fit_series(3 + 2 * np.cos(2 * np.pi * phase) - np.sin(6 * np.pi * phase), [0, 1, 2, 3])
    np.testing.assert_allclose(series.coefficients, [3, 2, 0, 0, 0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(series(phase + 1.0), series(phase), atol=1e-12)


def test_a_steady_trunk_leaves_the_legs_where_they_were(tmp_path, table):
    """Adduction less list, and hip plus pelvis rotation, are the leg's directions in space."""
    cycle = read_cycle(save(tmp_path, table))
    steady, phase = steady_trunk(cycle), np.linspace(0, 1, 7)
    for angle, part, sign in (("hip_adduction", "list", -1), ("hip_internal_rotation", "rotation", 1)):
        before = cycle.angles[angle](phase) + sign * cycle.pelvis[part](phase)
        after = steady.angles[angle](phase) + sign * steady.pelvis[part](phase)
        np.testing.assert_allclose(after, before, atol=1e-12)
        assert np.abs(steady.pelvis[part](phase)).max() < 0.3 * np.abs(cycle.pelvis[part](phase)).max()


@pytest.mark.parametrize("name", ["lap.txt", "walk.XLS", "clip.fbx"])
def test_endings_that_are_no_motions(name, walk2d):
    with pytest.raises(UserError, match=rf"'{name}': expected a name that ends in \.bvh .*, got \.") as error:
        motions.load(name, walk2d)
    assert "nearest" not in str(error.value)


@pytest.mark.parametrize(("name", "said"), [("a.urdf", "compile program"), ("a.mjcf", r"as \.xml"), ("a.osim", "")])
def test_endings_that_are_no_models(name, said):
    with pytest.raises(UserError, match=rf"'{name}': expected a name that ends in \.xml .*{said}") as error:
        models.load(name)
    assert "nearest" not in str(error.value)
