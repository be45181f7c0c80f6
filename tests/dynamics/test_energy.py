"""What is kept where nothing takes or gives: energy, momentum; and what a violent life does to a tile."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import lane_bodies
from lane_oracle import LANES, Pair
from soleus import models
from soleus.models import Human


def _free(human: Human) -> Human:
    """Without what takes energy or gives it: damping, limits, contacts."""
    m = human.model
    m.dof_damping[:] = 0
    m.jnt_limited[:] = 0
    m.geom_contype[:] = m.geom_conaffinity[:] = 0
    m.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ACTUATION)
    return human


def _energies(both: Pair) -> np.ndarray:
    """(lanes) kinetic and potential energy of the tile's states, by MuJoCo [J]."""
    found = np.empty(LANES)
    for lane in both.lanes():
        mujoco.mj_energyPos(both.model, both.data)
        mujoco.mj_energyVel(both.model, both.data)
        found[lane] = both.data.energy.sum()
    return found


@pytest.mark.parametrize("name", ["walk2d", "balls"])
def test_energy_drifts_no_more_than_mujocos(name: str, tmp_path: Path) -> None:
    human = _free(lane_bodies.load(tmp_path, lane_bodies.BALLS) if name == "balls" else models.load(name))
    human.model.opt.timestep = 0.0005
    both, rng = Pair(human, muscles=False), np.random.default_rng(8)
    both.set(*both.states(rng, speed=1.0, turn=0.1))
    before, starts = _energies(both), [(both.data.qpos.copy(), both.data.qvel.copy()) for _ in both.lanes()]
    steps = 400
    both.tile.step(steps)
    drift, expected = np.abs(_energies(both) - before), np.empty(LANES)
    for lane, (qpos, qvel) in enumerate(starts):
        mujoco.mj_resetData(both.model, both.data)
        both.data.qpos[:], both.data.qvel[:] = qpos, qvel
        mujoco.mj_step(both.model, both.data, steps)
        mujoco.mj_forward(both.model, both.data)
        mujoco.mj_energyPos(both.model, both.data)
        mujoco.mj_energyVel(both.model, both.data)
        expected[lane] = abs(both.data.energy.sum() - before[lane])
    assert (drift < 1.01 * expected + 1e-6).all(), (drift, expected)


def test_momentum_is_kept(tmp_path: Path) -> None:
    """Of a person who flies without weight: what the joints do to one another changes nothing of the whole."""
    human = _free(lane_bodies.load(tmp_path, lane_bodies.BALLS))
    human.model.opt.gravity[2] = -1e-30  # no weight, which is not refused
    human.model.opt.timestep = 1e-6  # a step's own error goes with its square
    both, rng = Pair(human, muscles=False), np.random.default_rng(9)
    both.set(*both.states(rng, speed=1.0, turn=0.1))
    force = np.zeros((LANES, len(both.coordinate_dof)))
    force[:, human.actuated] = 10 * rng.normal(size=(LANES, len(human.actuated)))

    def momenta() -> np.ndarray:
        out = np.empty((LANES, 6))
        for lane in both.lanes():
            mujoco.mj_subtreeVel(both.model, both.data)
            root, mass = human.root_body, both.model.body_subtreemass[human.root_body]
            out[lane, :3] = mass * both.data.subtree_linvel[root]
            out[lane, 3:] = both.data.subtree_angmom[root]
        return out

    before = momenta()
    both.tile.apply(force)
    both.tile.step(50)
    np.testing.assert_allclose(momenta(), before, rtol=1e-9, atol=1e-9 * np.abs(before).max())


@pytest.mark.parametrize("name", ["walk2d", "myolegs", *lane_bodies.PERSONS])
def test_a_lane_that_breaks_harms_nobody(name: str, tmp_path: Path) -> None:
    text = lane_bodies.PERSONS.get(name)
    human = lane_bodies.load(tmp_path, text) if text else models.load(name)
    both, rng = Pair(human, muscles=False), np.random.default_rng(10)
    states = both.states(rng, speed=0.5, turn=0.05)
    both.set(*states)
    both.tile.step(40)
    calm = both.tile.qpos.copy()
    for spoil in (np.nan, np.inf, 1e200):
        qpos, qvel = states[0].copy(), states[1].copy()
        qvel[2] = spoil
        both.set(qpos, qvel)
        both.tile.step(40)
        assert both.tile.diverged == [lane == 2 for lane in range(LANES)]
        others = np.arange(LANES) != 2
        np.testing.assert_array_equal(both.tile.qpos[others], calm[others])
        assert np.isfinite(both.tile.qpos).all()


@pytest.mark.parametrize("name", ["walk2d", "myolegs", *lane_bodies.PERSONS])
def test_violent_torques_leave_numbers(name: str, tmp_path: Path) -> None:
    """Torques at their limits, new ones every few steps: no lane ever holds what is no number."""
    text = lane_bodies.PERSONS.get(name)
    human = lane_bodies.load(tmp_path, text) if text else models.load(name)
    both, rng = Pair(human, muscles=False), np.random.default_rng(11)
    both.set(*both.states(rng))
    limits = np.minimum(human.torque_limit, 1000.0)
    for _ in range(500):
        force = np.zeros((LANES, len(both.coordinate_dof)))
        force[:, human.actuated] = limits * rng.choice([-1.0, 1.0], size=(LANES, len(limits)))
        both.tile.apply(force)
        both.tile.step(10)
        assert np.isfinite(both.tile.qpos).all()
        assert np.isfinite(both.tile.velocity).all()
