"""Where the ground has to press for a walk: by MuJoCo's inverse dynamics, and where it presses on people."""

import mujoco
import numpy as np
import pytest

from soleus import models
from soleus.motions.balance import Balance, Move, pressure_under_people
from soleus.motions.cycle import steady_trunk
from soleus.motions.footing import Footing, fit_footing
from soleus.motions.posing import Poser
from soleus.motions.registry import built_in_cycle

FRAMES, FOOT = 64, (0.16, 0.22)  # FOOT [m]: any lengths will do
PHASE = np.arange(FRAMES) / FRAMES


def fitted(name: str) -> tuple[Poser, Footing]:
    poser = Poser(models.load(name), steady_trunk(built_in_cycle("walk")))
    return poser, fit_footing(poser)


def balance_of(poser: Poser, footing: Footing) -> Balance:
    return Balance(poser, footing.duration, footing.speed * footing.duration, FOOT, FRAMES)


def by_inverse_dynamics(poser: Poser, footing: Footing) -> tuple[np.ndarray, np.ndarray]:
    """(K,) centre of pressure [m] and load [body weights] that the wrench on a free root amounts to."""
    human, model, around = poser.human, poser.human.model, 1e-3
    data, found, borne = mujoco.MjData(model), [], []
    for phase in PHASE:
        at = phase + around * np.array([-1.0, 0.0, 1.0])
        poses = footing.qpos(poser, at)
        step = around * footing.duration
        before, after, wrench = np.zeros(model.nv), np.zeros(model.nv), np.zeros(model.nv)
        mujoco.mj_differentiatePos(model, before, step, poses[0], poses[1])
        mujoco.mj_differentiatePos(model, after, step, poses[1], poses[2])
        data.qpos[:], data.qvel[:], data.qacc[:] = poses[1], (before + after) / 2, (after - before) / step
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_comVel(model, data)
        mujoco.mj_rne(model, data, 1, wrench)
        force, torque = wrench[:3], data.xmat[human.root_body].reshape(3, 3) @ wrench[3:6]
        place = data.xpos[human.root_body] - [0, 0, human.ground_height]
        found.append(place[0] - (torque[1] + place[2] * force[0]) / force[2])
        borne.append(force[2] / (model.body_subtreemass[human.root_body] * 9.81))
    return np.array(found), np.array(borne)


def test_pressure_is_that_of_inverse_dynamics():
    poser, footing = fitted("myolegs")
    stride = footing.speed * footing.duration
    demand = balance_of(poser, footing).linearize(footing.qpos(poser, PHASE), stride, 0.1, [], 1)
    wanted = pressure_under_people(PHASE, poser.cycle, stride, FOOT)
    pressure, load = by_inverse_dynamics(poser, footing)
    np.testing.assert_allclose(demand.load, load, atol=0.03)
    np.testing.assert_allclose(demand.ahead / demand.load, pressure - wanted - 0.1, atol=0.02)


@pytest.mark.parametrize("name", ["myolegs", "walk2d"])
def test_derivatives_are_those_of_finite_differences(name):
    """Of root and angles: but for how the legs' inertia about the centre of mass changes with their pose."""
    poser, footing = fitted(name)
    balance, stride, step = balance_of(poser, footing), footing.speed * footing.duration, 1e-4
    qpos = footing.qpos(poser, PHASE)
    shape = np.stack([np.cos(4 * np.pi * PHASE), np.sin(4 * np.pi * PHASE)], axis=-1)
    hip = np.zeros((FRAMES, poser.human.model.nv))
    target = next(t for t in poser.targets if (t.angle, t.side) == ("hip_flexion", "r"))
    hip[:, target.dof] = target.sign
    adr = {"forward": poser.slots.shift[0], "up": poser.slots.shift[2], "hip": target.qpos_adr}
    ways = {"forward": poser.pushed(0, FRAMES), "up": poser.pushed(2, FRAMES), "hip": hip}
    for key, way in ways.items():
        here = balance.linearize(qpos, stride, 0.0, [Move(slice(0, 2), way, shape)], 2)
        for i in (0, 1):
            moved = qpos.copy()
            moved[:, adr[key]] += step * shape[:, i] * (target.sign if key == "hip" else 1.0)
            there = balance.linearize(moved, stride, 0.0, [], 2)
            bound = 0.2 if key == "hip" else 0.01
            assert apart(here.ahead_by[:, i], (there.ahead - here.ahead) / step) < bound, (key, i)
            if key == "hip":
                assert apart(here.turn_by[:, i], (there.turn - here.turn) / step) < bound, i


def apart(value: np.ndarray, other: np.ndarray) -> float:
    """How far two vectors are apart, of the second's length."""
    return float(np.linalg.norm(value - other) / np.linalg.norm(other))


def test_pressure_under_people_goes_from_heel_to_toe_and_over():
    cycle = built_in_cycle("walk")  # foot flat at 0.11, heel rise at 0.32, stance to 0.6
    press = pressure_under_people(np.arange(1000) / 1000, cycle, 1.4, FOOT)
    assert press[110] == pytest.approx(0.33 * 0.16)
    assert press[320] == pytest.approx(0.85 * 0.16)
    assert press[499] == pytest.approx(0.16, abs=1e-3)
    assert np.diff(press).min() > 0
    assert press[610] - press[110] == pytest.approx(0.7)  # half a stride later, a step farther
    assert press[0] == pytest.approx(0.16 - 0.7)  # all the weight is on the left foot


def test_the_ground_presses_on_the_standing_foot(human):
    """Within 4 cm of heel and toes while the other foot swings: it asked for 75 cm behind the heel once."""
    poser = Poser(human, steady_trunk(built_in_cycle("walk")))
    footing = fit_footing(poser)
    stride = footing.speed * footing.duration
    demand = balance_of(poser, footing).linearize(footing.qpos(poser, PHASE), stride, 0.0, [], 1)
    pressure = demand.ahead / demand.load + pressure_under_people(PHASE, poser.cycle, stride, FOOT)
    data, heel, front = mujoco.MjData(human.model), [], []
    for qpos in footing.qpos(poser, PHASE):
        data.qpos[:] = qpos
        mujoco.mj_kinematics(human.model, data)
        heel.append(-models.ground.reach(human.model, data, contact(human), np.array([-1.0, 0.0, 0.0])))
        front.append(models.ground.reach(human.model, data, contact(human), np.array([1.0, 0.0, 0.0])))
    single = (PHASE > 0.14) & (PHASE < 0.46)
    assert (pressure - heel)[single].min() > -0.04
    assert (pressure - front)[single].max() < 0.04


def test_the_lap_begins_and_ends_as_the_motion_goes(human):
    """Steps of both feet ask alike, though the fit's stride is not quite the one that is wanted."""
    poser = Poser(human, steady_trunk(built_in_cycle("walk")))
    footing = fit_footing(poser)
    stride = footing.speed * footing.duration
    balance = Balance(poser, footing.duration, 1.01 * stride, FOOT, FRAMES)
    demand = balance.linearize(footing.qpos(poser, PHASE), stride, 0.0, [], 1)
    np.testing.assert_allclose(demand.ahead, np.roll(demand.ahead, FRAMES // 2), atol=1e-3)


def contact(human: models.Human) -> np.ndarray:
    return models.ground.contact_geoms(human.model, human.feet[0])
