"""Steps in lanes equal MuJoCo's: accelerations under limits, contacts and friction, and where 0.2 s of them lead."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import lane_bodies
from lane_oracle import LANES, Pair, exact, relative
from soleus import models
from soleus.models import Human

STATES = 400


def _person(name: str, folder: Path) -> Human:
    text = lane_bodies.PERSONS.get(name)
    return lane_bodies.load(folder, text) if text else models.load(name)


def _forces(both: Pair, rng: np.random.Generator) -> np.ndarray:
    """Torques of some size on what is actuated."""
    out = np.zeros((LANES, len(both.coordinate_dof)))
    out[:, both.human.actuated] = 20 * rng.normal(size=(LANES, len(both.human.actuated)))
    return out


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("walk2d", 0.02),
        *((name, depth) for name in ("balls", "grips", "rounds", "meshes", "pairs", "rusty") for depth in (0.02, 0.2)),
    ],
)
def test_a_step_is_mujocos(name: str, depth: float, tmp_path: Path) -> None:
    """Models without couplings: falling, walking, lying, and deep in the ground."""
    human = _person(name, tmp_path)
    exact(human.model)
    both, rng = Pair(human, muscles=False), np.random.default_rng(2)
    acceleration, velocity, position, contacts = 0.0, 0.0, 0.0, 0
    for _ in range(STATES // LANES):
        qpos, qvel = both.states(rng)
        both.set(both.on_the_ground(qpos, rng, depth), qvel)
        start, speed, force = both.tile.qpos, both.tile.velocity, _forces(both, rng)
        both.tile.apply(force)
        both.tile.step()
        for lane in range(LANES):
            d = both.data
            mujoco.mj_resetData(both.model, d)
            d.qpos[:], d.qvel[both.coordinate_dof] = start[lane], speed[lane]
            d.qfrc_applied[both.coordinate_dof] = force[lane]
            mujoco.mj_step1(both.model, d)
            contacts += d.ncon
            mujoco.mj_step2(both.model, d)
            acceleration = max(acceleration, relative(both.tile.acceleration[lane], d.qacc[both.coordinate_dof]))
            velocity = max(velocity, relative(both.tile.velocity[lane], d.qvel[both.coordinate_dof]))
            position = max(position, float(abs(both.tile.qpos[lane] - d.qpos).max()))
    assert contacts > STATES / 4, "the test wants feet on the ground"
    assert acceleration < 1e-7
    assert velocity < 1e-7
    assert position < 1e-9


def test_joints_that_rub_hold_and_slip(tmp_path: Path) -> None:
    """What the comparisons with MuJoCo see of friction, at states such as theirs."""
    both, rng = Pair(_person("rusty", tmp_path), muscles=False), np.random.default_rng(2)
    kinds, states = mujoco.mjtConstraint, mujoco.mjtConstraintState
    seen: list[int] = []
    for _ in range(10):
        both.set(*both.states(rng))
        for _lane in both.lanes():
            seen += both.data.efc_state[both.data.efc_type == int(kinds.mjCNSTR_FRICTION_DOF)].tolist()
    for state in (states.mjCNSTRSTATE_QUADRATIC, states.mjCNSTRSTATE_LINEARNEG, states.mjCNSTRSTATE_LINEARPOS):
        assert seen.count(int(state)) > 0.1 * len(seen)


@pytest.mark.parametrize("name", ["walk2d", "balls", "grips", "rounds", "meshes", "pairs", "rusty"])
def test_a_fifth_of_a_second_leads_to_the_same_place(name: str, tmp_path: Path) -> None:
    human = _person(name, tmp_path)
    exact(human.model)
    both, rng = Pair(human, muscles=False), np.random.default_rng(3)
    steps = round(0.2 / both.model.opt.timestep)
    for _ in range(4):
        qpos, qvel = both.states(rng, speed=0.5, turn=0.05)
        both.set(both.on_the_ground(qpos, rng), qvel)
        start, speed = both.tile.qpos, both.tile.velocity
        both.tile.step(steps)
        for lane in range(LANES):
            mujoco.mj_resetData(both.model, both.data)
            both.data.qpos[:], both.data.qvel[both.coordinate_dof] = start[lane], speed[lane]
            mujoco.mj_step(both.model, both.data, steps)
            np.testing.assert_allclose(both.tile.qpos[lane], both.data.qpos, rtol=0, atol=1e-5)


def _minimum(
    inertia: np.ndarray,
    force: np.ndarray,
    jacobian: np.ndarray,
    strength: np.ndarray,
    reference: np.ndarray,
    loss: np.ndarray,
):
    """The acceleration of least cost a'Ma/2 - f'a + the constraints', by damped Newton steps in NumPy. A row y = Ja - r
    costs D min(y, 0)^2 / 2, or, if it is friction with a loss, D y^2 / 2 up to where it slips and then loss |y|."""
    rubs, edge = loss > 0, loss / strength

    def cost(a: np.ndarray) -> float:
        y = jacobian @ a - reference
        slips = np.where(abs(y) < edge, strength * y**2 / 2, loss * (abs(y) - edge / 2))
        rows = np.where(rubs, slips, strength * np.minimum(y, 0) ** 2 / 2)
        return float(0.5 * a @ inertia @ a - force @ a + rows.sum())

    a = np.linalg.solve(inertia, force)
    for _ in range(200):
        y = jacobian @ a - reference
        active = np.where(rubs, abs(y) < edge, y < 0)
        slope = np.where(active, strength * y, np.where(rubs, loss * np.sign(y), 0.0))
        gradient = inertia @ a - force + jacobian.T @ slope
        hessian = inertia + (jacobian[active].T * strength[active]) @ jacobian[active]
        step, share, now = -np.linalg.solve(hessian, gradient), 1.0, cost(a)
        while cost(a + share * step) > now and share > 1e-12:
            share /= 2
        a = a + share * step
        if abs(step).max() < 1e-13 * max(1.0, abs(a).max()):
            break
    return a


@pytest.mark.parametrize("name", ["myolegs", "knees", "splines"])
def test_coupled_joints_are_the_same_problem_in_independent_coordinates(name: str, tmp_path: Path) -> None:
    """MuJoCo's matrices without its soft equalities, reduced to the coordinates and solved here."""
    human = _person(name, tmp_path)
    both, rng, worst, rows = Pair(human, muscles=False), np.random.default_rng(4), 0.0, 0
    equality = int(mujoco.mjtConstraint.mjCNSTR_EQUALITY)
    for _ in range(STATES // LANES):
        qpos, qvel = both.states(rng)
        both.set(both.on_the_ground(qpos, rng), qvel)
        force, tile = _forces(both, rng), both.tile
        tile.apply(force)
        problems = []
        inertia, smooth, driven = tile.inertia, force + tile.passive - tile.bias, tile.coupling_rate
        for lane in both.lanes():
            d = both.data
            whole = np.zeros((d.nefc, both.model.nv))
            if mujoco.mj_isSparse(both.model):
                mujoco.mju_sparse2dense(whole, d.efc_J, d.efc_J_rownnz, d.efc_J_rowadr, d.efc_J_colind)
            else:
                whole[:] = d.efc_J.reshape(whole.shape)
            kept = d.efc_type != equality
            rows += int(kept.sum())
            jacobian = whole[kept]
            reference = d.efc_aref[kept] - jacobian @ driven[lane]
            problems.append(
                (
                    inertia[lane],
                    smooth[lane],
                    jacobian @ both.tangent(lane),
                    d.efc_D[kept].copy(),
                    reference,
                    d.efc_frictionloss[kept].copy(),
                )
            )
        tile.step()
        for lane, problem in enumerate(problems):
            worst = max(worst, relative(tile.acceleration[lane], _minimum(*problem)))
    assert rows > 2 * STATES, "the test wants constraints"
    assert worst < 1e-7


def test_mujocos_equalities_come_to_the_exact_ones_as_they_stiffen(tmp_path: Path) -> None:
    """Where a leg with coupled joints is after 50 ms: nearer, the shorter the time constant of MuJoCo's equalities."""
    human = _person("knees", tmp_path)
    exact(human.model)
    both, rng, far = Pair(human, muscles=False), np.random.default_rng(5), []
    model = both.model
    qpos, qvel = both.states(rng, speed=0.5, turn=0.05)
    both.set(qpos, qvel)
    starts = [(both.data.qpos.copy(), both.data.qvel.copy()) for _ in both.lanes()]
    for fine in (1, 4, 16):  # MuJoCo's time constants are two steps at least
        steps = round(0.05 / model.opt.timestep) * fine
        step = model.opt.timestep
        model.opt.timestep = step / fine
        model.eq_solref[:] = [2 * model.opt.timestep, 1.0]
        model.eq_solimp[:, :2] = 0.9999
        both = Pair(human, muscles=False)
        both.set(qpos, qvel)
        both.tile.step(steps)
        apart = 0.0
        for lane, (start, speed) in enumerate(starts):
            mujoco.mj_resetData(model, both.data)
            both.data.qpos[:], both.data.qvel[:] = start, speed
            mujoco.mj_step(model, both.data, steps)
            apart = max(apart, float(abs(both.tile.qpos[lane] - both.data.qpos).max()))
        far.append(apart)
        model.opt.timestep = step
    assert far[2] < far[1] < far[0]
    assert far[2] < 0.2 * far[0]
