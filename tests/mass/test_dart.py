"""The reference itself: DartHuman against finite differences, Newton and Euler, and numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("dartpy", reason="dartpy is not installed: nothing to hold MASS models against")
from dart import DartHuman, orthonormal, rotation, rotation_vector

OWN = Path(__file__).parent
SHARED = Path(__file__).parents[2].parent / "shared" / "mass"
FILES = {
    "person": (OWN / "person.xml", OWN / "muscles.xml"),
    "human": (SHARED / "human.xml", SHARED / "muscle284.xml"),
}
H = 1e-5  # seconds, of finite differences


@pytest.fixture(scope="module", params=FILES)
def human(request):
    if not FILES[request.param][0].exists():
        pytest.skip(f"{FILES[request.param][0]} is not there")
    return DartHuman(*FILES[request.param])


@pytest.fixture(scope="module")
def person():
    return DartHuman(*FILES["person"])


@pytest.fixture
def state(human):
    """(q, qd), set: a pose well away from the T-pose, moving."""
    rng = np.random.default_rng(3)
    q, qd = rng.normal(0, 0.4, human.n), rng.normal(0, 1, human.n)
    human.set_state(q, qd)
    return q, qd


def around(human, q, qd, value, h=H):
    """Rate of value() along qd at q, by central differences; the state is left at q, qd."""
    ends = []
    for sign in (1, -1):
        human.set_state(human.moved(q, qd, sign * h), qd)
        ends.append(np.array(value()))
    human.set_state(q, qd)
    return (ends[0] - ends[1]) / (2 * h)


def test_gram_schmidt_keeps_the_first_column():
    skewed = np.array([[1.0, 0.1, 0], [0, 1, 0.2], [0.3, 0, 1]])
    turned = orthonormal(skewed)
    np.testing.assert_allclose(turned.T @ turned, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(turned[:, 0], skewed[:, 0] / np.sqrt(1.09))
    assert turned[:, 2] @ skewed[:, :2] == pytest.approx(0, abs=1e-15)


def test_rotation_vectors_go_there_and_back():
    for vector in np.random.default_rng(0).normal(0, 1, (20, 3)):
        np.testing.assert_allclose(rotation_vector(rotation(vector)), vector, atol=1e-12)
    np.testing.assert_allclose(rotation(np.array([0, 0, np.pi / 2])) @ [1, 0, 0], [0, 1, 0], atol=1e-15)


def test_state_zero_is_the_t_pose(human):
    human.set_state(np.zeros(human.n), np.zeros(human.n))
    np.testing.assert_allclose(human.transforms(), human.rest, atol=1e-15)
    np.testing.assert_allclose(human.muscle_lengths(), 1, rtol=1e-14)


def test_positions_are_rotation_vectors_between_the_joint_frames(human, state):
    q, _ = state
    transforms = human.transforms()
    for b, parent in enumerate(human.parents):
        above = (np.eye(4) if parent < 0 else transforms[parent]) @ human.parent_frame[b]
        expected, own = np.eye(4), q[human.coordinates[human.names[b]]]
        revolute = human.types[b] == "Revolute"
        expected[:3, :3] = rotation(own * human.bodies[b].getParentJoint().getAxis() if revolute else own[:3])
        if parent < 0:
            expected[:3, 3] = own[3:]
        found = np.linalg.inv(above) @ transforms[b] @ human.child_frame[b]
        np.testing.assert_allclose(found, expected, atol=1e-14)
    np.testing.assert_allclose(human.positions(transforms), q, atol=1e-13)


def test_velocities_are_twists_of_the_second_joint_frame(human, state):
    q, qd = state
    np.testing.assert_allclose(human.qd, qd, atol=1e-14)
    before = human.transforms() @ human.child_frame
    rates = around(human, q, qd, lambda: human.transforms() @ human.child_frame)
    own = np.einsum("bji,bjk->bik", before[:, :3, :3], rates[:, :3])  # R^T dR/dt and R^T dp/dt
    spins = np.stack([own[:, 2, 1], own[:, 0, 2], own[:, 1, 0]], axis=1)  # of each second frame, in its own axes
    np.testing.assert_allclose(np.append(spins[0], own[0, :3, 3]), qd[:6], atol=1e-8)
    for b, parent in enumerate(human.parents):
        if parent < 0:
            continue
        above = human.transforms()[parent] @ human.child_frame[parent]
        relative = spins[b] - before[b, :3, :3].T @ above[:3, :3] @ spins[parent]
        expected = qd[human.coordinates[human.names[b]]]
        if human.types[b] == "Revolute":
            expected = expected * human.bodies[b].getParentJoint().getAxis()
        np.testing.assert_allclose(relative, expected, atol=1e-8)


def test_jacobians_are_rates_of_the_bodies(human, state):
    q, qd = state
    twists = human.jacobians() @ qd
    np.testing.assert_allclose(twists[:, 3:], around(human, q, qd, human.transforms)[:, :3, 3], atol=1e-8)
    np.testing.assert_allclose(human.velocities(twists), qd, atol=1e-12)
    np.testing.assert_allclose(human.velocities(human.jacobians()), np.eye(human.n), atol=1e-12)


def newton_euler(human, q, qd, qdd):
    """(n,) generalized forces that make qdd, from each body's own acceleration by finite differences."""
    jacobians, axes = human.jacobians(), human.transforms()[:, :3, :3]
    accelerations = jacobians @ qdd + around(human, q, qd, lambda: human.jacobians() @ qd)
    forces = np.zeros(human.n)
    for b, body in enumerate(human.bodies):
        inertia = axes[b] @ body.getInertia().getMoment() @ axes[b].T
        spin = jacobians[b, :3] @ qd
        torque = inertia @ accelerations[b, :3] + np.cross(spin, inertia @ spin)
        forces += jacobians[b].T @ np.append(torque, body.getMass() * (accelerations[b, 3:] + [0, 9.81, 0]))
    return forces


def test_equation_of_motion_is_newtons_and_eulers(human, state):
    q, qd = state
    qdd = np.random.default_rng(4).normal(0, 5, human.n)
    found = human.mass_matrix() @ qdd + human.coriolis_and_gravity()
    np.testing.assert_allclose(found, newton_euler(human, q, qd, qdd), atol=1e-6)


def test_step_follows_the_equation_of_motion(human, state):
    q, qd = state
    tau = np.random.default_rng(5).normal(0, 20, human.n)
    qdd = np.linalg.solve(human.mass_matrix(), tau - human.coriolis_and_gravity())
    human.world.setTimeStep(1e-6)
    human.step(tau)
    human.world.setTimeStep(human.dt)
    np.testing.assert_allclose((human.qd - qd) / 1e-6, qdd, atol=1e-4 * abs(qdd).max())
    np.testing.assert_allclose(human.q, human.moved(q, human.qd, 1e-6), atol=1e-10)  # velocities first


def test_inertia_is_that_of_a_solid_box(person):
    femur = person.bodies[person.names.index("FemurR")].getInertia()  # 8 kg, 0.14 x 0.40 x 0.15 m
    moments = 8 / 12 * np.array([0.4**2 + 0.15**2, 0.14**2 + 0.15**2, 0.14**2 + 0.4**2])
    np.testing.assert_allclose(femur.getMoment(), np.diag(moments), atol=1e-15)


def test_muscles_exert_nothing_on_the_root(human, state):
    largest = abs(human.active()).max()
    assert largest > 10
    for spread in (False, True):
        np.testing.assert_allclose(human.active(spread)[:6], 0, atol=1e-12 * largest)
        np.testing.assert_allclose(human.passive(spread)[:6], 0, atol=1e-12 * largest)


def test_spread_forces_are_gradients_of_the_path_length(human, state):
    q, qd = state
    rates = around(human, q, qd, lambda: human.muscles.path_lengths(human.transforms()))
    np.testing.assert_allclose(-human.per_tension(spread=True).T @ qd, rates, atol=1e-8)
    assert abs(-human.per_tension(spread=False).T @ qd - rates).max() > 1e-3  # the format's rule is not


def test_each_rule_is_the_sum_over_waypoints(human, state):
    """By DART's own Jacobians of points, a muscle at a time."""
    muscles, transforms = human.muscles, human.transforms()
    points, pulls = muscles.points(transforms), muscles.pulls(transforms)
    own = human._own()

    def push(b, place, force):
        jacobian = human.skeleton.getLinearJacobian(human.bodies[b], np.linalg.inv(transforms[b])[:3] @ [*place, 1])
        return own.T @ jacobian.T @ force

    for m in range(0, len(muscles.names), 7):
        mine = np.flatnonzero(muscles.owner == m)
        first = sum(push(muscles.first[w], points[w], pulls[w]) for w in mine)
        entries = np.flatnonzero(np.isin(muscles.waypoint, mine))
        places = muscles.entry_points(transforms)
        each = sum(push(muscles.body[e], places[e], muscles.weight[e] * pulls[muscles.waypoint[e]]) for e in entries)
        np.testing.assert_allclose(human.per_tension()[:, m], first, atol=1e-13)
        np.testing.assert_allclose(human.per_tension(spread=True)[:, m], each, atol=1e-13)


def test_tension_of_the_fibres(person):
    """L_Vastus: f0 1800, lm 0.9, lt 0.2. At the T-pose l = 0.8 / 0.9; stretched by 20 % l = 1 / 0.9."""
    muscles, at = person.muscles, person.muscles.names.index("L_Vastus")
    assert muscles.fibre_lengths(person.rest)[at] == pytest.approx(0.8 / 0.9)
    assert muscles.active_tensions(person.rest)[at] == pytest.approx(1800 * np.exp(-((0.1 / 0.9) ** 2) / 0.5))
    assert muscles.passive_tensions(person.rest)[at] == 0
    larger = person.rest.copy()
    larger[:, :3] *= 1.2  # a person 1.2 times as large
    assert muscles.passive_tensions(larger)[at] == pytest.approx(
        1800 * (np.exp(4 * (0.1 / 0.9) / 0.6) - 1) / (np.exp(4) - 1)
    )


def blends(human, muscle):
    """[[(body, weight), ...], ...] of a muscle's waypoints."""
    muscles = human.muscles
    return [
        [(human.names[muscles.body[e]], muscles.weight[e]) for e in np.flatnonzero(muscles.waypoint == w)]
        for w in np.flatnonzero(muscles.owner == muscles.names.index(muscle))
    ]


def test_waypoints_of_the_person(person):
    """L_Vastus: (0.1, 0.545, 0.055) is sqrt(0.005075) = 0.0712 m from the knee at (0.095, 0.5, 0).

    From the hip at (0.09, 0.92, 0) it is sqrt(0.14375) = 0.3791 m. 1 / sqrt: 3.7466 and 1.6241.
    """
    first, blended, last = blends(person, "L_Vastus")
    assert (first, last) == ([("FemurL", 1.0)], [("TibiaL", 1.0)])
    assert [name for name, _ in blended] == ["TibiaL", "FemurL"]
    assert [weight for _, weight in blended] == pytest.approx([0.6976, 0.3024], abs=5e-5)
    rigid = blends(person, "R_Hamstring")[1]  # 0.117 m from the knee, the nearest joint
    assert rigid == [("FemurR", 1.0)]
    at_root = blends(person, "R_Oblique")[1]  # named on the torso, 0.067 m from the root's own joint centre
    assert at_root == [("Pelvis", 1.0)]
    ankle = blends(person, "R_Gastrocnemius")[2]
    assert [name for name, _ in ankle] == ["FootR", "TibiaR"]


def test_sizes(human):
    shapes = {"Person": (11, 32, 20, 70), "Human": (23, 56, 284, 1212)}
    name = "Person" if human.n == 32 else "Human"
    assert (len(human.names), human.n, len(human.muscles.names), len(human.muscles.owner)) == shapes[name]
    mirrored = {muscle.replace("L_", "R_", 1) for muscle in human.muscles.names if muscle.startswith("L_")}
    assert mirrored == {muscle for muscle in human.muscles.names if muscle.startswith("R_")}


def test_person_is_the_same_on_both_sides(person):
    """Arms lowered alike: right and left muscles are as long."""
    q = np.zeros(person.n)
    for side, sign in (("R", 1), ("L", -1)):
        q[person.coordinates["Arm" + side]] = [0.2, 0.1 * sign, 1.2 * sign]
        q[person.coordinates["Femur" + side]] = [-0.5, 0.1 * sign, 0.2 * sign]
        q[person.coordinates["Tibia" + side]] = 0.8
        q[person.coordinates["Foot" + side]] = [0.3, 0.1 * sign, 0]
    person.set_state(q, np.zeros(person.n))
    lengths = dict(zip(person.muscles.names, person.muscle_lengths(), strict=True))
    assert max(lengths.values()) > 1.1
    for name, length in lengths.items():
        assert lengths["R" + name[1:]] == pytest.approx(length, abs=2e-5)  # rotations are rounded


def test_stable_pd_is_the_pd_of_the_next_step(human, state):
    """tau is that of the position and the velocity a step later, for accelerations that tau itself makes."""
    q, qd = state
    target = q + np.random.default_rng(6).normal(0, 0.05, human.n)
    tau = human.stable_pd(q, qd, target)
    assert not tau[:6].any()
    kp, kv, dt = 300, np.sqrt(600), 1 / 600
    held = -kp * (q + dt * qd - target) - kv * qd
    mass, bias = human.mass_matrix(), human.coriolis_and_gravity()
    qdd = (held - tau) / (dt * kv)  # of the joints; the root's, held by springs alike, follow from its own equation
    root = mass[:6, :6] + dt * kv * np.eye(6)
    qdd[:6] = np.linalg.solve(root, held[:6] - bias[:6] - mass[:6, 6:] @ qdd[6:])
    np.testing.assert_allclose((mass @ qdd + bias)[6:], tau[6:], atol=1e-7 * abs(tau).max())


def test_stable_pd_pulls_towards_its_target(person):
    person.set_gravity((0, 0, 0))
    target = np.zeros(person.n)
    target[person.coordinates["TibiaR"]] = 0.5
    for _ in range(120):
        person.step(person.stable_pd(person.q, person.qd, target))
    person.set_gravity((0, -9.81, 0))
    assert person.q[person.coordinates["TibiaR"]] == pytest.approx(0.5, abs=0.1)
