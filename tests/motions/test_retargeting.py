"""Clips of other tools on bodies of hinges and of balls, by the names of their limbs."""

import mujoco
import numpy as np
import pytest

import captured
from mass_files import FILES
from soleus import models, motions
from soleus.config.sources import BvhMotion, ModelFiles
from soleus.errors import UserError

HINGES = ("walk2d", "myolegs26")


@pytest.fixture(scope="module", params=HINGES)
def hinged(request):
    return models.load(request.param)


def joint(human, qpos, name):
    """A hinge's angle (K,) [degree]."""
    return np.rad2deg(qpos[:, human.model.jnt_qposadr[human.model.joint(name).id]])


def check(motion, human, tolerance=1.5):
    """The legs do what the clip's do, at the clip's times: both sides, whatever resampling did to the frames."""
    at = np.arange(len(motion.qpos)) / len(motion.qpos)
    for side in "rl":
        wanted = captured.angles(side)
        for name, key in (
            (f"hip_flexion_{side}", "hip"),
            (f"knee_angle_{side}", "knee"),
            (f"ankle_angle_{side}", "ankle"),
        ):
            values = np.interp(at, np.linspace(0, 1, captured.FRAMES), wanted[key])
            got = joint(human, motion.qpos, name)
            got = got if np.dot(got - got.mean(), values - values.mean()) > 0 else -got
            np.testing.assert_allclose(got - got.mean(), values - values.mean(), atol=tolerance)
    assert motion.duration == pytest.approx(captured.STRIDE_S)


@pytest.mark.parametrize("maker", captured.MAKERS)
def test_joints_are_known_by_the_names_of_many_tools(maker, tmp_path, hinged):
    check(motions.load(captured.write(tmp_path, maker), hinged), hinged)


@pytest.mark.parametrize(
    "keys",
    [
        {"line": "\r\n", "indent": "\t", "mark": b"\xef\xbb\xbf"},
        {"positions": True},
        {"ends": False},
        {"unit": 0.0254},
        {"unit": 1.0},
        {"unit": 0.001},
        {"up": "z"},
    ],
    ids=["crlf-tabs-mark", "positions", "no-ends", "inches", "metres", "millimetres", "z-up"],
)
def test_whatever_a_tool_writes(keys, tmp_path, hinged):
    plain = motions.load(captured.write(tmp_path), hinged)
    other = motions.load(captured.write(tmp_path, **keys), hinged)
    check(other, hinged)
    np.testing.assert_allclose(other.qpos, plain.qpos, atol=2e-4)
    legs = hinged.root_height / 0.95  # its strides are as long as its legs have it
    assert plain.speed == pytest.approx(captured.SPEED * legs, rel=0.1)


def test_one_frame_is_a_pose_that_rests(tmp_path, hinged):
    motion = motions.load(captured.write(tmp_path, frames=1), hinged)
    assert np.ptp(motion.qpos, axis=0).max() < 1e-9
    assert np.abs(motion.qvel).max() < 1e-9
    assert np.abs(joint(hinged, motion.qpos, "hip_flexion_r")).max() == pytest.approx(25, abs=1.5)


def test_a_body_of_balls(tmp_path):
    """Its thighs and shanks point where the clip's do."""
    human = models.load(ModelFiles.model_validate({"mass": {"skeleton": str(FILES["person"]["skeleton"])}}), 600)
    motion = motions.load(BvhMotion(bvh=str(captured.write(tmp_path, "xsens")), lap="once"), human)
    data = mujoco.MjData(human.model)
    bodies = {limb: human.model.body(name).id for limb, name in (("thigh", "FemurR"), ("shank", "TibiaR"))}
    rest, got = {}, {"thigh": [], "shank": []}
    for q in [human.qpos_rest, *motion.qpos]:
        data.qpos[:] = q
        mujoco.mj_kinematics(human.model, data)
        now = {limb: data.xmat[body].reshape(3, 3).copy() for limb, body in bodies.items()}
        rest = rest or now
        for limb in bodies:
            turn = now[limb] @ rest[limb].T
            got[limb].append(np.rad2deg(np.arctan2(turn[0, 2], turn[0, 0])))
    wanted = captured.angles("r")
    for limb, turned in (("thigh", -wanted["hip"]), ("shank", wanted["knee"] - wanted["hip"])):
        moved = np.array(got[limb][1:])
        np.testing.assert_allclose(moved - moved.mean(), turned - turned.mean(), atol=0.7)
        assert abs(moved.mean() - turned.mean()) < 5  # limbs of the body do not hang straight down at rest


def test_arms_that_are_spread_hang(tmp_path):
    """The clip's arms hang by 80 degrees from its T-pose, the model's hang at rest: 10 degrees outward are left."""
    human = models.load("myofullbody")
    motion = motions.load(captured.write(tmp_path, "mixamo"), human)
    data = mujoco.MjData(human.model)
    data.qpos[:] = motion.qpos[0]
    mujoco.mj_kinematics(human.model, data)
    for side, sign in (("r", -1), ("l", 1)):
        arm = data.body(f"ulna_{side}").xpos - data.body(f"humerus_{side}").xpos
        arm /= np.linalg.norm(arm)
        assert np.rad2deg(np.arctan2(sign * arm[1], -arm[2])) == pytest.approx(10, abs=3)


def test_a_clip_without_known_names_says_which_key_names_them(tmp_path, hinged):
    path = captured.write(tmp_path)
    path.write_text(path.read_text().replace("UpLeg", "Q").replace("Leg", "R"))
    with pytest.raises(UserError, match=r"motion\.names: expected the joint of '.*mixamo\.bvh' that each body follows"):
        motions.load(path, hinged)


def test_lengths_that_are_none_are_refused(tmp_path, hinged):
    path = captured.write(tmp_path)
    lines = ["OFFSET 0 0 0" if line.strip().startswith("OFFSET") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match="expected hips beside one another above the feet, got OFFSETs of zero"):
        motions.load(path, hinged)


def changed(path, change):
    """Rewrite the numbers of a clip's frames: change(rows), an array of the file's rows."""
    head, _, tail = path.read_text().partition("Frame Time:")
    first, *rows = tail.strip().splitlines()
    table = change(np.array([[float(word) for word in row.split()] for row in rows]))
    lines = [" ".join(f"{value:.9f}" for value in row) for row in table]
    path.write_text(f"{head}Frame Time:{first}\n" + "\n".join(lines) + "\n")
    return path


def in_radians(rows):
    rows[:, 3:] = np.deg2rad(rows[:, 3:])
    return rows


def test_rotations_in_another_unit(tmp_path, hinged):
    plain = motions.load(captured.write(tmp_path), hinged)
    with pytest.raises(UserError, match=r"expected rotations in radians, got up to 80: .* say motion\.unit: degree$"):
        motions.load(BvhMotion(bvh=str(captured.write(tmp_path)), unit="radian"), hinged)
    path = changed(captured.write(tmp_path), in_radians)
    with pytest.raises(
        UserError, match=r"expected rotations in degrees, got none beyond 1\.4: .* motion\.unit: radian"
    ):
        motions.load(path, hinged)
    radians = motions.load(BvhMotion(bvh=str(path), unit="radian"), hinged)
    np.testing.assert_allclose(radians.qpos, plain.qpos, atol=1e-5)


@pytest.mark.parametrize(
    ("column", "by", "said"), [(1, 80.0, "the root's position"), (30, 150.0, "joint '.*RightLeg'")]
)
def test_jumps_of_a_clip_that_is_played_once(column, by, said, tmp_path, hinged):
    def jump(rows):
        rows[15:, column] += by
        return rows

    path = changed(captured.write(tmp_path), jump)
    with pytest.raises(UserError, match=rf"expected a motion without jumps, got {said} .* from frame 14 to frame 15"):
        motions.load(BvhMotion(bvh=str(path), lap="once"), hinged)
