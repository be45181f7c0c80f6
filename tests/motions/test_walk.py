"""The built-in walk on every model: on the ground, in step, smooth."""

import functools

import mujoco
import numpy as np
import pytest

from soleus import models, motions
from soleus.models.ground import contact_geoms, lowest

STANCE = 0.58  # of the stride, just before toe-off


@functools.cache
def walk(human: models.Human) -> motions.Motion:
    return motions.load("walk", human)


def foot_heights(human: models.Human, motion: motions.Motion) -> np.ndarray:
    """(K, 2) lowest point of the right and left foot [m]."""
    data = mujoco.MjData(human.model)
    heights = []
    for qpos in motion.qpos:
        data.qpos[:] = qpos
        mujoco.mj_kinematics(human.model, data)
        heights.append([lowest(human.model, data, contact_geoms(human.model, foot)) for foot in human.feet])
    return np.array(heights)


def joint(human: models.Human, motion: motions.Motion, name: str) -> np.ndarray:
    """(K,) degrees."""
    return np.rad2deg(motion.qpos[:, human.model.joint(name).qposadr[0]])


def test_feet_neither_sink_nor_float(human):
    heights = foot_heights(human, walk(human))
    frames = len(heights)
    stance = np.arange(frames) < STANCE * frames
    right, left = heights[:, 0], np.roll(heights[:, 1], -frames // 2)
    assert heights.min() > -0.005
    assert np.abs(right[stance]).max() < 0.005
    assert np.abs(left[stance]).max() < 0.005
    assert right[~stance].max() > 0.015  # the foot clears the ground in swing


def test_speed_and_cadence_are_normal(human):
    motion = walk(human)
    assert 1.2 <= motion.speed <= 1.3
    assert 105 <= 2 * 60 / motion.duration <= 116
    assert motion.displacement[0] == pytest.approx(motion.speed * motion.duration)
    assert motion.displacement[1:].tolist() == [0, 0]


def test_the_standing_foot_stays_where_it_is(human):
    """The ball of the foot moves by less than 2 cm while it bears."""
    motion = walk(human)
    data, places = mujoco.MjData(human.model), []
    foot = human.feet[0][0]
    front = max(contact_geoms(human.model, human.feet[0][:1]), key=lambda g: human.model.geom_pos[g, 0])
    frames = len(motion.qpos)
    for qpos in motion.qpos[int(0.15 * frames) : int(0.42 * frames)]:
        data.qpos[:] = qpos
        mujoco.mj_kinematics(human.model, data)
        places.append(data.geom_xpos[front, :2].copy())
    assert foot == human.model.geom_bodyid[front]
    assert np.ptp(np.array(places), axis=0).max() < 0.02


def test_left_is_right_half_a_stride_later(human):
    motion = walk(human)
    half = len(motion.qpos) // 2
    value = motion.qpos[:, np.maximum(human.coupling.qpos_adr[human.coordinate_dof], 0)]
    mirrored = (human.mirror_sign * value[:, human.mirror_coordinate])[:, human.actuated]
    np.testing.assert_allclose(np.roll(mirrored, -half, axis=0), value[:, human.actuated], atol=1e-9)


def test_joint_angles_are_those_of_the_literature(human):
    """Peaks and their times near those of the tables, whose file names its sources, whatever the model's signs."""
    motion = walk(human)
    hip, ankle = joint(human, motion, "hip_flexion_r"), joint(human, motion, "ankle_angle_r")
    knee = joint(human, motion, "knee_angle_r") * (-1 if human.name == "myolegs26" else 1)
    assert hip.max() == pytest.approx(24, abs=4)
    assert hip.min() == pytest.approx(-16, abs=4)
    assert knee.max() == pytest.approx(60, abs=5)  # 64 in Bovi et al. (2011)
    assert knee.min() > 0
    assert ankle.max() == pytest.approx(10.5, abs=6)
    assert ankle.min() == pytest.approx(-18, abs=4)
    assert 0.48 < hip.argmin() / len(hip) < 0.58
    assert 0.68 < knee.argmax() / len(knee) < 0.78


def test_motion_is_smooth_and_periodic(human):
    motion = walk(human)
    angles = motion.qpos[:, human.coupling.qpos_adr[human.coordinate_dof[human.actuated]]]
    steps = np.diff(np.vstack([angles, angles[:1]]), axis=0)
    assert np.abs(steps).max() < np.deg2rad(5)
    assert np.abs(np.diff(np.vstack([steps, steps[:1]]), axis=0)).max() < np.deg2rad(0.6)


def test_velocities_carry_each_frame_to_the_next(human):
    motion = walk(human)
    dt = motion.duration / len(motion.qpos)
    for k in range(0, len(motion.qpos) - 1, 16):
        qpos = motion.qpos[k].copy()
        mujoco.mj_integratePos(human.model, qpos, 0.5 * (motion.qvel[k] + motion.qvel[k + 1]), dt)
        difference = np.zeros(human.model.nv)
        mujoco.mj_differentiatePos(human.model, difference, 1.0, qpos, motion.qpos[k + 1])
        assert np.abs(difference).max() < 2e-3


def test_coupled_joints_are_consistent_in_every_frame(human):
    qpos = walk(human).qpos
    np.testing.assert_allclose(human.consistent(qpos), qpos, atol=1e-12)


def test_joints_stay_within_their_ranges(human):
    qpos, model = walk(human).qpos, human.model
    for c in human.actuated:
        j = model.dof_jntid[human.coordinate_dof[c]]
        low, high = model.jnt_range[j]
        value = qpos[:, model.jnt_qposadr[j]]
        assert value.min() >= low - 1e-9, human.coordinate_names[c]
        assert value.max() <= high + 1e-9, human.coordinate_names[c]


def test_features_match_the_kinematics(human):
    motion = walk(human)
    model, data = human.model, mujoco.MjData(human.model)
    k = 20
    data.qpos[:], data.qvel[:] = motion.qpos[k], motion.qvel[k]
    mujoco.mj_forward(model, data)
    mujoco.mj_subtreeVel(model, data)
    com, root = data.subtree_com[0], data.xpos[human.root_body]
    assert np.linalg.norm(motion.com[k]) == pytest.approx(np.linalg.norm(com - root))
    assert motion.com[k, 2] == pytest.approx(com[2] - root[2])
    np.testing.assert_allclose(
        np.linalg.norm(motion.end_effectors[k], axis=-1), np.linalg.norm(data.xpos[human.end_effectors] - com, axis=-1)
    )
    assert motion.end_effectors[k, 0, 1] < motion.end_effectors[k, 1, 1]  # the right foot is on the right
    np.testing.assert_allclose(
        np.linalg.norm(motion.com_velocity[k]), np.linalg.norm(data.subtree_linvel[0]), rtol=0.02
    )
    assert motion.com_velocity[:, 0].mean() == pytest.approx(motion.speed, rel=0.01)


def test_heel_strike_comes_first(human):
    motion = walk(human)
    assert motion.qpos[0, 0] == pytest.approx(human.qpos_rest[0])
    right, left = motion.end_effectors[0, 0], motion.end_effectors[0, 1]
    assert right[0] - left[0] > 0.5  # the right foot is a step ahead


def test_sway_can_balance():
    """In the frontal plane y'' = g / h (y - y_foot): the centre of mass sways by what the step width asks for."""
    human = models.load("myolegs")
    motion = walk(human)
    data, com, feet = mujoco.MjData(human.model), [], []
    for qpos in motion.qpos:
        data.qpos[:] = qpos
        mujoco.mj_kinematics(human.model, data)
        mujoco.mj_comPos(human.model, data)
        com.append(data.subtree_com[0].copy())
        geoms = contact_geoms(human.model, human.feet[0])
        feet.append(data.geom_xpos[geoms, 1].mean())
    com, stance = np.array(com), slice(0, int(STANCE * len(feet)))
    omega, pendulum = 2 * np.pi / motion.duration, 9.81 / com[:, 2].mean()
    wanted = 4 / np.pi * abs(np.mean(feet[stance])) * pendulum / (omega**2 + pendulum)
    assert np.ptp(com[:, 1]) / 2 == pytest.approx(wanted, abs=0.004)
