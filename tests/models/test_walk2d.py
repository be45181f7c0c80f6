"""The model against the literature that its file cites."""

import mujoco
import numpy as np
import pytest

from soleus import models


def muscle_moments(human: models.Human, qpos: np.ndarray, activation: float) -> tuple[np.ndarray, np.ndarray]:
    """Moment arms (nm, nv) [m], positive where tension makes the angle grow, and torques (nm, nv) [N m]."""
    model, data = human.model, mujoco.MjData(human.model)
    data.qpos[:] = qpos
    data.act[:] = activation
    mujoco.mj_forward(model, data)
    moment = np.zeros((model.nu, model.nv))
    mujoco.mju_sparse2dense(moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind)
    rows = moment[human.muscle_actuator]
    return -rows, rows * data.actuator_force[human.muscle_actuator, None]


def pose(human: models.Human, **degrees: float) -> np.ndarray:
    qpos = human.qpos_rest.copy()
    for name, angle in degrees.items():
        qpos[human.model.joint(name).qposadr[0]] = np.deg2rad(angle)
    return qpos


def test_size_and_mass(walk2d):
    assert walk2d.model.nv == 9
    assert len(walk2d.muscle_names) == 18
    assert walk2d.mass == pytest.approx(75.0)
    assert walk2d.root_height == pytest.approx(0.530 * 1.75, abs=1e-3)


def test_segments_follow_winter(walk2d):
    mass = {walk2d.model.body(b).name: walk2d.model.body_mass[b] / 75 for b in range(walk2d.model.nbody)}
    assert mass["femur_r"] == pytest.approx(0.100)
    assert mass["tibia_l"] == pytest.approx(0.0465)
    assert mass["calcn_r"] == pytest.approx(0.0145)
    upper = [walk2d.model.body(n).id for n in ("pelvis", "torso", "head")]
    data = mujoco.MjData(walk2d.model)
    data.qpos[:] = walk2d.qpos_rest
    mujoco.mj_kinematics(walk2d.model, data)
    m = walk2d.model.body_mass[upper]
    z = data.xipos[upper, 2] - data.xpos[upper[0], 2]
    center = m @ z / m.sum()
    assert m.sum() == pytest.approx(0.678 * 75)
    assert center == pytest.approx(0.626 * 0.288 * 1.75, abs=1e-3)
    inertia = walk2d.model.body_inertia[upper, 1].sum() + m @ (z - center) ** 2
    assert np.sqrt(inertia / m.sum()) == pytest.approx(0.496 * 0.288 * 1.75, abs=1e-3)


@pytest.mark.parametrize(
    ("muscle", "joint", "angles", "low", "high"),
    [
        ("glut_max", "hip_flexion", (-20, 60), -0.075, -0.045),
        ("hamstrings", "hip_flexion", (-20, 60), -0.070, -0.045),
        ("hip_flexors", "hip_flexion", (-20, 60), 0.030, 0.052),
        ("rect_fem", "hip_flexion", (-20, 50), 0.035, 0.052),
        ("vasti", "knee_angle", (0, 70), -0.048, -0.035),
        ("rect_fem", "knee_angle", (0, 70), -0.048, -0.035),
        ("hamstrings", "knee_angle", (0, 90), 0.024, 0.043),
        ("bifemsh", "knee_angle", (0, 90), 0.027, 0.047),
        ("gastroc", "knee_angle", (0, 90), 0.014, 0.034),
        ("gastroc", "ankle_angle", (-30, 20), 0.044, 0.052),
        ("soleus", "ankle_angle", (-30, 20), 0.043, 0.052),
        ("tib_ant", "ankle_angle", (-30, 20), 0.034, 0.041),
    ],
)
def test_moment_arms_are_physiological(walk2d, muscle, joint, angles, low, high):
    dof = walk2d.model.joint(f"{joint}_r").dofadr[0]
    index = walk2d.muscle_names.index(f"{muscle}_r")
    sign = -1 if joint == "ankle_angle" and muscle != "tib_ant" else 1  # plantarflexors turn the ankle down
    for angle in np.linspace(*angles, 9):
        arm = sign * muscle_moments(walk2d, pose(walk2d, **{f"{joint}_r": angle}), 0.0)[0][index, dof]
        assert low <= arm <= high, (angle, arm)


@pytest.mark.parametrize(
    ("joint", "sign", "at_least", "angles"),
    [
        ("hip_flexion_r", -1, 150, {"hip_flexion_r": 20, "knee_angle_r": 10}),
        ("hip_flexion_r", 1, 100, {"hip_flexion_r": -12, "knee_angle_r": 36, "ankle_angle_r": -14}),
        ("knee_angle_r", -1, 150, {"hip_flexion_r": 18, "knee_angle_r": 17}),
        ("ankle_angle_r", -1, 150, {"hip_flexion_r": -15, "knee_angle_r": 12, "ankle_angle_r": 9}),
        ("ankle_angle_r", 1, 40, {"hip_flexion_r": 22, "knee_angle_r": 5}),
    ],
)
def test_muscles_are_strong_enough_to_walk(walk2d, joint, sign, at_least, angles):
    _, torque = muscle_moments(walk2d, pose(walk2d, **angles), 1.0)
    strength = np.clip(sign * torque[:, walk2d.model.joint(joint).dofadr[0]], 0, None).sum()
    assert strength > at_least


def test_passive_torques_are_small_in_walking_poses(walk2d):
    for angles in ({}, {"hip_flexion_r": 5, "knee_angle_r": 60}, {"hip_flexion_r": -15, "ankle_angle_r": 9}):
        _, torque = muscle_moments(walk2d, pose(walk2d, **angles), 0.0)
        assert np.abs(torque.sum(axis=0)).max() < 25


def test_standing_touches_the_ground_at_heel_and_ball(walk2d):
    data = mujoco.MjData(walk2d.model)
    data.qpos[:] = walk2d.qpos_rest
    data.qpos[1] -= 1e-4
    mujoco.mj_forward(walk2d.model, data)
    assert data.ncon == 4
