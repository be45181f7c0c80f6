"""Motions as CSV files: there and back, and each mistake with its line or column."""

from dataclasses import fields

import numpy as np
import pytest

from soleus import motions
from soleus.errors import UserError
from soleus.motions.bvh import read_bvh
from soleus.motions.placing import place
from soleus.motions.table import columns, read_table, write_table
from strider import AXES, CHANNELS, HIP_R, KNEE_L, PITCH, YAW, X, Z, save, standing, strider


@pytest.fixture(scope="module")
def human():
    return strider()


@pytest.fixture
def turning(tmp_path, human):
    """Eight frames of a lap that turns."""
    share = np.linspace(0, 1, 9)
    rows = standing(9)
    rows[:, Z], rows[:, X], rows[:, YAW], rows[:, PITCH] = 80 * share, 9 * share**2, 35 * share, 12
    rows[:, HIP_R[1]], rows[:, KNEE_L[1]] = 25 * np.sin(2 * np.pi * share), 30
    return place("turning", read_bvh(save(tmp_path / "a.bvh", rows)), human, CHANNELS, AXES, hz=20)


def assert_same(read, written):
    for field in fields(written):
        if field.name != "name":
            got, wanted = getattr(read, field.name), getattr(written, field.name)
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12, err_msg=field.name)
    assert read.duration == written.duration


def test_there_and_back(tmp_path, human, turning):
    assert abs(turning.turn) > 0.5
    path = tmp_path / "lap.csv"
    write_table(path, turning, human)
    read = read_table(path, human)
    assert read.name == "lap"
    assert_same(read, turning)


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_gait_cycles_too(tmp_path, model, request):
    human = request.getfixturevalue(model)
    walk = motions.load("walk", human)
    write_table(tmp_path / "walk.csv", walk, human)
    read = read_table(tmp_path / "walk.csv", human)
    assert_same(read, walk)
    assert read.turn == 0


def test_what_is_written(tmp_path, human, turning):
    path = tmp_path / "lap.csv"
    write_table(path, turning, human)
    lines = path.read_text().splitlines()
    assert lines[0] == (
        "time,root_tx,root_ty,root_tz,root_qw,root_qx,root_qy,root_qz,hip_r_qw,hip_r_qx,hip_r_qy,hip_r_qz,knee_r,"
        "hip_l_qw,hip_l_qx,hip_l_qy,hip_l_qz,knee_l"
    )
    assert len(lines) == 1 + 9
    rows = np.array([[float(word) for word in line.split(",")] for line in lines[1:]])
    np.testing.assert_array_equal(rows[:-1, 1:], turning.qpos)  # in full
    np.testing.assert_allclose(rows[:, 0], np.arange(9) * 0.05)
    np.testing.assert_allclose(rows[-1, 1:4], turning.qpos[0, :3] + turning.displacement, atol=1e-15)
    np.testing.assert_array_equal(rows[-1, 8:], turning.qpos[0, 7:])


def test_planar_columns_are_the_joints(walk2d):
    names = columns(walk2d)
    assert len(names) == walk2d.model.nq
    assert set(walk2d.coordinate_names) <= set(names)


def test_columns_in_any_order_and_quaternions_of_any_sign(tmp_path, human, turning):
    path = tmp_path / "lap.csv"
    write_table(path, turning, human)
    rows = [line.split(",") for line in path.read_text().splitlines()]
    rows[-1][8:12] = [repr(-float(word)) for word in rows[-1][8:12]]
    path.write_text("\n".join(",".join(reversed(row)) for row in rows) + "\n\n")
    assert_same(read_table(path, human), turning)


def edit(row, column, value):
    """Put a value into a row of the file (0: the header); column None: into all of the row's place."""

    def change(rows):
        if column is None:
            rows[row] = value(rows[row])
        else:
            at = rows[0].index(column)
            rows[row][at] = value(rows[row][at]) if callable(value) else value

    return change


def drop(column):
    def change(rows):
        at = rows[0].index(column)
        for row in rows:
            del row[at]

    return change


def add(number):
    return lambda word: repr(float(word) + number)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            edit(0, "knee_r", "kne_r"),
            r": expected the model's columns, got 'kne_r', which it lacks \(did you mean 'knee_r'\?\), and none of",
        ),
        (
            lambda rows: rows[0].__setitem__(slice(1, 3), ["a", "b"]),
            r": expected the model's columns, got 'a', 'b', which it lacks, and none of 'root_tx', 'root_ty'$",
        ),
        (edit(0, "knee_r", "knee_l"), r": expected every column once, got 'knee_l' twice"),
        (drop("root_qx"), r": expected a column 'root_qx', got none of that name"),
        (drop("time"), r": expected a column 'time', got none of that name"),
        (edit(3, None, lambda row: row[:-1]), r" line 4: expected 18 numbers, one a column, got 17"),
        (edit(3, None, lambda row: [*row, "1"]), r" line 4: expected 18 numbers, one a column, got 19"),
        (edit(2, "knee_r", "bent"), r" line 3: expected a finite number for 'knee_r', got 'bent'"),
        (edit(2, "knee_r", "nan"), r" line 3: expected a finite number for 'knee_r', got 'nan'"),
        (edit(5, "time", "0.21"), r" line 6: expected times that rise evenly, by 0.05 s a row, got 0.15, then 0.21"),
        (edit(9, "time", "0"), r" line 10: expected times that rise from row to row, got 0.35, then 0"),
        (
            edit(4, "hip_r_qw", "0.5"),
            r" line 5: expected a quaternion of unit length for 'hip_r', got one of len",
        ),
        (edit(4, "root_qw", "2"), r" line 5: expected a quaternion of unit length for 'root', got one of length 2\."),
        (
            edit(9, "knee_l", add(0.01)),
            r" column 'knee_l': expected the last row to be the .*: -0.52.*, got -0.51",
        ),
        (edit(9, "root_tz", add(0.01)), r" column 'root_tz': expected the last row to be the first one lap later, .*"),
        (lambda rows: rows.__setitem__(slice(3, None), []), r": expected at least 3 rows, of which the last .*, got 2"),
        (lambda rows: rows.clear(), r": expected a header and rows of numbers, got an empty file"),
    ],
)
def test_mistakes(tmp_path, human, turning, change, message):
    path = tmp_path / "lap.csv"
    write_table(path, turning, human)
    rows = [line.split(",") for line in path.read_text().splitlines()]
    change(rows)
    path.write_text("\n".join(",".join(row) for row in rows))
    with pytest.raises(UserError, match=r"^motion table '.*lap\.csv'" + message) as caught:
        read_table(path, human)
    assert "\n" not in str(caught.value)


def test_a_last_row_that_tips_over(tmp_path, human, turning):
    path = tmp_path / "lap.csv"
    write_table(path, turning, human)
    lines = path.read_text().splitlines()
    last = lines[-1].split(",")
    last[4:8] = ["0.7071067811865476", "0.7071067811865476", "0", "0"]
    path.write_text("\n".join([*lines[:-1], ",".join(last)]))
    with pytest.raises(UserError, match=r"column 'root_q[wxyz]': expected the last row to be the first one lap later"):
        read_table(path, human)


def test_files_that_cannot_be_read_or_written(tmp_path, human, turning):
    with pytest.raises(UserError, match=r"none\.csv' cannot be read: No such file"):
        read_table(tmp_path / "none.csv", human)
    (tmp_path / "binary.csv").write_bytes(b"\xff\x00\x81")
    with pytest.raises(UserError, match=r"binary\.csv': expected a CSV file, got 'utf-8' codec can't decode"):
        read_table(tmp_path / "binary.csv", human)
    with pytest.raises(UserError, match=r"lap\.csv' cannot be written: No such file"):
        write_table(tmp_path / "none" / "lap.csv", turning, human)


@pytest.mark.parametrize("between", ["\t", ";"])
def test_columns_between_tabs_or_semicolons(between, tmp_path, turning, human):
    path = tmp_path / "lap.csv"
    write_table(path, turning, human)
    path.write_text(path.read_text().replace(",", between))
    assert_same(read_table(path, human), turning)
