"""Lanes with numbers of their own: each has the bits of a tile whose humans all have them, and MuJoCo's numbers."""

from functools import cache
from pathlib import Path

import mujoco
import numpy as np
import pytest

import lane_bodies
from lane_oracle import LANES, Pair, exact, force_law, relative
from lane_variants import vary
from mass_files import config_of
from soleus import _core, models
from soleus.models import Human
from soleus.sim.scenario import load_scenario

PERSONS = ["walk2d", "myolegs", "mass", *lane_bodies.PERSONS]
SEEDS = 8  # at which vary() makes a number 0 that others have, each in a way of its own
MUSCLED = ["walk2d", "myolegs", "balls", "mass"]
OF_STEPS = ("qpos", "velocity", "acceleration", "constraint", "foot_force")
OF_MUSCLES = ("muscle_lengths", "muscle_speeds", "muscle_moments", "muscle_gains", "muscle_biases")
OF_POSES = ("inertia", "bias", "passive", "bodies", "coupling", "coupling_rate")


@cache
def _person(name: str, folder: Path) -> Human:
    if name == "mass":
        return load_scenario(config_of("person")).human
    text = lane_bodies.PERSONS.get(name)
    return lane_bodies.load(folder, text) if text else models.load(name)


def _mixed(human: Human, muscles: bool = False, first: int = 0) -> tuple[Pair, list[Pair]]:
    """A tile in which each lane is a variant of its own, from seed `first` on, and a tile of each variant alone."""
    both = Pair(human, muscles)
    alone = [Pair(vary(human, first + lane), muscles) for lane in range(LANES)]
    for lane, variant in enumerate(alone):
        both.tile.give(lane, variant.model._address, variant.told)
    return both, alone


def _on_the_ground(alone: list[Pair], qpos: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each lane's pose with the feet of its variant up to 5 cm in the ground, or up to 2 cm above it."""
    return np.vstack([each.on_the_ground(pose[None], rng, 0.05) for each, pose in zip(alone, qpos, strict=True)])


@pytest.mark.parametrize("first", range(0, SEEDS, LANES))
@pytest.mark.parametrize("name", PERSONS)
def test_a_lane_has_the_bits_of_its_variant(name: str, first: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of the pose, and over steps on the ground under forces."""
    human = _person(name, tmp_path_factory.getbasetemp())
    (both, alone), rng, touched = _mixed(human, first=first), np.random.default_rng(20), np.zeros(LANES, bool)
    qpos, qvel = both.states(rng)
    qpos = _on_the_ground(alone, qpos, rng)
    force = np.zeros((LANES, len(both.coordinate_dof)))
    force[:, human.actuated] = 20 * rng.normal(size=(LANES, len(human.actuated)))
    for each in (both, *alone):
        each.set(qpos, qvel)
        each.tile.apply(force)
    for parts, steps in ((OF_POSES, 0), (OF_STEPS, 1), (OF_STEPS, 20), (OF_POSES + OF_STEPS, 20)):
        for each in (both, *alone):
            each.tile.step(steps)
        touched |= (both.tile.foot_force > 0).any(1)
        for part in parts:
            got = getattr(both.tile, part)
            for lane, variant in enumerate(alone):
                expected = getattr(variant.tile, part)[lane]
                np.testing.assert_array_equal(got[lane], expected, err_msg=f"{part} of lane {lane}")
    apart = np.abs(both.tile.qpos - alone[0].tile.qpos)[1:].max(1)
    assert (apart > 0).all(), "the test wants variants that differ"
    # Coupled joints follow their driver's pose, which lifts these feet.
    assert name in ("knees", "splines") or touched.sum() > LANES / 4, "the test wants feet on the ground"


@pytest.mark.parametrize("name", PERSONS)
def test_the_dynamics_of_a_lane_are_mujocos(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    human = _person(name, tmp_path_factory.getbasetemp())
    (both, alone), rng, worst = _mixed(human), np.random.default_rng(21), 0.0
    for _ in range(20):
        both.set(*both.states(rng))
        tile = both.tile
        inertia, bias, passive, bodies, rates = tile.inertia, tile.bias, tile.passive, tile.bodies, tile.coupling_rate
        qpos, velocity, coupling = tile.qpos, tile.velocity, tile.coupling
        for lane, variant in enumerate(alone):
            variant.set(np.tile(qpos[lane], (LANES, 1)), np.zeros((LANES, variant.model.nv)))
            d, tangent = variant.data, variant.tangent(lane)
            mujoco.mj_resetData(variant.model, d)
            d.qpos[:], d.qvel[:] = qpos[lane], coupling[lane] * velocity[lane][both.dof_coordinate]
            mujoco.mj_forward(variant.model, d)
            whole = variant.inertia()
            worst = max(
                worst,
                relative(inertia[lane], tangent.T @ whole @ tangent),
                relative(bias[lane], tangent.T @ (d.qfrc_bias + whole @ rates[lane])),
                relative(passive[lane], tangent.T @ d.qfrc_passive) if d.qfrc_passive.any() else 0.0,
                float(abs(bodies[lane, :, :3] - d.xpos).max()),
                float(1 - abs((bodies[lane, :, 3:7] * d.xquat).sum(1)).min()),
            )
    assert worst < 1e-9


@pytest.mark.parametrize("name", ["walk2d", "balls", "grips", "rounds", "meshes", "pairs", "rusty"])
def test_a_step_of_a_lane_is_mujocos(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    human = _person(name, tmp_path_factory.getbasetemp())
    (both, alone), rng, worst, contacts = _mixed(human), np.random.default_rng(22), 0.0, 0
    for variant in alone:
        exact(variant.model)
    for _ in range(20):
        qpos, qvel = both.states(rng)
        both.set(_on_the_ground(alone, qpos, rng), qvel)
        start, speed = both.tile.qpos, both.tile.velocity
        both.tile.step()
        for lane, variant in enumerate(alone):
            d = variant.data
            mujoco.mj_resetData(variant.model, d)
            d.qpos[:], d.qvel[both.coordinate_dof] = start[lane], speed[lane]
            mujoco.mj_step1(variant.model, d)
            contacts += d.ncon
            mujoco.mj_step2(variant.model, d)
            worst = max(
                worst,
                relative(both.tile.acceleration[lane], d.qacc[both.coordinate_dof]),
                relative(both.tile.velocity[lane], d.qvel[both.coordinate_dof]),
            )
    assert contacts > 40, "the test wants feet on the ground"
    assert worst < 1e-7


@pytest.mark.parametrize("first", range(0, SEEDS, LANES))
@pytest.mark.parametrize("name", MUSCLED)
def test_the_muscles_of_a_lane_have_the_bits_of_its_variant(
    name: str, first: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    human = _person(name, tmp_path_factory.getbasetemp())
    (both, alone), rng = _mixed(human, muscles=True, first=first), np.random.default_rng(24)
    for _ in range(10):
        states = both.states(rng)
        for each in (both, *alone):
            each.set(*states)
        for part in OF_MUSCLES:
            got = getattr(both.tile, part)
            for lane, variant in enumerate(alone):
                expected = getattr(variant.tile, part)[lane]
                np.testing.assert_array_equal(got[lane], expected, err_msg=f"{part} of lane {lane}")
        assert np.abs(both.tile.muscle_gains).max() > 0


@pytest.mark.parametrize("name", ["walk2d", "myolegs", "balls"])
def test_the_muscles_of_a_lane_are_mujocos(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    human = _person(name, tmp_path_factory.getbasetemp())
    (both, alone), rng, worst = _mixed(human, muscles=True), np.random.default_rng(25), np.zeros(LANES)
    outputs = human.model.actuator_outadr[human.muscle_actuator]
    adr, crossing = human.crossing_adr, human.actuated[human.crossing]
    for _ in range(20):
        both.set(*both.states(rng))
        tile = both.tile
        qpos, velocity, coupling = tile.qpos, tile.velocity, tile.coupling
        lengths, speeds, moments = tile.muscle_lengths, tile.muscle_speeds, tile.muscle_moments
        gains, biases = tile.muscle_gains, tile.muscle_biases
        for lane, variant in enumerate(alone):
            m, d = variant.model, variant.data
            mujoco.mj_resetData(m, d)
            d.qpos[:], d.qvel[:] = qpos[lane], coupling[lane] * velocity[lane][both.dof_coordinate]
            mujoco.mj_forward(m, d)
            variant.set(np.tile(qpos[lane], (LANES, 1)), np.zeros((LANES, m.nv)))
            sparse = np.zeros((len(d.actuator_length), m.nv))
            mujoco.mju_sparse2dense(sparse, d.actuator_moment, d.moment_rownnz, d.moment_rowadr, d.moment_colind)
            dense = sparse @ variant.tangent(lane)
            of_slots = np.concatenate([dense[o, crossing[adr[k] : adr[k + 1]]] for k, o in enumerate(outputs)])
            law = np.array([force_law(variant, *each) for each in zip(human.muscle_actuator, outputs, strict=True)])
            worst[lane] = max(
                worst[lane],
                relative(lengths[lane], d.actuator_length[outputs]),
                relative(speeds[lane], d.actuator_velocity[outputs]),
                relative(moments[lane], of_slots),
                relative(gains[lane], law[:, 0]),
                relative(biases[lane], law[:, 1]),
            )
    # Where a path touches a shape from within, MuJoCo's iteration ends at 1e-6 rad, the lanes' at 1e-14.
    within = np.arange(LANES) % 4 == 2
    assert worst[within].max(initial=0) < 1e-6
    assert worst[~within].max() < (1e-7 if name == "balls" else 1e-9)


def test_a_lane_may_be_given_other_numbers_again(tmp_path: Path) -> None:
    """What the one before needed leaves no trace."""
    (both, alone), rng = _mixed(_person("rusty", tmp_path)), np.random.default_rng(23)
    order = np.roll(np.arange(LANES), 3)
    for lane, seed in enumerate(order):
        both.tile.give(lane, alone[seed].model._address, alone[seed].told)
    qpos, qvel = both.states(rng)
    for each in (both, *alone):
        each.set(qpos, qvel)
        each.tile.step(30)
    for lane, seed in enumerate(order):
        np.testing.assert_array_equal(both.tile.qpos[lane], alone[seed].tile.qpos[lane])


def test_another_structure_is_refused(tmp_path: Path) -> None:
    both = Pair(_person("rusty", tmp_path), muscles=False)
    other = Pair(lane_bodies.load(tmp_path, lane_bodies.GRIPS), muscles=False)
    with pytest.raises(ValueError, match="numbers alone, got 6 for 2 geoms that may touch the ground"):
        both.tile.give(0, other.model._address, other.told)
    rubs = vary(both.human, 0)
    rubs.model.geom("sole_r").condim[0] = 6
    with pytest.raises(ValueError, match="got another structure of its points that may touch the ground, number 0"):
        both.tile.give(0, rubs.model._address, both.told)
    slow = vary(both.human, 0)
    slow.model.opt.timestep *= 2
    with pytest.raises(ValueError, match="time step"):
        both.tile.give(0, slow.model._address, both.told)
    with pytest.raises(ValueError, match=f"expected a lane from 0 to {LANES - 1}, got {LANES}"):
        both.tile.give(LANES, both.model._address, both.told)
    assert _core.LANES == LANES
