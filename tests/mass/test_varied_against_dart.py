"""People whom conditions make of a model in the format of MASS, against DART's model of these people."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mass_files import config_of
from soleus.conditions import varied_human
from soleus.conditions.conditions import load_conditions
from soleus.config import load_human_config
from soleus.sim.handover import human_data
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import one_human

pytest.importorskip("dartpy", reason="dartpy is not installed")

from dart import DartHuman
from matched import Matched, near

DRAWS, POSES, RELATIVE = 10, 5, 1e-6
GIVEN = {
    "size": [0.8, 1.2],
    "length.femur_r": [0.85, 1.15],
    "length.tibia_l": [0.85, 1.15],
    "strength.all": [0.3, 1.0],
    "contracture.all": [0.8, 1.0],
}


@pytest.fixture(scope="module")
def scenario(imported):
    return load_scenario(config_of(imported.name))


@pytest.fixture(scope="module")
def conditions(scenario):
    config = load_human_config("walk2d", {"conditions": GIVEN, "motion": None, "task.initial": "rest"})
    return load_conditions(config, scenario.human, None)


def stretches(human, reference, conditions, values):
    """(b, 3, 3) of DART's bodies in their own axes, by the definition of sizes and lengths."""
    model, data = human.model, mujoco.MjData(human.model)
    rest = np.zeros(reference.n)
    reference.set_state(rest, rest)
    data.qpos[:] = Matched(human, reference).place(rest, rest)[0]
    mujoco.mj_kinematics(model, data)
    ids, theirs = [model.body(name).id for name in reference.names], reference.transforms()
    world = Rotation.align_vectors(  # their axes point elsewhere: y is up
        data.xipos[ids] - data.xipos[ids].mean(0), theirs[:, :3, 3] - theirs[:, :3, 3].mean(0)
    )[0].as_matrix()
    result = np.tile(np.eye(3), (len(ids), 1, 1))
    for meaning, value in zip(conditions.meanings, values, strict=True):
        for k, body in enumerate(meaning.elements if meaning.effect in ("size", "length") else ()):
            b = ids.index(body)
            turn = theirs[b, :3, :3].T @ world.T @ data.xmat[body].reshape(3, 3)
            axis = turn @ np.array(meaning.axes[k]) if meaning.axes else None
            longer = value * np.eye(3) if axis is None else np.eye(3) + (value - 1) * np.outer(axis, axis)
            result[b] = longer @ result[b]
    return result


def value_of(conditions, values, name):
    return values[conditions.names.index(name)]


def test_people_are_darts(imported, scenario, conditions):
    """Masses, inertias, gravity and velocities' forces; lengths, moments and passive forces of muscles."""
    human, rng = scenario.human, np.random.default_rng(0)
    plain = DartHuman(imported.files["skeleton"], imported.files["muscles"])
    for _ in range(DRAWS):
        values = rng.uniform(conditions.low, conditions.high)
        own = varied_human(human, conditions, values, human_data(human, scenario.config))
        own.model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
        stretch = stretches(human, plain, conditions, values)
        theirs = DartHuman(imported.files["skeleton"], imported.files["muscles"], stretch=stretch)
        theirs.muscles.f0 *= value_of(conditions, values, "strength.all")
        theirs.muscles.rest_length *= value_of(conditions, values, "contracture.all")
        body = one_human(replace(scenario, human=own))
        _check(own, body, theirs, rng)


def _check(human, body, theirs, rng):
    matched, full = Matched(human, theirs), np.zeros((human.model.nv, human.model.nv))
    assert human.mass == pytest.approx(sum(each.getMass() for each in theirs.bodies), rel=RELATIVE)
    rows = np.repeat(np.arange(len(human.muscle_names)), np.diff(human.crossing_adr))
    for _ in range(POSES):
        q, qd = rng.uniform(-0.9, 0.9, theirs.n), rng.normal(0, 2, theirs.n)
        theirs.set_state(q, qd)
        qpos, qvel = matched.place(q, qd)
        matched.data.qpos[:], matched.data.qvel[:] = qpos, qvel
        mujoco.mj_forward(matched.model, matched.data)
        mujoco.mj_fullM(matched.model, matched.data, full)
        change = matched.to_dart()
        assert near(full, change.T @ theirs.mass_matrix() @ change) < RELATIVE
        body.reset(qpos, qvel)
        assert near(body.muscle_lengths, theirs.muscle_lengths()) < RELATIVE
        moments, passive = body.muscle_torques()
        dense = np.zeros((len(human.actuated), len(human.muscle_names)))
        dense[human.crossing, rows] = moments
        index = matched.index[human.actuated]
        assert near(dense, theirs.active()[index]) < RELATIVE
        assert near(passive, theirs.passive()[index]) < RELATIVE
