from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
import pytest

from odd_person import odd
from soleus import models
from soleus.config.sources import ModelFiles
from soleus.models import Human
from soleus.motions.anatomy import Angle, angles_of, foot_body, root_of
from soleus.motions.registry import built_in_cycle
from soleus.motions.rotations import multiply
from strider import strider
from walker import motion_of

MASS = Path(__file__).parents[1] / "mass"
SAGITTAL = ["hip_flexion", "knee_flexion", "ankle_dorsiflexion"]
ALL = [*SAGITTAL, "toe_extension", "hip_adduction", "hip_internal_rotation"]


@pytest.fixture(scope="session")
def person() -> Human:
    """Of MASS: ball joints at hips and ankles."""
    files = {"skeleton": str(MASS / "person.xml"), "muscles": str(MASS / "muscles.xml")}
    return models.load(ModelFiles.model_validate({"mass": files}))


def by_key(human: Human) -> dict[tuple[str, str], Angle]:
    return {(angle.name, angle.side): angle for angle in angles_of(human)}


def moved(human: Human, direction: np.ndarray, by: float) -> np.ndarray:
    qpos = human.qpos_rest.copy()
    mujoco.mj_integratePos(human.model, qpos, direction, by)
    return human.consistent(qpos)


@pytest.mark.parametrize(
    ("model", "names"),
    [("walk2d", SAGITTAL), ("myolegs", ALL), ("person", [*SAGITTAL, "hip_adduction", "hip_internal_rotation"])],
)
def test_angles_that_models_have(model: str, names: list[str], request: pytest.FixtureRequest) -> None:
    angles = angles_of(request.getfixturevalue(model))
    assert [(angle.name, angle.side) for angle in angles] == [(name, side) for name in names for side in "rl"]


@pytest.mark.parametrize("model", ["walk2d", "myolegs", "person"])
def test_an_angle_reads_what_it_was_turned_by(model: str, request: pytest.FixtureRequest) -> None:
    human = request.getfixturevalue(model)
    angles = angles_of(human)
    for turned in angles:
        pose = moved(human, turned.direction, 0.3)[None]
        for angle in angles:
            assert angle.read(pose) == pytest.approx(0.3 if angle is turned else 0.0, abs=1e-9), (turned, angle)


def in_front(place: np.ndarray, rest: np.ndarray, side: str) -> bool:
    return bool(place[0] > rest[0])


def behind(place: np.ndarray, rest: np.ndarray, side: str) -> bool:
    return bool(place[0] < rest[0])


def inwards(place: np.ndarray, rest: np.ndarray, side: str) -> bool:
    return bool(place[1] > rest[1] if side == "r" else place[1] < rest[1])


@pytest.mark.parametrize("model", ["walk2d", "myolegs", "person"])
@pytest.mark.parametrize(
    ("name", "goes"), [("hip_flexion", in_front), ("knee_flexion", behind), ("hip_adduction", inwards)]
)
def test_signs_are_those_of_the_tables(
    model: str, name: str, goes: Callable[..., bool], request: pytest.FixtureRequest
) -> None:
    """A flexed hip brings the foot forward, a flexed knee back, an adducted hip towards the other foot."""
    human = request.getfixturevalue(model)
    for (angle, side), found in by_key(human).items():
        if angle == name:
            places = []
            for pose in (moved(human, found.direction, 0.2), human.qpos_rest):
                data = mujoco.MjData(human.model)
                data.qpos[:] = pose
                mujoco.mj_kinematics(human.model, data)
                places.append(data.xpos[foot_body(human, "rl".index(side))].copy())
            assert goes(*places, side)


@pytest.mark.parametrize(("name", "axis"), [("ankle_dorsiflexion", 1), ("hip_internal_rotation", 2)])
@pytest.mark.parametrize("model", ["walk2d", "myolegs", "person"])
def test_feet_turn_as_the_tables_say(model: str, name: str, axis: int, request: pytest.FixtureRequest) -> None:
    """Dorsiflexion lifts the toes; internal rotation turns them towards the other foot."""
    human = request.getfixturevalue(model)
    for (angle, side), found in by_key(human).items():
        if angle == name:
            data = mujoco.MjData(human.model)
            data.qpos[:] = human.qpos_rest
            mujoco.mj_forward(human.model, data)
            jacobian = np.zeros((3, human.model.nv))
            mujoco.mj_jacBody(human.model, data, None, jacobian, foot_body(human, "rl".index(side)))
            spin = jacobian @ found.direction
            expected = -1.0 if axis == 1 or side == "l" else 1.0
            assert np.sign(spin[axis]) == expected
            assert abs(spin[axis]) > 0.7


def test_a_ball_joint_is_read_as_clinics_do(person: Human) -> None:
    """Flexion about the pelvis' axis, then adduction, then rotation about the thigh's: three known turns."""
    angles = by_key(person)
    flexion, adduction, rotation = 0.5, -0.2, 0.15

    def about(axis: list[float], angle: float) -> np.ndarray:
        return np.array([np.cos(angle / 2), *(np.sin(angle / 2) * np.array(axis))])

    for side, sign in (("r", 1), ("l", -1)):
        turn = multiply(about([0, -1, 0], flexion), about([sign, 0, 0], adduction))
        turn = multiply(turn, about([0, 0, sign], rotation))
        joint = person.model.joint(f"Femur{side.upper()}")
        data = mujoco.MjData(person.model)
        data.qpos[:] = person.qpos_rest
        mujoco.mj_kinematics(person.model, data)
        own = data.xquat[person.model.body(f"Femur{side.upper()}").id]
        inverse = own * [1, -1, -1, -1]
        pose = person.qpos_rest.copy()
        adr = int(joint.qposadr[0])
        pose[adr : adr + 4] = multiply(pose[adr : adr + 4], multiply(multiply(inverse, turn), own))
        read = [
            angles[name, side].read(pose[None])[0] for name in ("hip_flexion", "hip_adduction", "hip_internal_rotation")
        ]
        np.testing.assert_allclose(read, [flexion, adduction, rotation], atol=1e-9)


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_a_motion_reads_as_the_tables_it_was_made_from(model: str, request: pytest.FixtureRequest) -> None:
    """Putting the tables on a model, then reading its angles: all but what setting the feet on the ground changed."""
    human = request.getfixturevalue(model)
    motion, cycle = motion_of(human), built_in_cycle("walk")
    phase = np.arange(len(motion.qpos)) / len(motion.qpos)
    for (name, side), angle in by_key(human).items():
        if name in SAGITTAL:
            table = cycle.angles[name](phase + (0.5 if side == "l" else 0.0))
            assert np.rad2deg(np.sqrt(np.mean((angle.read(motion.qpos) - table) ** 2))) < 4


def test_the_pelvis_over_a_motion(myolegs: Human, walk2d: Human) -> None:
    motion = motion_of(myolegs)
    root = root_of(myolegs, motion.qpos)
    phase = np.arange(len(motion.qpos)) / len(motion.qpos)
    pelvis = built_in_cycle("walk").pelvis
    assert not root.planar
    np.testing.assert_allclose(root.turn[:, 0], pelvis["tilt"](phase), atol=0.01)
    for column, name in ((1, "list"), (2, "rotation")):  # a quarter of the measured: the trunk is steady
        np.testing.assert_allclose(root.turn[:, column], 0.25 * pelvis[name](phase), atol=0.01)
    planar = root_of(walk2d, motion_of(walk2d).qpos)
    assert planar.planar
    np.testing.assert_allclose(planar.turn[:, 0], pelvis["tilt"](phase), atol=1e-3)
    assert (planar.turn[:, 1:] == 0).all()
    assert planar.place[:, 2].mean() == pytest.approx(walk2d.root_height, abs=0.03)


def test_models_without_such_joints_have_no_angles(tmp_path: Path) -> None:
    assert angles_of(odd(tmp_path)) == []


def test_a_leg_too_short_to_tell_has_what_names_say() -> None:
    """Ball hips and hinge knees, but no ankle: which joint is which cannot be counted off."""
    assert {angle.name for angle in angles_of(strider())} <= {"knee_flexion"}
