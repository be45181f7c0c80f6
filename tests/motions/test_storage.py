"""OpenSim's .mot and .sto files, and .npz: the same walk through them, and each mistake in one line."""

import re
from pathlib import Path

import numpy as np
import pytest

from soleus import motions
from soleus.config.sources import TableMotion, spelled_out
from soleus.errors import UserError
from soleus.motions.storage import read_storage
from storage_files import coordinates, write_storage


def load(path, human, **keys):
    return motions.load(TableMotion(table=str(path), **keys), human)


def assert_same_walk(motion, walk, human, within=1e-6):
    assert motion.duration == pytest.approx(walk.duration)
    np.testing.assert_allclose(motion.displacement, walk.displacement, atol=1e-6)
    off = motion.qpos - walk.qpos
    heights = [human.model.joint(j).qposadr[0] + 2 * (human.model.jnt_type[j] == 0) for j in range(2)]
    up = heights[0] if human.model.jnt_type[0] == 0 else heights[1]
    rise = off[:, up].copy()  # the feet say how high, and not the file
    assert np.ptp(rise) < within
    assert abs(rise[0]) < 0.03
    off[:, up] = 0.0
    if human.model.jnt_type[0] == 0:
        quats = motion.qpos[:, 3:7] * np.sign(np.sum(motion.qpos[:, 3:7] * walk.qpos[:, 3:7], axis=1))[:, None]
        off[:, 3:7] = quats - walk.qpos[:, 3:7]
        off[:, :2] -= off[0, :2]
    assert np.abs(off).max() < within


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
@pytest.mark.parametrize("degrees", [True, False])
def test_there_and_back(tmp_path, model, degrees, request):
    human = request.getfixturevalue(model)
    walk = motions.load("walk", human)
    path = write_storage(tmp_path / "walk.mot", coordinates(walk, human), degrees)
    motion = motions.load(path, human)
    assert motion.name == "walk"
    assert_same_walk(motion, walk, human)
    assert len(motion.notes) == 1
    assert motion.notes[0].startswith("rows 0 to 128 of 129 (0.000 to ")


def test_columns_that_have_no_joint_and_joints_that_have_no_column(tmp_path, walk2d):
    columns = coordinates(motions.load("walk", walk2d), walk2d)
    del columns["ankle_angle_l"], columns["ankle_angle_r"], columns["pelvis_tilt"]
    columns |= {"soleus_r": np.full(len(columns["time"]), np.nan), "ground_force_vx": columns["time"]}
    motion = motions.load(write_storage(tmp_path / "walk.sto", columns), walk2d)
    assert motion.notes[:3] == (
        "the model has no joint for these columns, which are ignored: soleus_r, ground_force_vx",
        "the file has no column for these joints, which rest: ankle_angle_r, ankle_angle_l",
        "the file has no column for these coordinates of the pelvis, which rest: pelvis_tilt",
    )
    np.testing.assert_array_equal(motion.qpos[:, 8], walk2d.qpos_rest[8])


def test_one_side_alone_is_an_error(tmp_path, walk2d):
    columns = coordinates(motions.load("walk", walk2d), walk2d)
    for name in ("hip_flexion", "knee_angle"):
        columns[f"{name}_right"] = columns.pop(f"{name}_r")
    path = write_storage(tmp_path / "a.mot", columns)
    said = r"expected columns for both sides, got none for 'hip_flexion_r', 'knee_angle_r': motion\.columns says"
    with pytest.raises(UserError, match=said):
        motions.load(path, walk2d)
    keys = {"columns": {f"{name}_r": f"{name}_right" for name in ("hip_flexion", "knee_angle")}}
    assert load(path, walk2d, **keys).duration > 1


def test_one_column_in_degrees(tmp_path, walk2d):
    columns = coordinates(motions.load("walk", walk2d), walk2d)
    columns["knee_angle_l"] = np.rad2deg(columns["knee_angle_l"])
    said = r"column 'knee_angle_l': .*: if this column is in degrees, write it in radians, as the others are$"
    with pytest.raises(UserError, match=said):
        motions.load(write_storage(tmp_path / "a.mot", columns, False), walk2d)


def test_names_and_signs(tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    columns = coordinates(walk, walk2d)
    columns["my_knee"] = -columns.pop("knee_angle_r")
    columns["hip"] = columns.pop("hip_flexion_l")
    keys = {"columns": {"knee_angle_r": "-my_knee", "hip_flexion_l": "hip"}}
    assert_same_walk(load(write_storage(tmp_path / "a.mot", columns), walk2d, **keys), walk, walk2d)
    columns = coordinates(walk, walk2d)
    for side in "rl":
        columns[f"knee_angle_{side}"] = -columns[f"knee_angle_{side}"]
    path = write_storage(tmp_path / "b.mot", columns)
    said = "{knee_angle_r: -knee_angle_r, knee_angle_l: -knee_angle_l}"
    with pytest.raises(UserError, match=f"in 'knee_angle_r', 'knee_angle_l': say motion.columns: {said}"):
        load(path, walk2d)
    keys = {"columns": {f"knee_angle_{side}": f"-knee_angle_{side}" for side in "rl"}}
    assert_same_walk(load(path, walk2d, **keys), walk, walk2d)


def test_states_of_opensim_4(tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    columns = {
        name if name == "time" else f"/jointset/joint_of_{name}/{name}/value": values
        for name, values in coordinates(walk, walk2d).items()
    }
    columns["/jointset/knee_r/knee_angle_r/speed"] = columns["time"]
    columns["/forceset/soleus_r/activation"] = columns["time"]
    header = "states\nDataType=double\nversion=3\nOpenSimVersion=4.5\ninDegrees=no\nendheader"
    motion = motions.load(write_storage(tmp_path / "walk.sto", columns, False, header), walk2d)
    assert_same_walk(motion, walk, walk2d)
    assert "/jointset/knee_r/knee_angle_r/speed, /forceset/soleus_r/activation" in motion.notes[0]


def test_however_it_is_written(tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    path = write_storage(
        tmp_path / "WALK.MOT", coordinates(walk, walk2d), header="Old\ndatacolumns 13\nENDHEADER", joint="   "
    )
    text = path.read_text().replace("ENDHEADER\n", "ENDHEADER\n# a comment\n\n").replace("\n", "  \r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert_same_walk(load(path, walk2d, unit="degree"), walk, walk2d)
    assert read_storage(path).unit is None
    assert read_storage(path).lines[0] == 7


@pytest.mark.parametrize("name", ["walk.trc", "WALK.C3D"])
def test_markers_are_imported_first(name, walk2d):
    said = f"motion file '{name}': expected poses of a model, got markers: soleus import opensim MODEL.osim --motion"
    for source in (name, TableMotion(table=name)):
        with pytest.raises(UserError, match=re.escape(said)):
            motions.load(source, walk2d)


def test_a_file_is_a_mapping_with_keys():
    assert spelled_out("a/ik.mot") == {"table": "a/ik.mot"}
    assert spelled_out("states.STO") == {"table": "states.STO"}
    assert spelled_out("lap.npz") == {"table": "lap.npz"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace("endheader", "end"), ": expected a line 'endheader' after OpenSim's header, got none"),
        (
            lambda t: t.replace("inDegrees=yes", "inDegrees=true"),
            ": expected inDegrees=yes or inDegrees=no, got .*e",
        ),
        (lambda t: t.replace("version=1", "version=7"), ": expected version 1, 2, 3, got 7"),
        (lambda t: t.replace("version=1", "DataType=Vec3"), ": expected DataType=double, got Vec3"),
        (
            lambda t: t.replace("time\t", "frame\t"),
            " line 8: expected column names that begin with 'time', got",
        ),
        (
            lambda t: t.replace("hip_flexion_l", "hip_flexion_r"),
            " line 8: expected every column once, got 'hip_f",
        ),
        (
            lambda t: t.rsplit("\n", 2)[0],
            r": expected 129 rows, as the header says, got 128: the file",
        ),
        (lambda t: t.rsplit("\t", 1)[0], r" line 137: expected 13 numbers, one a column, got 12"),
        (lambda t: "\n".join(t.split("\n")[:10]), ": expected a line of column names and 3 rows of numbers or more"),
        (lambda t: cell(t, 20, 5, "nan"), r" line 20: expected a finite number for 'pelvis_ty', got none"),
        (lambda t: cell(t, 20, 0, "1e400"), r" line 20: expected a finite number for 'time', got '1e400'"),
        (lambda t: cell(t, 20, 0, "0.01"), r" line 20: expected times that rise from row to row, got .*, then 0.01"),
        (lambda t: cell(t, 20, 0, "7"), r" line 20: expected times that rise evenly, by .* a row, got .*, then 7"),
        (
            lambda t: t.replace("inDegrees=yes", "inDegrees=no"),
            r" column '.*': expected angles from .*: if they are in degrees, correct inDegrees in the file's header$",
        ),
        (
            lambda t: t.replace("inDegrees=yes", ""),
            r" column '.*': expected angles .*: if they are in degrees, say motion.unit: degree$",
        ),
        (
            lambda t: "\n".join(t.split("\n")[:70]).replace("nRows=129", "nRows=62"),
            r": expected a motion that repeats itself .*, got 62 rows of 0.53 s in which no lap was found",
        ),
    ],
)
def test_mistakes(tmp_path, walk2d, change, message):
    path = write_storage(tmp_path / "a.mot", coordinates(motions.load("walk", walk2d), walk2d))
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError, match=r"^motion table '.*a\.mot'" + message) as caught:
        motions.load(path, walk2d)
    assert "\n" not in str(caught.value)


def cell(text: str, line: int, column: int, word: str) -> str:
    lines = text.split("\n")
    words = lines[line - 1].split("\t")
    words[column] = word
    lines[line - 1] = "\t".join(words)
    return "\n".join(lines)


def test_times_that_are_rounded_and_times_with_a_gap(tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    columns = {name: values[::2] for name, values in coordinates(walk, walk2d).items()}
    columns["time"] = columns["time"].round(3)
    path = write_storage(tmp_path / "a.mot", columns)
    assert motions.load(path, walk2d).duration == pytest.approx(walk.duration, abs=0.001)
    gap = {name: np.delete(values, [40, 41]) for name, values in columns.items()}
    with pytest.raises(UserError, match=r" line 49: expected times that rise evenly, by 0.017 s a row, got"):
        motions.load(write_storage(path, gap), walk2d)


def test_keys_that_do_not_fit(tmp_path, walk2d):
    path = write_storage(tmp_path / "a.mot", coordinates(motions.load("walk", walk2d), walk2d))
    for keys, message in (
        ({"unit": "radian"}, r"motion.unit: expected degree, as inDegrees=yes in the header of '.*' says, got radian"),
        ({"columns": {"knee_r": "a"}}, r"motion.columns.knee_r: expected a hinge .*, got 'knee_r'"),
        (
            {"columns": {"knee_angle_r": "-kne_angle_r"}},
            r"motion.columns.knee_angle_r: expected a column .*, got 'kne_.*did",
        ),
    ):
        with pytest.raises(UserError, match=message):
            load(path, walk2d, **keys)
    with pytest.raises(ValueError, match="up: expected y, which points up in files of OpenSim, got z"):
        TableMotion(table="a.mot", up="z")
    with pytest.raises(ValueError, match=r"columns: expected them beside a \.mot or .sto file"):
        TableMotion(table="a.csv", columns={"a": "b"})
    path = write_storage(tmp_path / "b.mot", {"time": np.arange(4) / 100, "arm": np.zeros(4)})
    with pytest.raises(
        UserError, match=r"expected columns with the names of joints of 'walk2d' \(hip_flexion_r, .*got arm"
    ):
        motions.load(path, walk2d)


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_arrays(tmp_path, model, request):
    human = request.getfixturevalue(model)
    walk = motions.load("walk", human)
    after = walk.qpos[:1].copy()
    after[:, :1] += walk.displacement[0]
    qpos = np.vstack([walk.qpos, after])
    hz = len(walk.qpos) / walk.duration
    for name, keys in (("hz", {"hz": hz}), ("time", {"time": 3 + np.arange(len(qpos)) / hz})):
        np.savez(tmp_path / f"{name}.npz", qpos=qpos, **keys)
        motion = motions.load(tmp_path / f"{name}.npz", human)
        assert motion.duration == pytest.approx(walk.duration)
        np.testing.assert_allclose(motion.qpos - motion.qpos[0], walk.qpos - walk.qpos[0], atol=1e-9)
        np.testing.assert_allclose(motion.displacement, walk.displacement, atol=1e-9)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"q": np.zeros((9, 9)), "hz": 60}, ": expected the array qpos and either time or hz, got q, hz"),
        ({"qpos": np.zeros((9, 9))}, ": expected the array qpos and either time or hz, got qpos"),
        ({"qpos": np.zeros((9, 7)), "hz": 60}, r": expected qpos .* of 9 numbers, .* got an array of shape \(9, 7\)"),
        ({"qpos": np.full((9, 9), np.nan), "hz": 60}, " row 0: expected a finite number for 'root_tx', got nan"),
        ({"qpos": np.zeros((9, 9)), "hz": 0}, ": expected one hz above 0, got"),
        ({"qpos": np.zeros((9, 9)), "time": np.zeros(8)}, r": expected time of shape \(9,\), as qpos has, got \(8,\)"),
        ({"qpos": np.zeros((9, 9)), "time": -np.arange(9.0)}, " row 1: expected times that rise from row to row, got"),
        ({"qpos": np.array([["a"] * 9] * 4), "hz": 60}, ": expected numbers in qpos, got <U1"),
        ({"qpos": np.full((4, 9), 30.0), "hz": 60}, " column '.*': expected angles from .* radians"),
        ({"qpos": np.array([[None] * 9] * 4), "hz": 60}, ": expected arrays of NumPy's without objects, got Object"),
    ],
)
def test_mistakes_in_arrays(tmp_path, walk2d, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UserError, match=r"^motion table '.*a\.npz'" + message) as caught:
        motions.load(tmp_path / "a.npz", walk2d)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path, walk2d):
    for ending in ("mot", "npz"):
        with pytest.raises(UserError, match=rf"none\.{ending}' cannot be read: No such file"):
            motions.load(tmp_path / f"none.{ending}", walk2d)
        (tmp_path / f"binary.{ending}").write_bytes(b"\xff\x00\x81")
        with pytest.raises(UserError, match=rf"binary\.{ending}': expected (a text file|arrays)"):
            motions.load(tmp_path / f"binary.{ending}", walk2d)


@pytest.mark.parametrize("ending", ["mot", "npz"])
def test_a_part_in_seconds_of_the_files_own_time(tmp_path, walk2d, ending):
    walk = motions.load("walk", walk2d)
    path, start = tmp_path / f"a.{ending}", 12.5
    if ending == "mot":
        columns = coordinates(walk, walk2d)
        columns["time"] = columns["time"] + start
        write_storage(path, columns)
    else:
        times = start + walk.duration * np.arange(128) / 128
        np.savez(path, qpos=walk.qpos, time=times)
    part = {"from": 12.7, "to": 13.2, "lap": "once"}
    step = walk.duration / 128
    motion = load(path, walk2d, **part)
    first, last = round(0.2 / step), round(0.7 / step)
    assert motion.duration == pytest.approx((last - first) * step)
    np.testing.assert_allclose(motion.qpos[:, 3:], walk.qpos[first : last + 1, 3:], atol=1e-6)
    for key, value, end in (("from", 0.2, "0.2"), ("to", 14.0, "14")):
        with pytest.raises(UserError, match=rf"motion\.{key}: expected seconds within the file's, 12\.5 to .*{end}$"):
            load(path, walk2d, **{"lap": "once", key: value})
    with pytest.raises(UserError, match=r"motion\.from: expected a time before motion\.to, 12\.9 s, got 13"):
        load(path, walk2d, **{"lap": "once", "from": 13.0, "to": 12.9})


def test_times_that_run_backward_outside_of_the_part(tmp_path, walk2d):
    columns = coordinates(motions.load("walk", walk2d), walk2d)
    columns["time"][-1] = 0.0
    path = write_storage(tmp_path / "a.mot", columns)
    with pytest.raises(UserError, match=r"line 137: expected times that rise from row to row, got .*, then 0$"):
        load(path, walk2d, **{"lap": "once", "to": 0.5})
