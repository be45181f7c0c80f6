"""Trunk and arms of a gait cycle on models that have them."""

import mujoco
import numpy as np
import pytest

from soleus import models, motions
from soleus.motions.registry import built_in_cycle
from soleus.motions.upper_body import UpperBody


@pytest.fixture(scope="module")
def full_body():
    return models.load("myofullbody")


@pytest.fixture(scope="module")
def walk(full_body):
    return motions.load("walk", full_body)


def angles_of(human, qpos, body, base):
    """Turns (K, 3) [degree] of a body against its rest before what turns its base, about x, y and z."""
    data, rest, result = mujoco.MjData(human.model), None, []
    for q in [human.qpos_rest, *qpos]:
        data.qpos[:] = q
        mujoco.mj_kinematics(human.model, data)
        own, of = (data.body(name).xmat.reshape(3, 3).copy() for name in (body, base))
        rest = (own, of) if rest is None else rest
        turn = (of @ rest[1].T).T @ own @ rest[0].T
        vector = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        result.append(np.rad2deg(np.arcsin(np.linalg.norm(vector) / 2) * vector / max(np.linalg.norm(vector), 1e-12)))
    return np.array(result[1:])


def test_the_trunk_stays_upright_over_a_pelvis_that_lists(full_body, walk):
    trunk = angles_of(full_body, walk.qpos, "torso", "world")
    assert np.abs(trunk[:, :2]).max() < 0.1  # upright
    assert trunk[0, 2] == pytest.approx(-3, abs=0.2)  # turned against the pelvis
    assert trunk[64, 2] == pytest.approx(3, abs=0.2)


def test_arms_swing_against_the_legs(full_body, walk):
    """Hand-computed from the tables: flexing turns an arm about -y, 24 degrees back at the heel strike of its side."""
    for side, start in (("r", 0), ("l", 64)):
        swing = angles_of(full_body, walk.qpos, f"humerus_{side}", "torso")
        assert swing[start, 1] == pytest.approx(24, abs=1.0)
        assert swing[(start + 64) % 128, 1] == pytest.approx(-8, abs=1.0)
        outward = swing[:, 0] * (-1 if side == "r" else 1)
        assert outward.min() > 9
        assert outward.max() < 17
    names = list(full_body.coordinate_names)
    joint = full_body.model.dof_jntid[full_body.coordinate_dof[names.index("elbow_flexion_r")]]
    elbow = np.rad2deg(walk.qpos[:, full_body.model.jnt_qposadr[joint]])
    assert elbow.min() == pytest.approx(20, abs=0.5)
    assert elbow.max() == pytest.approx(47, abs=0.5)


def test_a_trunk_that_is_fixed_to_the_pelvis_stays_so():
    human = models.load("walk2d")
    upper = UpperBody(human)
    assert not upper.carries_trunk
    qpos = motions.load("walk", human).qpos
    np.testing.assert_array_equal(upper.pose(qpos, np.arange(128) / 128, built_in_cycle("walk")), qpos)
