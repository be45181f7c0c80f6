"""Jumps of joints and of the pelvis, in every format: an error that says where; and what people do is none."""

import csv
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml
from test_units import STRIDE, rewritten

from soleus import motions
from soleus.config.sources import BvhMotion, MassFiles, ModelFiles
from soleus.errors import UserError
from soleus.models import load
from soleus.motions.bvh import read_bvh
from soleus.motions.jumps import JOINT, PLACE, find_jump
from soleus.motions.rotations import about_z, multiply
from soleus.motions.table import write_table

MASS = Path(__file__).parents[1] / "mass"


@pytest.fixture(scope="module")
def person():
    return load(ModelFiles(mass=MassFiles(skeleton=str(MASS / "person.xml"))))


def edited(path: Path, human, change) -> str:
    """Write the built-in walk's table with its numbers changed: change(names, numbers)."""
    write_table(path, motions.load("walk", human), human)
    rows = list(csv.reader(path.open()))
    numbers = np.array(rows[1:], dtype=float)
    change(rows[0], numbers)
    path.write_text("\n".join([",".join(rows[0]), *(",".join(map(repr, row)) for row in numbers.tolist())]) + "\n")
    return str(path)


def moved(column: str, by: float, first: int, last: int):
    def change(names, numbers):
        numbers[first:last, names.index(column)] += by

    return change


def turned(names, numbers):
    at = names.index("root_qw")
    numbers[50:90, at : at + 4] = multiply(about_z(np.pi / 2), numbers[50:90, at : at + 4])


@pytest.mark.parametrize(
    ("model", "change", "said"),
    [
        ("walk2d", moved("knee_angle_r", 0.5, 40, 41), r"line 4[23] column 'knee_angle_r': .* got [+-]0\.\d+ since"),
        ("walk2d", moved("knee_angle_r", 1.5, 40, 80), r"line (42|82) column 'knee_angle_r'"),
        ("walk2d", moved("root_tx", 0.1, 40, 41), r"line 4[23] column 'root_tx'"),
        ("walk2d", moved("root_tx", 30.0, 64, 200), r"line 66 column 'root_tx': .* got \+30\.0\d since .*, 0\.008"),
        ("walk2d", moved("root_ry", 0.5, 40, 80), r"line (42|82) column 'root_ry'"),
        ("myolegs", moved("knee_angle_r", 1.0, 40, 41), r"line 4[23] column 'knee_angle_r'"),
        ("myolegs", moved("root_ty", 0.5, 40, 80), r"line (42|82) column 'root_ty': .* got [+-]0\.[45]\d* since"),
        ("myolegs", moved("root_tz", 0.3, 40, 41), r"line 4[23] column 'root_tz'"),
        ("myolegs", turned, r"line (52|92) column 'root_qw': .* got a turn by 90 degrees since the line before"),
    ],
)
def test_tables(model, change, said, tmp_path, request):
    human = request.getfixturevalue(model)
    with pytest.raises(UserError, match=r"expected a motion without jumps.*") as error:
        motions.load(edited(tmp_path / "w.csv", human, change), human)
    assert error.match(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("column", "by", "said"),
    [
        (0, 30.0, r"the root's position 'hips' moving by 0\.3\d* m from frame 11 to frame 12"),
        (1, 90.0, r"the root's position 'hips' moving by 0\.\d* m from frame 11 to frame 12"),
        (5, 60.0, r"joint 'hips' turning by \d+ degrees from frame 11 to frame 12"),
        (10, 60.0, r"joint 'shin_r' turning by \d+ degrees from frame 11 to frame 12"),
    ],
)
def test_clips(column, by, said, person, tmp_path):
    def change(rows):
        rows[12:, column] += by
        return rows

    path = rewritten(tmp_path / "a.bvh", read_bvh(STRIDE), frames=change)
    with pytest.raises(UserError, match=rf"without jumps, got {said}, after [\d.]* s: motion\.from and motion\.to"):
        motions.load(BvhMotion(bvh=path), person)


@pytest.mark.parametrize(("key", "by"), [("angles.knee_flexion", 100), ("pelvis.tilt", 40), ("pelvis.sway", 0.3)])
def test_gait_cycles(key, by, tmp_path, myolegs):
    cycle = yaml.safe_load(files("soleus.motions").joinpath("walk.yaml").read_text())
    section, name = key.split(".")
    table = cycle[section][name]
    table[len(table) - 1] += by  # beside the first, as a stride follows a stride
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(cycle))
    with pytest.raises(UserError, match=rf"'{key}' must not jump, got .* as samples \d+ and \d+, 0\.0\d+ s apart"):
        motions.load(path, myolegs)


@pytest.mark.parametrize("hz", [10, 24, 30, 60, 120, 480])
def test_what_people_do_is_no_jump(hz):
    times = np.arange(0, 2, 1 / hz)
    kick = 1.2 * np.exp(-(((times - 1) / 0.06) ** 2))  # [rad], up to 17 rad/s
    run = 0.9 * np.sin(2 * np.pi * 1.5 * times) + 0.4 * np.sin(2 * np.pi * 4.5 * times)
    noise = 0.02 * np.random.default_rng(0).normal(size=len(times))
    for angles in (run, run + noise, *([kick] if hz > 20 else [])):
        assert find_jump(np.diff(angles)[:, None], 1 / hz, JOINT) is None
    hop = np.maximum(0.0, 0.3 - 9.81 / 2 * (times % 0.5 - 0.25) ** 2)  # [m] lands at 2.4 m/s, at once
    assert find_jump(np.diff(hop)[:, None], 1 / hz, PLACE) is None


def test_the_worst_of_several_is_named():
    angles = np.zeros(40)
    angles[10:] += 1.0
    angles[30:] += 2.0
    jump = find_jump(np.diff(angles)[:, None], 1 / 30, JOINT)
    assert (jump.frame, jump.size) == (29, pytest.approx(2.0))
    assert find_jump(np.full((9, 1), 200.0) / 30, 1 / 30, JOINT).size == pytest.approx(200 / 30)  # evenly, too fast
