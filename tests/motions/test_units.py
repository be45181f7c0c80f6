"""Clips and tables in other units, axes and frames: an error that says which key, and under the key the same walk."""

import csv
from pathlib import Path

import numpy as np
import pytest

from soleus import motions
from soleus.config import load_human_config
from soleus.config.sources import BvhMotion, MassFiles, ModelFiles, TableMotion
from soleus.errors import UserError
from soleus.models import load
from soleus.motions.bvh import read_bvh
from soleus.motions.table import write_table

MASS = Path(__file__).parents[1] / "mass"
STRIDE = MASS / "stride.bvh"
# From the stride's axes (y up, facing z) to others.
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
X_AHEAD = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
UPSIDE_DOWN = np.diag([1.0, -1, -1])


@pytest.fixture(scope="module")
def person():
    return load(ModelFiles(mass=MassFiles(skeleton=str(MASS / "person.xml"))))


@pytest.fixture(scope="module")
def clip():
    return read_bvh(STRIDE)


def angles(r: np.ndarray) -> list[float]:
    """Of r = Rz Rx Ry [rad]."""
    return [np.arctan2(-r[0, 1], r[1, 1]), np.arcsin(np.clip(r[2, 1], -1, 1)), np.arctan2(-r[2, 0], r[2, 2])]


def rewritten(
    path: Path, clip, *, turn=None, scale=1.0, places=None, frames=None, radians=False, frame_time=None
) -> str:
    """The clip as another program would write it; frames: of the rows."""
    turn = np.eye(3) if turn is None else turn
    children = {j: [k for k, parent in enumerate(clip.parents) if parent == j] for j in range(len(clip.joints))}
    lines, order = ["HIERARCHY"], []

    def joint(j: int, pad: str) -> None:
        order.append(j)
        offset = " ".join(f"{value:.9f}" for value in scale * turn @ clip.offsets[j])
        places = "6 Xposition Yposition Zposition" if not j else "3"
        lines.extend([f"{pad}{'JOINT' if j else 'ROOT'} {clip.joints[j]}", pad + "{", f"{pad} OFFSET {offset}"])
        lines.append(f"{pad} CHANNELS {places} Zrotation Xrotation Yrotation")
        for child in children[j]:
            joint(child, pad + " ")
        if not children[j]:
            lines.extend([f"{pad} End Site", pad + " {", f"{pad}  OFFSET 0 0 0", pad + " }"])
        lines.append(pad + "}")

    joint(0, "")
    unit = 1.0 if radians else 180 / np.pi
    rows = [
        [
            *((scale if places is None else places) * turn @ clip.positions[f]),
            *(unit * value for j in order for value in angles(turn @ clip.rotations[f, j] @ turn.T)),
        ]
        for f in range(clip.frames)
    ]
    table = np.array(rows) if frames is None else frames(np.array(rows))
    lines += ["MOTION", f"Frames: {len(table)}", f"Frame Time: {frame_time or clip.frame_time}"]
    path.write_text("\n".join([*lines, *(" ".join(f"{value:.9f}" for value in row) for row in table)]) + "\n")
    return str(path)


def with_t_pose(rows: np.ndarray, count: int = 1, behind: int = 0) -> np.ndarray:
    still = rows[:1].copy()
    still[:, 3:] = 0
    return np.vstack([*[still] * count, rows, *[still] * behind])


def read(path: str, person, **keys):
    return motions.load(BvhMotion(**{"bvh": path, **keys}), person)


def assert_same_walk(one, other, atol=2e-6):
    np.testing.assert_allclose(one.qpos, other.qpos, atol=atol)
    np.testing.assert_allclose(one.displacement, other.displacement, atol=atol)
    assert one.duration == pytest.approx(other.duration)


@pytest.mark.parametrize(
    ("how", "said", "keys"),
    [
        ({"scale": 0.01}, r"0\.01 times as large at .* motion\.scale: 1 for metres", {"scale": 1.0}),
        ({"scale": 10}, r"10 times as large .* motion\.scale: 0\.001 for millimetres", {"scale": 0.001}),
        ({"scale": 1 / 2.54}, r"0\.394 times as large .* motion\.scale: 0\.0254 for inches", {"scale": 0.0254}),
        ({"scale": 1 / 30.48}, r"motion\.scale: 0\.3048 for feet", {"scale": 0.3048}),
        ({"scale": 37.0}, r"motion\.scale: about 0\.00027", {"scale": 0.01 / 37}),
        ({"places": 100.0}, r"expected the pelvis to go as far .* motion\.root_scale 0\.01", {"root_scale": 1e-4}),
        ({"places": 0.01}, r"go 0\.007\d* times as far .* motion\.root_scale: 1 for metres", {"root_scale": 1}),
        ({"scale": 0.01, "places": 1.0}, r"0\.01 times as large", {"scale": 1.0, "root_scale": 0.01}),
        ({"turn": Z_UP}, r"turned by 90 degrees: what fits is motion\.up: z$", {"up": "z"}),
        ({"turn": Z_UP}, r"motion\.up: z", {"up": "z", "forward": "-y"}),
        ({"turn": UPSIDE_DOWN}, r"turned by 180 degrees: what fits is motion\.up: -y$", {"up": "-y"}),
        ({"turn": X_AHEAD}, r"what fits is motion\.up: y, motion\.forward: x$", {"up": "y", "forward": "x"}),
        ({"turn": Z_UP @ X_AHEAD}, r"motion\.up: z, motion\.forward: x", {"forward": "x", "up": "z"}),
        ({"radians": True}, r"expected rotations in degrees, got none .* motion\.unit: radian", {"unit": "radian"}),
        ({"frames": with_t_pose}, r"frame 1, after 0 s: .* motion\.from: 0\.0417$", {"from": 1 / 24}),
        ({"frames": lambda rows: with_t_pose(rows, 5)}, r"motion\.from: 0\.2083$", {"from": 0.2083}),
        ({"frames": lambda rows: with_t_pose(rows, 0, 1)}, r"by motion\.to: 1$", {"to": 1}),
        ({"frames": lambda rows: with_t_pose(rows, 1, 1)}, r"(from: 0.04|to: 1.04)17$", {"from": 0.04, "to": 1.04}),
        ({"frames": lambda rows: rows[:13]}, r"expected one cycle.*joint '.*_.' \d\d degrees.* motion\.from", None),
        ({"frames": lambda rows: np.vstack([rows, rows[1:13]])}, r"'hips' moving by 1\.15 m from frame 24", {"to": 1}),
        ({"frame_time": 41.7}, r"expected a Frame Time from 0\.0002 to 0\.25 s, got 41\.7: it is in seconds", None),
        ({"frame_time": 1e-6}, r"expected a Frame Time", None),
    ],
)  # fmt: skip
def test_clips(how, said, keys, person, clip, tmp_path):
    path = rewritten(tmp_path / "other.bvh", clip, **how)
    with pytest.raises(UserError, match=said) as error:
        read(path, person)
    assert str(error.value).count("\n") == 0
    if keys:
        assert_same_walk(read(path, person, **keys), read(str(STRIDE), person))


def test_a_clip_that_stands_otherwise_without_rotations(person, clip, tmp_path):
    path = Path(rewritten(tmp_path / "other.bvh", clip))
    path.write_text(path.read_text().replace("OFFSET -0.500000000 -42.000000000 0.0", "OFFSET 42 0 0.0"))
    with pytest.raises(
        UserError, match="expected joint 'shin_r' without rotations where the model has it in its T-pose"
    ):
        read(str(path), person)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"from": 1}, r"motion\.from and motion\.to: expected 2 rows or more between them, got 1 from 1 to 1 s"),
        ({"from": 1.2}, r"motion\.from: expected seconds within the file's, 0 to 1, got 1\.2"),
        ({"to": 25}, r"motion\.to: expected seconds within the file's, 0 to 1, got 25"),
        ({"from": 0.6, "to": 0.5}, r"motion\.from: expected a time before motion\.to, 0\.5 s, got 0\.6"),
        ({"up": "y", "forward": "-y"}, r"motion\.forward: expected an axis across motion\.up \(y\), got -y"),
    ],
)
def test_keys_that_do_not_fit(keys, said, person):
    with pytest.raises(UserError, match=said):
        read(str(STRIDE), person, **keys)


def table(path: Path, motion, human, change=None, header=None) -> str:
    """Write a motion's table, its values changed: change(name, value)."""
    write_table(path, motion, human)
    rows = list(csv.reader(path.open()))
    names = rows[0]
    for row in rows[1:]:
        values = {name: float(value) for name, value in zip(names, row, strict=True)}
        changed = {name: change(name, value) if change else value for name, value in values.items()}
        row[:] = [repr(changed[name]) for name in names]
    path.write_text("\n".join(",".join(row) for row in rows) + "\n")
    return str(path)


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_tables_in_degrees(model, tmp_path, request):
    human = request.getfixturevalue(model)
    walk = motions.load("walk", human)
    hinges = [human.model.joint(j).name for j in range(human.model.njnt) if human.model.jnt_type[j] == 3]
    path = table(tmp_path / "w.csv", walk, human, lambda n, v: float(np.rad2deg(v)) if n in hinges else v)
    with pytest.raises(
        UserError, match=r"column '\w+': expected angles from .* radians, the joint's limits, got .* say"
    ) as said:
        motions.load(path, human)
    assert str(said.value).endswith("if they are in degrees, say motion.unit: degree")
    assert_same_walk(motions.load(TableMotion(table=path, unit="degree"), human), walk, 1e-9)
    plain = table(tmp_path / "p.csv", walk, human)
    with pytest.raises(
        UserError, match=r"expected angles in degrees, got all columns within .* say motion\.unit: radian"
    ):
        motions.load(TableMotion(table=plain, unit="degree"), human)


@pytest.mark.parametrize(("unit", "scale"), [("millimetres", 0.001), ("centimetres", 0.01)])
def test_tables_in_other_lengths(unit, scale, tmp_path, myolegs):
    walk = motions.load("walk", myolegs)
    slides = [myolegs.model.joint(j).name for j in range(myolegs.model.njnt) if myolegs.model.jnt_type[j] == 2]
    lengths = {*slides, "root_tx", "root_ty", "root_tz"}
    path = table(tmp_path / "w.csv", walk, myolegs, lambda n, v: v / scale if n in lengths else v)
    with pytest.raises(
        UserError, match=rf"expected the pelvis about 0\.\d* m above .*in {unit}, say motion\.scale: {scale}"
    ):
        motions.load(path, myolegs)
    assert_same_walk(motions.load(TableMotion(table=path, scale=scale), myolegs), walk, 1e-9)
    with pytest.raises(UserError, match=r"say motion\.scale: 1"):
        motions.load(TableMotion(table=table(tmp_path / "p.csv", walk, myolegs), scale=0.001), myolegs)


def test_planar_tables_in_millimetres(tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    slides = [walk2d.model.joint(j).name for j in range(walk2d.model.njnt) if walk2d.model.jnt_type[j] == 2]
    path = table(tmp_path / "w.csv", walk, walk2d, lambda n, v: 1000 * v if n in slides else v)
    with pytest.raises(UserError, match=r"motion\.scale"):
        motions.load(path, walk2d)
    assert_same_walk(motions.load(TableMotion(table=path, scale=0.001), walk2d), walk, 1e-9)
    with pytest.raises(UserError, match=r"motion\.up: expected z for the planar 'walk2d', got y"):
        motions.load(TableMotion(table=path, up="y"), walk2d)


def test_tables_with_another_axis_up(tmp_path, myolegs):
    from soleus.motions.rotations import multiply, rotated

    walk = motions.load("walk", myolegs)
    write_table(tmp_path / "w.csv", walk, myolegs)
    rows = list(csv.DictReader((tmp_path / "w.csv").open()))
    turn = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0, 0])  # z to y
    for row in rows:
        place = rotated(turn, np.array([float(row[f"root_t{a}"]) for a in "xyz"]))
        quaternion = multiply(turn, np.array([float(row[f"root_q{a}"]) for a in "wxyz"]))
        row |= {f"root_t{a}": repr(float(v)) for a, v in zip("xyz", place, strict=True)}
        row |= {f"root_q{a}": repr(float(v)) for a, v in zip("wxyz", quaternion, strict=True)}
    with (tmp_path / "y.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    path = str(tmp_path / "y.csv")
    with pytest.raises(UserError, match=r"column 'root_tz': expected the pelvis about 0\.9\d m up.*say motion\.up: y"):
        motions.load(path, myolegs)
    assert_same_walk(motions.load(TableMotion(table=path, up="y"), myolegs), walk, 1e-9)


def test_rows_and_times_of_tables(tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    path = Path(table(tmp_path / "w.csv", walk, walk2d))
    lines = path.read_text().splitlines()
    half = tmp_path / "half.csv"
    half.write_text("\n".join(lines[:60]) + "\n")
    with pytest.raises(
        UserError, match=r"expected the last row to be the first one lap later.*motion\.from and motion\.to"
    ):
        motions.load(str(half), walk2d)
    step = walk.duration / len(walk.qpos)
    more = tmp_path / "more.csv"
    first = lines[10].split(",")
    more.write_text("\n".join([lines[0], ",".join([repr(-step), *first[1:]]), *lines[1:]]) + "\n")
    with pytest.raises(UserError, match="one lap later"):
        motions.load(str(more), walk2d)
    assert_same_walk(motions.load(TableMotion(**{"table": str(more), "from": 0}), walk2d), walk, 1e-9)
    end, within = 128 * step, r"within the file's, -0\.0086 to 1\.0944, got"
    for key, value, said in (("to", 200, within), ("from", -0.1, within), ("from", end, "expected 3 rows or more")):
        with pytest.raises(UserError, match=said):
            motions.load(TableMotion(**{"table": str(more), key: value}), walk2d)
    for factor, got in ((1000, r"8\.5"), (128 / walk.duration, "1$")):  # milliseconds, and numbers of frames
        slow = table(tmp_path / "slow.csv", walk, walk2d, lambda n, v, by=factor: by * v if n == "time" else v)
        with pytest.raises(UserError, match=rf"column 'time': expected seconds, 0\.0002 to 0\.25 a row, got {got}"):
            motions.load(slow, walk2d)


def test_keys_may_be_laid_over_a_file(tmp_path, clip):
    (tmp_path / "clip.bvh").write_text(STRIDE.read_text())
    (tmp_path / "lap.csv").write_text("time\n")
    (tmp_path / "a.yaml").write_text("base: walk2d\nmotion: clip.bvh\n")
    config = load_human_config(tmp_path / "a.yaml", {"motion.scale": 1.0, "motion.from": 0.2, "motion.up": "z"})
    assert config.motion == BvhMotion(**{"bvh": str(tmp_path / "clip.bvh"), "scale": 1.0, "from": 0.2, "up": "z"})
    (tmp_path / "b.yaml").write_text("base: a.yaml\nmotion: {table: lap.csv, unit: degree}\n")
    assert load_human_config(tmp_path / "b.yaml").motion == TableMotion(table=str(tmp_path / "lap.csv"), unit="degree")
    with pytest.raises(UserError, match=r"motion\.unit: expected 'degree' or 'radian', got 'degrees'"):
        load_human_config(tmp_path / "b.yaml", {"motion.unit": "degrees"})
    with pytest.raises(UserError, match=r"unknown key 'motion\.hz2'"):
        load_human_config(tmp_path / "a.yaml", {"motion": {"bvh": "x.bvh", "hz2": 3}})


def test_endings_in_capitals(tmp_path, walk2d, person):
    walk = motions.load("walk", walk2d)
    path = Path(table(tmp_path / "W.CSV", walk, walk2d))
    assert_same_walk(motions.load(str(path), walk2d), walk, 1e-9)
    (tmp_path / "S.BVH").write_text(STRIDE.read_text())
    assert_same_walk(motions.load(str(tmp_path / "S.BVH"), person), read(str(STRIDE), person))


def test_one_column_in_degrees_is_no_table_in_degrees(tmp_path, walk2d):
    walk = motions.load("walk", walk2d)
    path = table(tmp_path / "w.csv", walk, walk2d, lambda n, v: float(np.rad2deg(v)) if n == "knee_angle_r" else v)
    with pytest.raises(UserError, match=r"column 'knee_angle_r': expected angles from 0 to .* radians") as said:
        motions.load(path, walk2d)
    assert "motion.unit" not in str(said.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("motion.scale", 0.5, r"motion\.scale: expected it beside a clip .*, got it beside motion: walk$"),
        ("motion.names.pelvis", "hips", r"motion\.names: expected it beside a clip .*, got it beside motion: walk$"),
        ("model.root", "pelvis", r"model\.root: expected it beside a model file .*, got it beside model: walk2d$"),
    ],
)
def test_keys_of_files_over_names(key, value, said):
    with pytest.raises(UserError, match=said):
        load_human_config("walk2d", {key: value})


def test_what_came_is_said_once():
    with pytest.raises(UserError, match=r"model: expected mass, mjcf or osim, got none of them$"):
        load_human_config("walk2d", {"model": {"mass": None, "root": "pelvis"}})


def test_a_clip_that_is_played_once_need_not_close(person, clip, tmp_path):
    path = rewritten(tmp_path / "half.bvh", clip, frames=lambda rows: rows[:13])
    assert read(path, person, lap="once").duration == pytest.approx(0.5, abs=1e-4)
