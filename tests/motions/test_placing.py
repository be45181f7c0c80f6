"""Clips put on a body: where its limbs point, how laps close and follow one another, and what does not fit."""

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from soleus.errors import UserError
from soleus.models.ground import contact_geoms, lowest
from soleus.motions.bvh import read_bvh
from soleus.motions.laps import Lap
from soleus.motions.placing import place
from soleus.motions.posing import root_slots
from strider import (
    AXES,
    CHANNELS,
    HIP_L,
    HIP_R,
    KNEE_L,
    KNEE_R,
    PITCH,
    ROLL,
    YAW,
    X,
    Y,
    Z,
    save,
    standing,
    strider,
)  # fmt: skip

MASS = Path(__file__).parents[2].parent / "shared" / "mass"
WORLD = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])  # of the clip's axes: x is left, y up, z ahead


@pytest.fixture(scope="module")
def human():
    return strider()


@pytest.fixture
def placed(tmp_path, human):
    """The motion of rows (F, 18) of the clip at 20 frames a second."""

    def make(rows, hz=20.0, **changes):
        clip = read_bvh(save(tmp_path / "a.bvh", rows))
        return place("mine", clip, human, changes.pop("channels", CHANNELS), AXES, hz=hz, **changes)

    return make


def kinematics(human, qpos):
    data = mujoco.MjData(human.model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(human.model, data)
    return data


def quaternion(degrees):
    """(4,) of a turn about z."""
    return np.array([np.cos(np.deg2rad(degrees) / 2), 0, 0, np.sin(np.deg2rad(degrees) / 2)])


def yaws(human, motion):
    """(K,) degrees from x to where the pelvis faces."""
    facing = np.array([kinematics(human, q).body("pelvis").xmat.reshape(3, 3)[:, 1] for q in motion.qpos])
    return np.rad2deg(np.unwrap(np.arctan2(facing[:, 1], facing[:, 0])))


def arc(frames, laps=1.0):
    """Rows of a walk on a circle of 2 m to the left, 60 degrees a lap of F - 1 frames."""
    rows = standing(frames)
    angle = np.linspace(0, laps * 60, frames)
    rows[:, Z] = 200 * np.sin(np.deg2rad(angle))
    rows[:, X] = 200 * (1 - np.cos(np.deg2rad(angle)))
    rows[:, YAW] = angle
    return rows


def test_limbs_point_where_the_clip_says(placed, human):
    rows = standing(4)
    rows[:, HIP_R[1]] = -30  # about the axis to the left: the thigh goes ahead
    rows[:, KNEE_R[1]] = 50  # and the shank back
    rows[:, HIP_L[0]] = 20  # about the axis ahead, from left to up: the thigh goes left
    motion = placed(rows)
    data = kinematics(human, motion.qpos[0])
    hip, knee = data.body("thigh_r").xpos, data.body("shank_r").xpos
    np.testing.assert_allclose(knee - hip, [0.5 * np.sin(np.pi / 6), 0, -0.5 * np.cos(np.pi / 6)], atol=1e-9)
    shank = -data.body("shank_r").xmat.reshape(3, 3)[:, 2]
    np.testing.assert_allclose(shank, [-np.sin(np.deg2rad(20)), 0, -np.cos(np.deg2rad(20))], atol=1e-9)
    # The knee's axis points to the right: it turns the other way.
    assert np.rad2deg(motion.qpos[0, human.model.joint("knee_r").qposadr[0]]) == pytest.approx(-50)
    left = data.body("shank_l").xpos - data.body("thigh_l").xpos
    np.testing.assert_allclose(left, [0, 0.5 * np.sin(np.deg2rad(20)), -0.5 * np.cos(np.deg2rad(20))], atol=1e-9)


def test_bodies_turn_as_the_clips_joints_do(placed, human, tmp_path):
    """World orientations: those of qpos0, turned by the clip's product of rotations down to the joint."""
    rng = np.random.default_rng(3)
    rows = standing(5)
    rows[:, Z] = np.arange(5) * 20  # straight ahead: nothing is turned to head along x
    for column in (*HIP_R, *HIP_L, ROLL, PITCH):
        rows[:, column] = rng.uniform(-80, 80)
    rows[:, KNEE_R[1]] = 40
    motion, clip = placed(rows), read_bvh(tmp_path / "a.bvh")
    data, still = kinematics(human, motion.qpos[2]), kinematics(human, human.model.qpos0)
    root = clip.rotations[2, 0]
    chains = {
        "pelvis": root,
        "thigh_r": root @ clip.rotations[2, 1],
        "shank_r": root @ clip.rotations[2, 1] @ clip.rotations[2, 2],
        "shank_l": root @ clip.rotations[2, 3],
    }
    for body, turned in chains.items():
        wanted = WORLD @ turned @ WORLD.T @ still.body(body).xmat.reshape(3, 3)
        np.testing.assert_allclose(data.body(body).xmat.reshape(3, 3), wanted, atol=1e-9, err_msg=body)


def test_a_straight_lap(placed, human):
    rows = standing(5)
    rows[:, X], rows[:, Z] = np.arange(5) * 30, np.arange(5) * -40 + 7  # to the left and back
    motion = placed(rows)
    assert (motion.name, motion.duration, len(motion.qpos)) == ("mine", pytest.approx(0.2), 4)
    np.testing.assert_allclose(motion.displacement, [2.0, 0, 0], atol=1e-12)
    assert motion.turn == 0
    assert motion.speed == pytest.approx(10)
    np.testing.assert_allclose(motion.qpos[:, :2], [[0, 0], [0.5, 0], [1, 0], [1.5, 0]], atol=1e-12)
    np.testing.assert_allclose(motion.qvel[:, :3], np.tile([10, 0, 0], (4, 1)), atol=1e-9)
    np.testing.assert_allclose(motion.com_velocity[:, :2].std(axis=0), 0, atol=1e-9)
    # It faced ahead while it went to the left and back: 143 degrees to the right of where it goes.
    np.testing.assert_allclose(yaws(human, motion), -np.rad2deg(np.arctan2(3, -4)), atol=1e-9)


def test_laps_of_a_turning_motion_follow_one_another(placed, human):
    """One lap of a circle, moved on by itself, is the circle's next lap."""
    motion = placed(arc(13))
    assert np.rad2deg(motion.turn) == pytest.approx(60)
    np.testing.assert_allclose(motion.displacement, [2.0, 0, 0], atol=1e-9)  # the chord of 60 degrees is the radius
    np.testing.assert_allclose(yaws(human, motion), np.arange(12) * 5 - 30, atol=1e-9)
    lap = Lap(motion.qpos[0, :3], motion.displacement, motion.turn)
    second = lap.poses(motion.qpos, 1, root_slots(human))
    centre = np.array([1.0, np.sqrt(3)])
    angle = np.deg2rad(np.arange(12, 24) * 5 - 30)
    np.testing.assert_allclose(
        second[:, :2], centre + 2 * np.stack([np.sin(angle), -np.cos(angle)], axis=-1), atol=1e-9
    )
    np.testing.assert_allclose(yaws(human, replace(motion, qpos=second)), np.rad2deg(angle), atol=1e-9)
    np.testing.assert_allclose(lap.poses(second, -1, root_slots(human)), motion.qpos, atol=1e-12)


def test_velocities_of_a_turning_motion_hold_at_its_ends(placed):
    """On a circle all frames are alike, the first and the last too: ahead at 2 m * 60 degrees a lap, turning evenly."""
    motion = placed(arc(25))
    rate = np.pi / 3 / motion.duration
    np.testing.assert_allclose(np.linalg.norm(motion.qvel[:, :3], axis=1), 2 * rate, rtol=1e-3)
    np.testing.assert_allclose(motion.qvel[:, 5], rate, rtol=1e-9)
    np.testing.assert_allclose(motion.com_velocity, np.tile([2 * rate, 0, 0], (24, 1)), rtol=1e-3, atol=1e-9)


def test_what_a_lap_does_not_come_back_from_is_taken_off_evenly(placed, human):
    """Angles, tilt and height that drift evenly stay as they began."""
    rows, share = standing(6), np.linspace(0, 1, 6)
    rows[:, Z] = 100 * share
    rows[:, Y] += 5 * share
    rows[:, PITCH] = 10 + 6 * share
    rows[:, KNEE_R[1]] = 20 + 12 * share
    rows[:, HIP_L[2]] = 40 * share
    rows[:, HIP_R[1]] = 30 * np.sin(2 * np.pi * share)  # comes back
    motion = placed(rows)
    assert motion.turn == 0
    for name, column in (("knee_r", 0), ("hip_l", slice(0, 4))):
        adr = human.model.joint(name).qposadr[0]
        values = motion.qpos[:, adr : adr + 4][:, column]
        np.testing.assert_allclose(values, np.tile(values[0], (5,) + (1,) * (values.ndim - 1)), atol=1e-9)
    np.testing.assert_allclose(motion.qpos[:, 3:7], np.tile(motion.qpos[0, 3:7], (5, 1)), atol=1e-9)
    assert np.ptp(motion.qpos[:, 2]) < 1e-9
    hip = human.model.joint("hip_r").qposadr[0]
    angles = 2 * np.arccos(np.abs(motion.qpos[:, hip]))
    np.testing.assert_allclose(np.rad2deg(angles), np.abs(rows[:5, HIP_R[1]]), atol=1e-5)


def test_a_tilted_root_keeps_its_turn_alone(placed, human):
    rows, share = standing(9), np.linspace(0, 1, 9)
    rows[:, Z] = 100 * share
    rows[:, PITCH], rows[:, ROLL], rows[:, YAW] = 15, 8 * share, 25 * share
    motion = placed(rows)
    after = Lap(motion.qpos[0, :3], motion.displacement, motion.turn).poses(motion.qpos[:1], 1, root_slots(human))[0]
    first, next_ = (kinematics(human, q).body("pelvis").xmat.reshape(3, 3) for q in (motion.qpos[0], after))
    np.testing.assert_allclose(next_[2], first[2], atol=1e-12)  # as far from upright, the same way
    assert 15 < np.rad2deg(motion.turn) < 30
    step = np.abs(np.diff(np.vstack([motion.qpos, after])[:, 3:7], axis=0)).max()
    assert step < 1.5 * np.deg2rad(25) / 8 / 2 + 0.01  # the last step to the next lap is no greater than the others


def test_a_motion_on_the_spot_faces_x(placed, human):
    rows = standing(9)
    rows[:, YAW] = 70 + 10 * np.sin(np.linspace(0, 2 * np.pi, 9))
    motion = placed(rows)
    assert motion.turn == 0
    assert yaws(human, motion).mean() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(motion.displacement, 0, atol=1e-12)


def test_feet_stand_on_the_ground(placed, human):
    """Up by 4 cm in one half of the lap: the quarter that is lower stands."""
    rows = standing(41)
    rows[:, Y] = 130 + 4 * (np.arange(41) % 40 >= 20)
    rows[:, KNEE_L[1]] = 60
    motion = placed(rows)
    geoms = contact_geoms(human.model, np.concatenate(human.feet))
    heights = [lowest(human.model, kinematics(human, q), geoms) for q in motion.qpos]
    np.testing.assert_allclose(heights[:20], 0, atol=1e-9)
    np.testing.assert_allclose(heights[20:], 0.04, atol=1e-9)
    assert motion.qpos[0, 2] == pytest.approx(0.5 + 0.4 + 0.05)  # the straight leg's thigh, shank and radius


def swinging(frames):
    rows, share = standing(frames), np.linspace(0, 1, frames)
    rows[:, Z] = 90 * share + 3 * np.sin(2 * np.pi * share)
    rows[:, YAW] = 40 * share
    rows[:, HIP_R[0]], rows[:, HIP_R[1]] = 360 * share, 170  # all the way round: its quaternion ends as its opposite
    rows[:, HIP_L[1]] = 30 * np.sin(2 * np.pi * share)
    rows[:, KNEE_L[1]] = 20 - 20 * np.cos(2 * np.pi * share)
    return rows


def test_resampling_keeps_the_poses_at_their_times(placed):
    once, twice, half = (placed(swinging(17), hz=hz) for hz in (20, 40, 10))
    assert [len(m.qpos) for m in (once, twice, half)] == [16, 32, 8]
    assert once.duration == twice.duration == half.duration
    height = [0, 1, *range(3, once.qpos.shape[1])]  # the height is fitted to other frames
    np.testing.assert_allclose(twice.qpos[::2, height], once.qpos[:, height], atol=1e-12)
    np.testing.assert_allclose(half.qpos[:, height], once.qpos[::2, height], atol=1e-12)


def test_resampling_between_poses_is_smooth(placed, human):
    """From 32 poses of a walk on a circle to 96, as if they had been captured: at the ends of the lap too."""

    def bent(frames):
        rows, share = arc(frames), np.linspace(0, 1, frames)
        rows[:, KNEE_L[1]] = 20 - 20 * np.cos(2 * np.pi * share)
        rows[:, HIP_R[0]], rows[:, HIP_R[1]] = 360 * share, 170
        return rows

    coarse, exact = placed(bent(33), hz=60), placed(bent(97), hz=20)
    assert len(coarse.qpos) == len(exact.qpos) == 96
    np.testing.assert_allclose(coarse.qpos, exact.qpos, atol=3e-4)


def test_quaternions_are_of_unit_length_and_continuous(placed, human):
    motion = placed(swinging(33), hz=47)
    for adr in (3, human.model.joint("hip_r").qposadr[0], human.model.joint("hip_l").qposadr[0]):
        q = motion.qpos[:, adr : adr + 4]
        np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1, atol=1e-12)
        assert np.sum(q[1:] * q[:-1], axis=1).min() > 0.95


def test_velocities_carry_each_frame_to_the_next(placed, human):
    motion = placed(swinging(65))
    dt = motion.duration / len(motion.qpos)
    lap = Lap(motion.qpos[0, :3], motion.displacement, motion.turn)
    following = np.vstack([motion.qpos[1:], lap.poses(motion.qpos[:1], 1, root_slots(human))])
    for k, after in enumerate(following[:-1]):
        qpos, gap = motion.qpos[k].copy(), np.zeros(human.model.nv)
        mujoco.mj_integratePos(human.model, qpos, 0.5 * (motion.qvel[k] + motion.qvel[k + 1]), dt)
        mujoco.mj_differentiatePos(human.model, gap, 1.0, qpos, after)
        assert np.abs(gap).max() < 4e-3


def test_joints_that_follow_nothing_rest(placed, human):
    rows = swinging(9)
    motion = placed(rows, channels={"pelvis": "Hips", "thigh_r": "HipR"})
    adr = human.model.joint("hip_l").qposadr[0]
    np.testing.assert_array_equal(motion.qpos[:, adr:], np.tile(human.qpos_rest[adr:], (8, 1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"thigh_r": "Hip_R"},
            r"expected a joint 'Hip_R' for body 'thigh_r', got none of that name; nearest is 'HipR'",
        ),
        (
            {"thig_r": "HipR"},
            r"expected a body of model 'strider' for the joint 'HipR', got 'thig_r' \(did you mean 'thi",
        ),
        ({"pelvis": "HipR"}, r"expected its root 'Hips' for the root body 'pelvis', got 'HipR'"),
        ({"pelvis": None}, r"expected its root 'Hips' for the root body 'pelvis', got none"),
        ({"frame_r": "HipR"}, r"model 'strider': expected one ball or hinge joint of body 'frame_r', .*, got none"),
    ],
)
def test_channels_that_do_not_fit(placed, change, message):
    channels = {body: joint for body, joint in {**CHANNELS, **change}.items() if joint}
    with pytest.raises(UserError, match=message) as caught:
        placed(standing(4), channels=channels)
    assert "\n" not in str(caught.value)


def test_a_planar_model_takes_no_clip(tmp_path, walk2d):
    clip = read_bvh(save(tmp_path / "a.bvh", standing(4)))
    with pytest.raises(UserError, match=r"a\.bvh': expected a model with a free root, got the planar 'walk2d'"):
        place("mine", clip, walk2d, {"pelvis": "Hips"}, AXES)


@pytest.mark.parametrize(
    ("name", "duration", "speed"), [("walk", 131 / 120, (1.1, 1.4)), ("run", 65 / 120, (4.5, 6.0))]
)
def test_captured_strides(human, name, duration, speed):
    if not MASS.is_dir():
        pytest.skip(f"{MASS} is not there: captured strides are not placed")
    names = ("Hips", "RightUpLeg", "RightLeg", "LeftUpLeg", "LeftLeg")
    channels = dict(zip(CHANNELS, (f"Character1_{joint}" for joint in names), strict=True))
    motion = place(name, read_bvh(MASS / f"{name}.bvh"), human, channels, AXES)
    assert motion.duration == pytest.approx(duration, rel=1e-4)
    assert len(motion.qpos) == round(60 * motion.duration)
    assert speed[0] < motion.speed < speed[1]
    assert motion.displacement[1:].tolist() == pytest.approx([0, 0], abs=1e-12)
    assert abs(np.rad2deg(motion.turn)) < 5
    assert np.abs(yaws(human, motion)).max() < 25
    knee = np.rad2deg(motion.qpos[:, human.model.joint("knee_r").qposadr[0]])
    assert 45 < -knee.min() < 130  # flexed in swing
    assert knee.max() < 10
