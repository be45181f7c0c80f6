"""OpenSim's coordinates on balls, and on joints of other names, by what they mean."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import scene
from soleus import models, motions
from soleus.config.sources import ModelFiles, TableMotion
from soleus.errors import UserError
from soleus.motions.anatomy import angles_of
from soleus.motions.coordinates import read_coordinates
from storage_files import write_storage as write_radians

MASS = Path(__file__).parents[1] / "mass"
ANGLES = {
    "hip_flexion": "hip_flexion",
    "hip_adduction": "hip_adduction",
    "hip_internal_rotation": "hip_rotation",
    "knee_flexion": "knee_angle",
    "ankle_dorsiflexion": "ankle_angle",
}
ARMS = "".join(
    f'<body name="upper_arm_{side}" pos="0 {way * 0.2} 0.45"><joint name="shoulder_{side}" type="ball"/>'
    f'<geom type="capsule" fromto="0 0 0 0 {way * 0.3} 0" size="0.03" mass="2" contype="0" conaffinity="0"/>'
    f'<body name="fore_arm_{side}" pos="0 {way * 0.3} 0"><joint name="bend_{side}" axis="0 0 {-way}" range="-5 150"/>'
    f'<geom type="capsule" fromto="0 0 0 0 {way * 0.25} 0" size="0.03" mass="1" contype="0" conaffinity="0"/>'
    "</body></body>"
    for side, way in (("r", -1), ("l", 1))
)


@pytest.fixture(scope="module")
def person():
    """Of MASS: ball joints at hips, ankles and back."""
    files = {"skeleton": str(MASS / "person.xml"), "muscles": str(MASS / "muscles.xml")}
    return models.load(ModelFiles.model_validate({"mass": files}))


def swings(knee=1.0, degrees=30.0):
    """Columns of a walk of two laps [degree, m]; knee: -1 as gait2392 counts it."""
    at = np.linspace(0, 2, 201)
    columns = {"time": at, "pelvis_tx": 1.2 * at, "pelvis_ty": np.full(201, 0.95), "pelvis_tilt": np.zeros(201)}
    for side, shift in (("r", 0.0), ("l", 0.5)):
        wave = np.sin(2 * np.pi * (at + shift))
        columns |= {
            f"hip_flexion_{side}": degrees * wave,
            f"hip_adduction_{side}": 6 * np.cos(2 * np.pi * (at + shift)),
            f"hip_rotation_{side}": 4 * wave,
            f"knee_angle_{side}": knee * (30 + 30 * wave),
            f"ankle_angle_{side}": 10 * wave,
        }
    return columns


def write_storage(path, columns, degrees=True):
    lengths = ("time", "pelvis_tx", "pelvis_ty")
    turned = {name: v if name in lengths else np.deg2rad(v) for name, v in columns.items()}
    return write_radians(path, turned, degrees)


def read(path, human, **keys):
    return read_coordinates(path, human, TableMotion(table=str(path), **keys))


@pytest.mark.parametrize("knee", [1.0, -1.0])
@pytest.mark.parametrize("degrees", [True, False])
def test_balls_turn_by_the_three_angles_of_a_hip(tmp_path, person, knee, degrees):
    columns = swings(knee)
    found = read(write_storage(tmp_path / "walk.mot", columns, degrees), person)
    angles = angles_of(person)
    assert {angle.name for angle in angles} == set(ANGLES)
    for angle in angles:
        wanted = columns[f"{ANGLES[angle.name]}_{angle.side}"] * (knee if angle.name == "knee_flexion" else 1.0)
        np.testing.assert_allclose(np.rad2deg(angle.read(found.qpos)), wanted, atol=1e-6)
    assert "the file has no column for these joints, which rest: Torso, Head, ArmR, ArmL" in found.notes


def test_it_is_a_walk(tmp_path, person):
    motion = motions.load(write_storage(tmp_path / "walk.mot", swings(degrees=20.0)), person)
    assert motion.duration == pytest.approx(1.0)
    assert 0.3 < motion.displacement[0] < 1.5
    np.testing.assert_allclose(np.linalg.norm(motion.qpos[:, 7:11], axis=1), 1.0)


def test_a_back_bends_as_opensim_counts(tmp_path, person):
    columns = swings() | {
        "lumbar_extension": np.zeros(201),
        "lumbar_bending": np.zeros(201),
        "lumbar_rotation": np.zeros(201),
    }
    lean, data = {}, mujoco.MjData(person.model)
    torso = person.model.body("Torso").id
    for bend in ("lumbar_extension", "lumbar_bending", "lumbar_rotation"):
        columns |= {name: np.full(201, 20.0 * (name == bend)) for name in columns if name.startswith("lumbar")}
        data.qpos[:] = read(write_storage(tmp_path / "walk.mot", columns), person).qpos[0]
        mujoco.mj_kinematics(person.model, data)
        turned = np.array(data.xquat[torso])
        data.qpos[:] = person.qpos_rest
        mujoco.mj_kinematics(person.model, data)
        away, straight = np.zeros(4), np.array(data.xquat[torso])
        mujoco.mju_negQuat(away, straight)
        mujoco.mju_mulQuat(away, turned, away)
        vector = np.zeros(3)
        mujoco.mju_quat2Vel(vector, away, 1.0)
        lean[bend] = np.rad2deg(vector)
    # Backward is about -y (y to the left), to the right about x, to the left about z.
    np.testing.assert_allclose(lean["lumbar_extension"], [0, -20, 0], atol=1e-6)
    np.testing.assert_allclose(lean["lumbar_bending"], [20, 0, 0], atol=1e-6)
    np.testing.assert_allclose(lean["lumbar_rotation"], [0, 0, 20], atol=1e-6)


def test_spread_arms_hang_and_swing(tmp_path):
    human = models.load(ModelFiles(mjcf=str(scene.write(tmp_path, scene.mjcf(worn=ARMS)))))
    columns = {name: values for name, values in swings().items() if "pelvis" in name or name == "time"}
    zero = np.zeros(201)
    for side in "rl":
        columns |= {f"arm_{part}_{side}": zero for part in ("flex", "add", "rot")} | {f"elbow_flex_{side}": zero}

    def hands(**degrees):
        given = columns | {name: np.full(201, angle) for name, angle in degrees.items()}
        data = mujoco.MjData(human.model)
        data.qpos[:] = read(write_storage(tmp_path / "arms.mot", given), human).qpos[0]
        mujoco.mj_kinematics(human.model, data)
        at = {name: data.body(name).xpos.copy() for name in ("upper_arm_r", "fore_arm_r", "upper_arm_l", "fore_arm_l")}
        fore = data.body("fore_arm_r").xmat.reshape(3, 3) @ [0.0, -1.0, 0.0]
        return at["fore_arm_r"] - at["upper_arm_r"], at["fore_arm_l"] - at["upper_arm_l"], fore

    right, left, fore = hands()
    np.testing.assert_allclose([right, left], [[0, 0, -0.3]] * 2, atol=1e-9)
    np.testing.assert_allclose(fore, [0, 0, -1], atol=1e-9)
    right, _, _ = hands(arm_flex_r=90.0)
    np.testing.assert_allclose(right, [0.3, 0, 0], atol=1e-9)
    right, left, _ = hands(arm_add_r=-30.0, arm_add_l=-30.0)  # away from the body
    np.testing.assert_allclose([right[1], left[1]], [-0.15, 0.15], atol=1e-9)
    _, _, fore = hands(elbow_flex_r=90.0)
    np.testing.assert_allclose(fore, [1, 0, 0], atol=1e-9)


def test_a_column_that_is_named_goes_before(tmp_path, person):
    columns = swings()
    columns["other"] = np.linspace(0, 50, 201)
    columns["mirrored"] = np.linspace(0, 50, 201)
    path = write_storage(tmp_path / "walk.mot", columns)
    knees = [angle for angle in angles_of(person) if angle.name == "knee_flexion"]
    by_joint = read(path, person, columns={"TibiaR": "other", "TibiaL": "mirrored"})
    by_coordinate = read(path, person, columns={"knee_angle_r": "other", "knee_angle_l": "mirrored"})
    for knee in knees:
        np.testing.assert_allclose(np.rad2deg(knee.read(by_coordinate.qpos)), columns["other"], atol=1e-6)
        adr = person.model.joint("TibiaR" if knee.side == "r" else "TibiaL").qposadr[0]
        np.testing.assert_allclose(np.rad2deg(by_joint.qpos[:, adr]), columns["other"], atol=1e-6)


def test_a_turn_goes_on_beyond_half_a_turn(tmp_path):
    human = models.load(ModelFiles(mjcf=str(scene.write(tmp_path, scene.mjcf(worn=ARMS)))))
    columns = swings() | {f"arm_flex_{side}": np.linspace(0, 240, 201) for side in "rl"}
    adr = int(human.model.joint("shoulder_r").qposadr[0])
    turns = read(write_storage(tmp_path / "arms.mot", columns), human).qpos[:, adr : adr + 4]
    assert np.sum(turns[1:] * turns[:-1], axis=1).min() > 0.99


def test_one_side_alone_is_an_error(tmp_path, person):
    columns = swings()
    del columns["hip_rotation_l"], columns["knee_angle_l"]
    with pytest.raises(
        UserError, match=r"expected columns for both sides, got none for 'hip_rotation_l', 'knee_angle_l'"
    ):
        read(write_storage(tmp_path / "walk.mot", columns), person)


def test_a_knee_that_hardly_bends_is_counted_as_the_other(tmp_path, person):
    """A straight knee of -8 to 5 degrees is overextended, whatever its own range would say."""
    columns = swings() | {"knee_angle_l": -1.5 + 6.5 * np.sin(2 * np.pi * np.linspace(0, 2, 201))}
    found = read(write_storage(tmp_path / "walk.mot", columns), person)
    left = next(angle for angle in angles_of(person) if (angle.name, angle.side) == ("knee_flexion", "l"))
    np.testing.assert_allclose(np.rad2deg(left.read(found.qpos)), columns["knee_angle_l"], atol=1e-6)
    assert not any("turned round" in note for note in found.notes)


def test_knees_that_are_turned_round_are_named(tmp_path, person):
    path = write_storage(tmp_path / "walk.mot", swings(knee=-1.0))
    said = "knees are flexed downwards in the file, and are turned round: knee_angle_r, knee_angle_l"
    assert said in read(path, person).notes
    both = {f"knee_angle_{side}": f"-knee_angle_{side}" for side in "rl"}
    own = read(path, person, columns=both)
    assert said not in own.notes
    np.testing.assert_allclose(own.qpos, read(path, person).qpos, atol=1e-12)
    upwards = write_storage(tmp_path / "up.mot", swings())
    with pytest.raises(UserError, match=r"column 'knee_angle_[rl]': expected angles from"):
        read(upwards, person, columns=both)


def test_degrees_on_balls_are_no_radians(tmp_path, person):
    columns = {name: v for name, v in swings().items() if "knee" not in name}
    path = write_storage(tmp_path / "walk.mot", columns)
    text = path.read_text().replace("inDegrees=yes", "inDegrees=no")
    path.write_text(text)
    with pytest.raises(UserError, match=r"column 'hip_flexion_r': expected angles from .* inDegrees"):
        read(path, person)


def test_what_is_wrong(tmp_path, person):
    path = write_storage(tmp_path / "walk.mot", swings())
    with pytest.raises(UserError, match=r"motion.columns.hip: expected a hinge or slide of 'person' .*hip_flexion_r"):
        read(path, person, columns={"hip": "hip_flexion_r"})
    nothing = {"time": np.linspace(0, 1, 11), "soleus_r": np.zeros(11)}
    with pytest.raises(UserError, match=r"expected columns with the names of joints of 'person' \(.*hip_flexion_r"):
        read(write_storage(tmp_path / "none.mot", nothing), person)
