"""Hill-type muscles whose paths are polynomials everywhere: in lanes, beside MuJoCo's simulation and in plain NumPy."""

from pathlib import Path

import numpy as np
import pytest

import hill_law
import hill_walker
from soleus import _core
from soleus.config import load_human_config
from soleus.models import Human
from soleus.paths.everywhere import lengths_and_gradients
from soleus.sim.handover import human_data
from soleus.sim.scenario import Scenario, load_scenario

LANES: int = _core.LANES


@pytest.fixture(params=["usual", "odd"])
def walker(request: pytest.FixtureRequest, tmp_path: Path) -> Scenario:
    rng = np.random.default_rng(3)
    chosen = hill_walker.write(tmp_path) if request.param == "usual" else hill_walker.write_odd(tmp_path, rng)
    return load_scenario(load_human_config("walk2d", chosen))


def _states(human: Human, rng: np.random.Generator, wide: float) -> tuple[np.ndarray, np.ndarray]:
    """Poses (LANES, nq), within the boxes of the polynomials and beyond them, and velocities."""
    qpos = np.tile(human.qpos_rest, (LANES, 1))
    qpos[:, human.actuated] += rng.uniform(-wide, wide, (LANES, len(human.actuated)))
    return qpos, rng.normal(0, 3, (LANES, human.model.nv))


def _crossed(human: Human, gradient: np.ndarray) -> np.ndarray:
    """(n, nnz) of gradients (n, nm, nc)."""
    muscle = np.repeat(np.arange(len(human.muscle_names)), np.diff(human.crossing_adr))
    return gradient[:, muscle, human.actuated[human.crossing]]


@pytest.mark.parametrize("wide", [0.3, 1.5])
def test_lanes_equal_plain_numpy(walker: Scenario, wide: float) -> None:
    human = walker.human
    assert human.hill
    tile = _core.DynamicsTile(human.model._address, human_data(human, walker.config), muscles=True)
    rng = np.random.default_rng(1)
    for _ in range(20):
        qpos, qvel = _states(human, rng, wide)
        tile.set(qpos, qvel)
        length, gradient = lengths_and_gradients(human.hill, qpos)  # planar: coordinates are positions
        np.testing.assert_allclose(tile.muscle_lengths, length, atol=1e-12)
        np.testing.assert_allclose(tile.muscle_moments, _crossed(human, gradient), atol=1e-11)
        speed = np.einsum("nmc,nc->nm", gradient, qvel)
        np.testing.assert_allclose(tile.muscle_speeds, speed, atol=1e-11)
        active, passive = hill_law.forces(human.hill.parameters, length, speed)
        np.testing.assert_allclose(tile.muscle_gains, -active, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(tile.muscle_biases, -passive, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("wide", [0.3, 1.5])
def test_moments_are_the_gradient_of_the_length_within_a_cell(walker: Scenario, wide: float) -> None:
    human, step = walker.human, 1e-6
    assert human.hill
    rng = np.random.default_rng(2)
    at = np.tile(human.qpos_rest, (200, 1))
    at[:, human.actuated] += rng.uniform(-wide, wide, (200, len(human.actuated)))
    length, gradient = lengths_and_gradients(human.hill, at)
    for c in human.actuated:
        ahead, back = at.copy(), at.copy()
        ahead[:, c] += step
        back[:, c] -= step
        there = lengths_and_gradients(human.hill, ahead)[0], lengths_and_gradients(human.hill, back)[0]
        same = np.abs(there[0] + there[1] - 2 * length) < 1e-8  # no cell ends between them
        assert same.mean() > 0.99
        slope = (there[0] - there[1]) / (2 * step)
        np.testing.assert_allclose(gradient[..., c][same], slope[same], atol=2e-7)


def test_both_engines_have_the_same_muscles(walker: Scenario) -> None:
    human = walker.human
    told = human_data(human, walker.config)
    tile = _core.DynamicsTile(human.model._address, told, muscles=True)
    one = _core.HumanState(human.model._address, told)
    qpos, qvel = _states(human, np.random.default_rng(4), 1.0)
    tile.set(qpos, qvel)
    muscle = np.repeat(np.arange(len(human.muscle_names)), np.diff(human.crossing_adr))
    for lane in range(LANES):
        one.reset(qpos[lane], qvel[lane])
        np.testing.assert_array_equal(one.muscle_lengths, np.asarray(tile.muscle_lengths)[lane])
        moments, passive = one.muscle_torques()
        own = np.asarray(tile.muscle_moments)[lane]
        np.testing.assert_allclose(moments, own * np.asarray(tile.muscle_gains)[lane][muscle], rtol=1e-13, atol=1e-13)
        whole = np.zeros(len(human.actuated))
        np.add.at(whole, human.crossing, own * np.asarray(tile.muscle_biases)[lane][muscle])
        np.testing.assert_allclose(passive, whole, atol=1e-10)


def test_paths_are_those_that_they_were_fitted_to(tmp_path: Path) -> None:
    walker = load_scenario(load_human_config("walk2d", hill_walker.write(tmp_path)))
    tendons = load_scenario(load_human_config("walk2d"))
    tiles = [
        _core.DynamicsTile(one.human.model._address, human_data(one.human, one.config), muscles=True)
        for one in (walker, tendons)
    ]
    qpos, qvel = _states(tendons.human, np.random.default_rng(5), 0.2)
    for tile in tiles:
        tile.set(qpos, qvel)
    np.testing.assert_array_equal(walker.human.crossing, tendons.human.crossing)
    np.testing.assert_allclose(tiles[0].muscle_lengths, tiles[1].muscle_lengths, atol=2e-3)
    np.testing.assert_allclose(tiles[0].muscle_moments, tiles[1].muscle_moments, atol=2e-2)
