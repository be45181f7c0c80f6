"""Recordings of several strides: one is found, closed and over ground; what is no stride is an error."""

import re

import mujoco
import numpy as np
import pytest

from soleus import motions
from soleus.config.sources import TableMotion
from soleus.errors import UserError
from soleus.motions.table import write_table
from storage_files import SHARED, coordinates, write_storage

NEGATIVE = {f"knee_angle_{side}": f"-knee_angle_{side}" for side in "rl"}
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no recordings of OpenSim's in {SHARED}")


def load(path, human, **keys):
    return motions.load(TableMotion(table=str(path), **keys), human)


def recorded(human, laps=3, first=0):
    """The built-in walk and its coordinates over some laps, from a row of the first."""
    walk = motions.load("walk", human)
    return walk, {name: values[first:] for name, values in coordinates(walk, human, laps).items()}


def hinges(human):
    model = human.model
    own = [j for j in range(model.njnt) if model.jnt_type[j] == 3 and model.jnt_bodyid[j] != human.root_body]
    return model.jnt_qposadr[own]


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_one_of_several_laps(tmp_path, model, request):
    human = request.getfixturevalue(model)
    walk, columns = recorded(human, first=37)
    motion = load(write_storage(tmp_path / "a.mot", columns), human)
    assert motion.duration == pytest.approx(walk.duration)
    assert motion.speed == pytest.approx(walk.speed, rel=1e-6)
    assert motion.turn == 0
    np.testing.assert_allclose(motion.displacement[1:], 0, atol=1e-9)
    at = hinges(human)
    shift = min(range(128), key=lambda k: np.abs(np.roll(walk.qpos, -k, axis=0)[:, at] - motion.qpos[:, at]).max())
    assert shift > 120 or shift < 8  # the walk begins at the right heel strike too
    np.testing.assert_allclose(np.roll(walk.qpos, -shift, axis=0)[:, at], motion.qpos[:, at], atol=1e-6)
    row = 128 + shift - 37 - 128 * (shift > 64)
    ends = (
        rf"rows ({row}|{row + 128}) to ({row + 128}|{row + 256}) of 348 \(.* s\) are the lap from a right heel strike"
    )
    assert len(motion.notes) == 1
    assert re.match(ends, motion.notes[0])


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_a_treadmill(tmp_path, model, request):
    human = request.getfixturevalue(model)
    walk, columns = recorded(human, first=20)
    columns["pelvis_tx"] = columns["pelvis_tx"] - walk.speed * columns["time"]
    motion = load(write_storage(tmp_path / "a.mot", columns), human)
    assert motion.speed == pytest.approx(walk.speed, rel=0.02)
    assert motion.notes[0].startswith(
        "the pelvis hardly moves while the standing feet do: a treadmill, whose belt runs"
    )


def test_a_treadmill_of_ones_own_model(tmp_path, myolegs):
    walk = motions.load("walk", myolegs)
    qpos = np.vstack([walk.qpos] * 3)
    qpos[:, 0] -= walk.speed * walk.duration / 128 * (np.arange(len(qpos)) % 128)
    np.savez(tmp_path / "a.npz", qpos=qpos, hz=128 / walk.duration)
    motion = load(tmp_path / "a.npz", myolegs)
    assert motion.speed == pytest.approx(walk.speed, rel=0.02)
    assert "treadmill" in motion.notes[0]
    assert "are the lap" in motion.notes[1]


def test_legs_of_another_length(tmp_path, walk2d):
    walk, columns = recorded(walk2d)
    columns["pelvis_tx"] *= 1.1
    motion = load(write_storage(tmp_path / "a.mot", columns), walk2d)
    assert motion.speed == pytest.approx(walk.speed, rel=0.02)
    assert "which in the file goes at" in motion.notes[0]


def test_a_step_to_the_side_is_no_circle(tmp_path, myolegs):
    walk, columns = recorded(myolegs)
    columns["pelvis_rotation"] = columns["pelvis_rotation"] + 0.02 * columns["time"]
    motion = load(write_storage(tmp_path / "a.mot", columns), myolegs)
    assert motion.turn == 0
    assert motion.speed == pytest.approx(walk.speed, rel=0.02)


def test_rows_and_laps_that_are_said(tmp_path, walk2d):
    walk, columns = recorded(walk2d)
    path = write_storage(tmp_path / "a.mot", columns)
    lap = walk.duration
    motion = load(path, walk2d, lap="close", **{"from": lap, "to": 2 * lap})
    np.testing.assert_allclose(motion.qpos[:, 3:], walk.qpos[:, 3:], atol=1e-6)
    assert motion.notes == ()
    with pytest.raises(UserError, match=r"expected the last row to be about .* degrees; .*motion.lap: find finds"):
        load(path, walk2d, lap="close", to=1.5 * lap)
    with pytest.raises(UserError, match=r"expected the last row to be the first one lap later.* find finds"):
        load(path, walk2d, lap="given", to=1.5 * lap)
    assert load(path, walk2d, lap="given", to=lap).duration == pytest.approx(walk.duration)


def test_tables_of_several_laps(tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    path = tmp_path / "a.csv"
    write_table(path, walk, walk2d)
    lines = path.read_text().splitlines()
    rows = np.array([[float(word) for word in line.split(",")] for line in lines[1:]])
    on = rows[1:].copy()
    on[:, :2] += rows[-1, :2]
    both = np.vstack([rows, on])[11:]
    path.write_text("\n".join([lines[0], *(",".join(f"{value:.12f}" for value in row) for row in both)]))
    with pytest.raises(UserError, match=r"motion.lap: find finds them"):
        load(path, walk2d)
    motion = load(path, walk2d, lap="find")
    assert motion.duration == pytest.approx(walk.duration)
    assert motion.speed == pytest.approx(walk.speed)


@pytest.mark.parametrize("rows", [4, 200])
def test_nothing_that_repeats_itself(tmp_path, walk2d, rows):
    times = np.arange(rows) / 100
    columns = {"time": times} | {f"hip_flexion_{side}": 0.4 * times for side in "rl"}
    path = write_storage(tmp_path / "a.mot", columns, degrees=False)
    with pytest.raises(UserError, match=rf"'.*a\.mot': expected a motion that repeats itself .*, got {rows} rows"):
        load(path, walk2d)


# Duration [s] and speed [m/s]: what the note beside the files says of speeds, times the models' shorter legs, within a
# tenth; strides as counted in a plot of the hip angles.
RECORDINGS = [
    ("gait2392_walk", NEGATIVE, 1.233, 1.05, True),
    ("gait10dof18musc_walk", NEGATIVE, 1.233, 1.05, True),
    ("rajagopal_walk", {}, 1.14, 1.2, False),
    ("rajagopal_run", {}, 0.69, None, True),
]


@needs_shared
@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
@pytest.mark.parametrize(("name", "columns", "duration", "speed", "treadmill"), RECORDINGS)
def test_recordings_of_people(name, columns, duration, speed, treadmill, model, request):
    human = request.getfixturevalue(model)
    motion = load(SHARED / f"{name}.mot", human, columns=columns)
    assert motion.duration == pytest.approx(duration, abs=0.02)
    if speed:
        assert motion.speed == pytest.approx(speed, rel=0.1)
    else:
        assert 3 < motion.speed < 4.2  # of a run
    assert any("treadmill" in note for note in motion.notes) == treadmill
    assert "from a right heel strike" in motion.notes[-1]
    data = mujoco.MjData(human.model)
    data.qpos[:] = motion.qpos[0]
    mujoco.mj_kinematics(human.model, data)
    right, left = (data.xpos[feet[0], 0] for feet in human.feet)
    assert right > left + 0.2


@needs_shared
@pytest.mark.parametrize("name", ["gait2392_walk", "gait10dof18musc_walk"])
def test_knees_that_count_the_other_way(name, walk2d):
    with pytest.raises(UserError, match=r"the other sign in 'knee_angle_r', 'knee_angle_l': say motion.columns: {knee"):
        load(SHARED / f"{name}.mot", walk2d)
