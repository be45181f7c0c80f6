"""Models in the format of MASS against DART itself: dynamics, muscles, stable PD and motion, in matched coordinates."""

import mujoco
import numpy as np
import pytest

from mass_files import config_of
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import one_human

pytest.importorskip("dartpy", reason="dartpy is not installed")

from dart import DartHuman
from matched import Matched, near

POSES = 200
RELATIVE = 1e-6


@pytest.fixture(scope="module")
def reference(imported):
    """The same model in DART."""
    return DartHuman(imported.files["skeleton"], imported.files["muscles"])


@pytest.fixture(scope="module")
def unbound(imported):
    """The body without limits and contacts, which the poses below would break."""
    body = load_scenario(config_of(imported.name))
    body.human.model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    return one_human(body)


@pytest.fixture(scope="module")
def matched(imported, reference):
    return Matched(imported.human, reference)


@pytest.fixture(scope="module")
def poses(reference):
    """(POSES, 2, n): poses all over the joints' ranges and beyond, and velocities."""
    rng = np.random.default_rng(0)
    return np.stack([rng.uniform(-0.9, 0.9, (POSES, reference.n)), rng.normal(0, 2, (POSES, reference.n))], axis=1)


def test_mass_gravity_and_coriolis_are_darts(matched, reference, poses):
    model, data, full = matched.model, matched.data, np.zeros((matched.model.nv, matched.model.nv))
    for q, qd in poses:
        reference.set_state(q, qd)
        data.qpos[:], data.qvel[:] = matched.place(q, qd)
        mujoco.mj_forward(model, data)
        mujoco.mj_fullM(model, data, full)
        change = matched.to_dart()
        assert near(full, change.T @ reference.mass_matrix() @ change) < RELATIVE
        # Their acceleration of the root is that of a velocity in turning axes
        turning = np.zeros(reference.n)
        turning[3:6] = -np.cross(qd[:3], qd[3:6])
        bias = reference.coriolis_and_gravity() + reference.mass_matrix() @ turning
        assert near(data.qfrc_bias, change.T @ bias) < RELATIVE


@pytest.mark.parametrize("force", ["first_body", "by_weight"])
def test_muscles_are_darts(imported, matched, reference, poses, force):
    body = load_scenario(config_of(imported.name, blend_force=force))
    human, ours = body.human, one_human(body)
    rows = np.repeat(np.arange(len(human.muscle_names)), np.diff(human.crossing_adr))
    for q, qd in poses:
        reference.set_state(q, qd)
        ours.reset(*matched.place(q, qd))
        assert near(ours.muscle_lengths, reference.muscle_lengths()) < RELATIVE
        moments, passive = ours.muscle_torques()
        dense = np.zeros((len(human.actuated), len(human.muscle_names)))
        dense[human.crossing, rows] = moments
        spread = force == "by_weight"
        index = matched.index[human.actuated]
        theirs = reference.active(spread)
        for muscle in range(len(human.muscle_names)):
            assert near(dense[:, muscle], theirs[index, muscle]) < RELATIVE, human.muscle_names[muscle]
        assert near(passive, reference.passive(spread)[index]) < RELATIVE


def test_stable_pd_is_the_formats(imported, unbound, matched, reference, poses):
    human = imported.human
    rng = np.random.default_rng(1)
    for q, qd in poses:
        target = q + rng.normal(0, 0.2, reference.n)
        wanted = unbound.coordinates(matched.place(target, qd)[0])
        unbound.reset(*matched.place(q, qd))
        ours = unbound.stable_pd(wanted)
        theirs = reference.stable_pd(q, qd, target)[matched.index[human.actuated]]
        assert near(ours, theirs) < RELATIVE


def test_a_tenth_of_a_second_of_motion_is_darts(imported, unbound, matched, reference):
    human, body = imported.human, unbound
    rng = np.random.default_rng(2)
    waves = rng.normal(0, 1, (3, reference.n)) * np.array([1.0, 4.0, 8.0])[:, None] ** -0.5
    strength = 0.2 * np.sqrt(np.diag(reference.mass_matrix())) * 20
    q, rest = np.zeros(reference.n), np.zeros(reference.n)
    q[3:6] = [0, 3, 0]  # far above the ground
    reference.set_state(q, rest)
    body.reset(*matched.place(q, rest))
    for step in range(60):
        time = step / 600
        tau = strength * np.einsum("k,kn->n", np.cos(2 * np.pi * np.array([1, 4, 8]) * time), waves)
        tau[:6] = 0
        reference.step(tau)
        body.apply_torque(np.ascontiguousarray(tau[matched.index[human.actuated]]))
        body.step(False)
    moved = reference.q[matched.index]
    assert np.abs(moved[6:]).max() > 0.05
    assert np.abs(np.asarray(body.positions)[6:] - moved[6:]).max() < 1e-3


def test_muscles_move_the_body_as_their_torques_say(imported, unbound, matched, reference):
    """A step under muscles equals a step under the torque that they make: forces and moments are the same thing."""
    human, body = imported.human, unbound
    rng = np.random.default_rng(3)
    q, qd = rng.uniform(-0.3, 0.3, reference.n), rng.normal(0, 1, reference.n)
    q[3:6] = [0, 3, 0]
    activation = rng.uniform(0, 1, len(human.muscle_names))
    rows = np.repeat(np.arange(len(activation)), np.diff(human.crossing_adr))
    start = matched.place(q, qd)
    body.reset(*start)
    moments, passive = body.muscle_torques()
    torque = np.array(passive)
    np.add.at(torque, human.crossing, moments * activation[rows])
    body.apply_torque(torque)
    body.step(False)
    expected = np.array(body.qvel)
    body.reset(*start)
    body.apply_activations(activation)
    body.step(True)
    np.testing.assert_allclose(body.qvel, expected, rtol=1e-12, atol=1e-12)
