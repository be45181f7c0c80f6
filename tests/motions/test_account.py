"""What is said of a motion on a model: figures that can be worked out by hand."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from mass_files import FILES
from soleus import motions
from soleus.config.sources import MassFiles, ModelFiles
from soleus.models import load
from soleus.motions.account import account_of, as_text
from soleus.motions.motion import make_motion, play_once
from soleus.motions.rotations import exp

TX, TZ, HIP_R, KNEE_R = 0, 1, 3, 4


def standing(human, frames=40):
    return np.tile(human.qpos_rest, (frames, 1))


def test_a_built_in_walk(myolegs):
    walk = motions.load("walk", myolegs)
    account = account_of(walk, myolegs)
    assert account.duration_s == walk.duration
    assert account.speed_m_s == pytest.approx(walk.speed)
    assert account.length_m == pytest.approx(walk.displacement[0])
    names = ["hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "subtalar_angle", "mtp_angle"]
    assert [one.joint for one in account.joints] == [f"{name}_{side}" for side in "rl" for name in names]
    assert max(one.beyond for one in account.joints) < 1e-9
    assert account.on_ground > 0.95
    assert -0.02 < account.clearance_m[0] < account.clearance_m[1] < 0.02
    assert account.slip_m_s < 0.2 * walk.speed


def test_angles_past_a_limit(walk2d):
    qpos = standing(walk2d)
    qpos[:, KNEE_R] = np.linspace(-0.2, 0.3, len(qpos))
    joints = {one.joint: one for one in account_of(make_motion("bend", 1.0, qpos, np.zeros(3), walk2d), walk2d).joints}
    assert len(joints) == 6
    knee = joints["knee_angle_r"]
    assert (knee.least, knee.most) == pytest.approx((np.rad2deg(-0.2), np.rad2deg(0.3)))
    assert (knee.lower, knee.upper) == pytest.approx((0, 130))
    assert knee.beyond == pytest.approx(np.rad2deg(0.2))
    assert joints["hip_flexion_l"].beyond == 0


def test_feet_above_the_ground_and_feet_that_slip(walk2d):
    qpos = standing(walk2d)
    qpos[:, TX] = np.arange(40) * 0.025  # at 40 frames a second, legs stiff: 1 m/s
    slides = account_of(make_motion("slide", 1.0, qpos, np.array([1.0, 0, 0]), walk2d), walk2d)
    assert slides.slip_m_s == pytest.approx(1.0)
    assert slides.on_ground == 1
    assert slides.clearance_m == pytest.approx((0, 0), abs=1e-3)
    qpos[:30, TZ] += 0.1
    hops = account_of(make_motion("hop", 1.0, qpos, np.array([1.0, 0, 0]), walk2d), walk2d)
    assert hops.on_ground == pytest.approx(0.25)
    assert hops.clearance_m == pytest.approx((0, 0.1), abs=1e-3)


def test_the_text(walk2d):
    motion = replace(make_motion("bend", 1.0, standing(walk2d), np.zeros(3), walk2d, 0.5), notes=("it bends",))
    lines = as_text(account_of(motion, walk2d)).splitlines()
    assert lines[0] == "bend on walk2d: 1.000 s in 40 frames, 0.000 m, 0.000 m/s, turning by 28.6 degrees to the left"
    assert lines[1] == "it bends"
    assert lines[4].split() == ["hip_flexion_r", "0", "0", "-30", "to", "110"]
    assert lines[-2] == "lowest point of the feet: 0 to 0 mm above the ground, on it (below 20 mm) for 100 % of the lap"
    assert lines[-1] == "feet that stand slip at 0.000 m/s (median)"


def test_ball_joints_turn_by_an_angle():
    human = load(ModelFiles(mass=MassFiles(skeleton=str(FILES["person"]["skeleton"]))))
    model = human.model
    ball = next(j for j in np.flatnonzero(model.jnt_type == int(mujoco.mjtJoint.mjJNT_BALL)))
    qpos, adr = standing(human), int(model.jnt_qposadr[ball])
    qpos[:, adr : adr + 4] = exp(np.linspace(0.1, 0.5, len(qpos))[:, None] * np.array([0.6, 0.0, -0.8]))
    joints = account_of(play_once("turn", 1.0, qpos, human), human).joints
    turned = next(one for one in joints if one.joint == model.joint(ball).name)
    assert (turned.least, turned.most) == pytest.approx((np.rad2deg(0.1), np.rad2deg(0.5)))


def test_the_slip_of_a_motion_that_is_played_once(walk2d):
    qpos = standing(walk2d, 11)
    qpos[:, TX] = np.arange(11) * 0.1
    assert account_of(play_once("slide", 1.0, qpos, walk2d), walk2d).slip_m_s == pytest.approx(1.0)
