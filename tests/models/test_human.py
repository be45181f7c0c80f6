"""What a Human says of its model, on every built-in model."""

import mujoco
import numpy as np
import pytest

from soleus import models
from soleus.errors import UserError
from soleus.models.ground import contact_geoms, lowest
from soleus.models.root import conjugate, multiply
from soleus.models.weights import weighed

SIZES = {"walk2d": (9, 6, 18), "myolegs": (20, 14, 80), "myolegs26": (18, 12, 26), "myofullbody": (77, 71, 416)}


def random_pose(human: models.Human, seed: int) -> np.ndarray:
    """A consistent pose near rest, joints within their ranges."""
    rng = np.random.default_rng(seed)
    qpos = human.qpos_rest.copy()
    for c in human.actuated:
        joint = human.model.dof_jntid[human.coordinate_dof[c]]
        low, high = human.model.jnt_range[joint]
        adr = human.model.jnt_qposadr[joint]
        qpos[adr] = np.clip(qpos[adr] + rng.uniform(-0.4, 0.4), low, high)
    return human.consistent(qpos)


def mirror_pose(human: models.Human, qpos: np.ndarray) -> np.ndarray:
    """Mirror joints by the human's table, and a free root by its quaternion; the root stands in the plane y = 0."""
    value = np.array([qpos[max(human.coupling.qpos_adr[d], 0)] for d in human.coordinate_dof])
    mirrored, result = human.mirror_sign * value[human.mirror_coordinate], qpos.copy()
    for c in human.actuated:
        result[human.coupling.qpos_adr[human.coordinate_dof[c]]] = mirrored[c]
    if human.model.jnt_type[human.model.body_jntadr[human.root_body]] == mujoco.mjtJoint.mjJNT_FREE:
        canonical = multiply(qpos[3:7], human.root_align) * np.array([1, -1, 1, -1])
        result[3:7] = multiply(canonical, conjugate(human.root_align))
    return human.consistent(result)


def positions(human: models.Human, qpos: np.ndarray, bodies: np.ndarray) -> np.ndarray:
    data = mujoco.MjData(human.model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(human.model, data)
    return data.xpos[bodies].copy()


def test_sizes(human):
    nc, na, nm = SIZES[human.name]
    assert len(human.coordinate_dof) == len(human.coordinate_names) == len(human.mirror_coordinate) == nc
    assert len(human.actuated) == len(human.kp) == len(human.kd) == len(human.torque_limit) == na
    assert len(human.muscle_names) == len(human.muscle_actuator) == len(human.mirror_muscle) == nm
    assert human.dof_coordinate.shape == human.dof_coupled.shape == (human.model.nv,)
    assert human.model.opt.timestep == pytest.approx(1 / 480)
    assert min(human.kp.min(), human.kd.min(), human.torque_limit.min()) > 0


def test_coordinates_are_the_dofs_that_nothing_drives(human):
    np.testing.assert_array_equal(human.coordinate_dof, np.flatnonzero(~human.dof_coupled))
    np.testing.assert_array_equal(human.dof_coordinate[human.coordinate_dof], np.arange(len(human.coordinate_dof)))
    assert not human.dof_polynomial[~human.dof_coupled].any()


def test_a_consistent_pose_leaves_no_constraint_residual(human):
    data = mujoco.MjData(human.model)
    data.qpos[:] = random_pose(human, 0)
    data.qpos[human.coupling.qpos_adr[human.coordinate_dof[2]]] += 5.0  # off the ground
    mujoco.mj_forward(human.model, data)
    equality = data.efc_type == mujoco.mjtConstraint.mjCNSTR_EQUALITY
    assert equality.sum() == human.dof_coupled.sum()
    np.testing.assert_allclose(data.efc_pos[equality], 0.0, atol=1e-9)


def test_rest_stands_on_the_ground_facing_forward(human):
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    for foot in human.feet:
        assert lowest(human.model, data, contact_geoms(human.model, foot)) == pytest.approx(0.0, abs=2e-3)
    canonical = multiply(data.xquat[human.root_body], human.root_align)
    np.testing.assert_allclose(np.abs(canonical), [1, 0, 0, 0], atol=1e-9)
    right, left = data.xpos[human.feet[0][0]], data.xpos[human.feet[1][0]]
    assert right[1] < 0 < left[1]
    ball = data.geom_xpos[contact_geoms(human.model, human.feet[0])].max(axis=0)
    assert ball[0] > right[0] + 0.05  # the foot points along +x


def test_only_feet_collide_and_only_with_the_floor(human):
    model = human.model
    colliding = np.flatnonzero(model.geom_contype | model.geom_conaffinity)
    bodies = {*np.concatenate(human.feet).tolist(), 0}
    assert {int(model.geom_bodyid[g]) for g in colliding} == bodies
    assert not model.geom_conaffinity[model.geom_bodyid != 0].any()
    assert model.npair == 0


def test_mirror_is_an_involution(human):
    for permutation in (human.mirror_coordinate, human.mirror_muscle, human.mirror_tracked, human.mirror_end_effector):
        np.testing.assert_array_equal(permutation[permutation], np.arange(len(permutation)))
    np.testing.assert_array_equal(human.mirror_sign, human.mirror_sign[human.mirror_coordinate])


@pytest.mark.parametrize(
    ("name", "tolerance"), [("walk2d", 1e-9), ("myolegs", 1e-3), ("myolegs26", 1e-9), ("myofullbody", 2e-3)]
)
def test_mirrored_pose_puts_bodies_at_the_mirrored_places(name, tolerance):
    human = models.load(name)
    for seed in range(5):
        qpos = random_pose(human, seed)
        if human.model.nq > 9:
            turn = np.array([np.cos(0.1), *(np.sin(0.1) * np.array([0.6, 0.48, 0.64]))])
            qpos[3:7] = multiply(turn, qpos[3:7])
        before = positions(human, qpos, human.tracked_bodies)
        after = positions(human, mirror_pose(human, qpos), human.tracked_bodies)
        np.testing.assert_allclose(after, before[human.mirror_tracked] * [1, -1, 1], atol=tolerance)


def test_muscles_mirror_to_their_namesakes(human):
    for i, name in enumerate(human.muscle_names):
        assert human.mirror_muscle[i] != i, name
        adr, other = human.crossing_adr, human.mirror_muscle[i]
        assert adr[i + 1] - adr[i] == adr[other + 1] - adr[other]


def test_crossings_hold_every_moment(human):
    """No muscle has a moment about a coordinate that its row leaves out, whatever the pose."""
    model, data = human.model, mujoco.MjData(human.model)
    index = {int(c): a for a, c in enumerate(human.actuated)}
    allowed = [
        set(human.crossing[human.crossing_adr[i] : human.crossing_adr[i + 1]].tolist())
        for i in range(len(human.muscle_names))
    ]
    for seed in range(3):
        data.qpos[:] = random_pose(human, seed)
        mujoco.mj_fwdPosition(model, data)
        moment = np.zeros((model.nu, model.nv))
        mujoco.mju_sparse2dense(
            moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
        slope = human.coupling.derivative(data.qpos)
        for i, actuator in enumerate(human.muscle_actuator):
            for dof in np.flatnonzero(np.abs(moment[actuator] * slope) > 1e-12):
                coordinate = int(human.dof_coordinate[dof])
                assert coordinate in index, (human.muscle_names[i], "moves the root")
                assert index[coordinate] in allowed[i], (human.muscle_names[i], human.coordinate_names[coordinate])


def knee_moments(human: models.Human, qpos: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right knee, full activation: length gradient (nm,) [m] along the coupling, torques (nm,) with and without it."""
    model, data = human.model, mujoco.MjData(human.model)
    data.qpos[:] = qpos
    data.act[:] = 1.0
    mujoco.mj_forward(model, data)
    moment = np.zeros((model.nu, model.nv))
    mujoco.mju_sparse2dense(moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind)
    knee = model.joint("knee_angle_r").dofadr[0]
    follows = human.dof_coordinate == human.dof_coordinate[knee]
    gradient = moment @ (human.coupling.derivative(qpos) * follows)
    return gradient, gradient * data.actuator_force, moment[:, knee] * data.actuator_force


def test_coupled_dofs_carry_the_quadriceps(myolegs):
    """The quadriceps act through the patella, which follows the knee: their moment is the slope along the coupling."""
    model, data, step = myolegs.model, mujoco.MjData(myolegs.model), 1e-6
    gradient, projected, bare = knee_moments(myolegs, myolegs.qpos_rest)
    assert np.clip(-projected, 0, None).sum() > 100
    lengths = []
    for angle in (0.3, 0.3 + step):
        data.qpos[:] = myolegs.qpos_rest
        data.qpos[model.joint("knee_angle_r").qposadr[0]] = angle
        data.qpos[:] = myolegs.consistent(data.qpos)
        mujoco.mj_fwdPosition(model, data)
        lengths.append(data.actuator_length.copy())
    gradient, projected, bare = knee_moments(myolegs, data.qpos.copy())
    np.testing.assert_allclose((lengths[1] - lengths[0]) / step, gradient, atol=1e-6)
    vasti = [i for i, name in enumerate(myolegs.muscle_names) if name.startswith("vas") and name.endswith("_r")]
    assert np.all(projected[vasti] / bare[vasti] < 0.85)  # a bare moment takes the patella as fixed to the thigh


def test_an_inconsistent_pose_has_no_quadriceps(myolegs):
    """MuJoCo's own qpos0 leaves the patella inside the thigh: 3 N m, and 88 N m even with the coupling."""
    _, projected, bare = knee_moments(myolegs, myolegs.model.qpos0)
    assert np.clip(-bare, 0, None).sum() < 5
    assert np.clip(-projected, 0, None).sum() > 80


def test_coupling_derivative_is_that_of_the_polynomial(human):
    qpos, step = random_pose(human, 1), 1e-6
    slope = human.coupling.derivative(qpos)
    for dof in np.flatnonzero(human.dof_coupled):
        driver = human.coupling.driver[dof]
        if driver < 0:
            assert slope[dof] == 0
            continue
        moved = qpos.copy()
        moved[human.coupling.qpos_adr[driver]] += step
        adr = human.coupling.qpos_adr[dof]
        assert (human.consistent(moved)[adr] - qpos[adr]) / step == pytest.approx(slope[dof], abs=1e-5)


def test_render_model_has_the_same_state(myolegs):
    rendered = myolegs.render_model()
    assert (rendered.nq, rendered.nv) == (myolegs.model.nq, myolegs.model.nv)
    assert rendered.ngeom > myolegs.model.ngeom
    np.testing.assert_allclose(rendered.body_mass, myolegs.model.body_mass)
    np.testing.assert_allclose(rendered.body_inertia, myolegs.model.body_inertia)


def test_a_spine_of_several_vertebrae_is_as_stiff_as_the_trunk_asks() -> None:
    """flex_extension bends five vertebrae: 300 N m/rad are of the trunk's turn, which is not the coordinate's."""
    myofullbody = models.load("myofullbody")
    names = [myofullbody.coordinate_names[c] for c in myofullbody.actuated]
    at = names.index("flex_extension")
    turn = _turn(myofullbody, "flex_extension")
    assert turn == pytest.approx(1.875, abs=0.01)
    assert myofullbody.kp[at] == pytest.approx(300 * turn**2, rel=1e-3)
    assert myofullbody.kd[at] == pytest.approx(15 * turn**2, rel=1e-3)
    assert myofullbody.torque_limit[at] == pytest.approx(150 * turn, rel=1e-3)
    assert myofullbody.pose_weight[at] == pytest.approx(turn**2, rel=1e-3)


def _turn(human: models.Human, joint: str) -> float:
    """[rad] by which the trunk turns against the pelvis where a joint turns by a thousandth, over it."""
    model, poses = human.model, []
    for by in (-5e-4, 5e-4):
        qpos = human.qpos_rest.copy()
        qpos[model.joint(joint).qposadr[0]] += by
        data = mujoco.MjData(model)
        data.qpos[:] = human.coupling.consistent(qpos)
        mujoco.mj_kinematics(model, data)
        poses.append(data.xquat[model.body("lumbar1").id].copy())
    turn = np.zeros(3)
    mujoco.mju_subQuat(turn, poses[1], poses[0])
    return float(np.linalg.norm(turn) / 1e-3)


def test_joints_weigh_what_a_task_says() -> None:
    legs = models.load("myolegs")
    joints = [legs.coordinate_names[c] for c in legs.actuated]
    heavier = weighed(legs, {"hip_rotation_*": 2.0, "*_r": 3.0, "mtp_angle_l": 0.0})
    for joint, weight in zip(joints, heavier.pose_weight / legs.pose_weight, strict=True):
        expected = (2 if "hip_rotation" in joint else 1) * (3 if joint.endswith("_r") else 1) * (joint != "mtp_angle_l")
        assert weight == expected, joint
    with pytest.raises(UserError, match=r"^task\.reward\.joints: expected the name of a joint.*got 'hip_rotaton_r'"):
        weighed(legs, {"hip_rotaton_r": 2.0})
