"""Motions at another speed or cadence, mirrored, and played once."""

import numpy as np
import pytest

from soleus import models, motions
from soleus.config import load_config
from soleus.config.sources import CycleMotion, TableMotion
from soleus.errors import UserError
from soleus.motions.table import write_table
from soleus.sim.buffers import Buffers
from soleus.sim.scenario import load_scenario
from soleus.sim.simulation import Simulation


@pytest.fixture(scope="module")
def walk2d():
    return models.load("walk2d")


@pytest.fixture(scope="module")
def legs():
    return models.load("myolegs26")


@pytest.fixture
def lap(tmp_path, walk2d):
    """A table of the built-in walk."""
    write_table(tmp_path / "lap.csv", motions.load("walk", walk2d), walk2d)
    return str(tmp_path / "lap.csv")


def test_a_recording_keeps_its_strides(lap, walk2d):
    before = motions.load(lap, walk2d)
    faster = motions.load(TableMotion(table=lap, speed=1.5), walk2d)
    assert faster.speed == pytest.approx(1.5)
    assert faster.displacement[0] == pytest.approx(before.displacement[0])
    np.testing.assert_allclose(faster.qvel, before.qvel * 1.5 / before.speed, atol=1e-9)
    quick = motions.load(TableMotion(table=lap, cadence=120), walk2d)
    assert quick.duration == pytest.approx(1.0)


def test_a_gait_cycle_changes_strides_and_cadence_alike(walk2d):
    before, slow = (motions.load(CycleMotion(cycle="walk", speed=speed), walk2d) for speed in (None, 0.9))
    assert slow.speed == pytest.approx(0.9, abs=0.01)
    share = np.sqrt(0.9 / before.speed)
    assert slow.duration == pytest.approx(before.duration / share, rel=0.01)
    assert slow.displacement[0] == pytest.approx(before.displacement[0] * share, rel=0.02)
    both = motions.load(CycleMotion(cycle="walk", speed=1.0, cadence=100), walk2d)
    assert both.duration == pytest.approx(1.2)
    assert both.speed == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"speed": 9.0}, r"motion\.speed: expected from 0\.32\d* to 5.* got 9"),
        ({"speed": 1.0, "cadence": 100.0}, r"motion\.speed: expected speed or cadence .*, got both"),
        ({"speed": 1.0, "lap": "once"}, r"motion\.speed: expected a cyclic motion, got 'lap', which is played once"),
    ],
)
def test_changes_that_cannot_be(keys, said, lap, walk2d):
    with pytest.raises(UserError, match=said):
        motions.load(TableMotion(table=lap, **keys), walk2d)
    with pytest.raises(
        UserError, match=r"motion\.speed: expected one at which 'walk' has half to 1\.6 times its strides"
    ):
        motions.load(CycleMotion(cycle="walk", speed=8.0), walk2d)


def test_the_mirror_of_the_mirror_is_the_motion(legs):
    once = motions.load(CycleMotion(cycle="walk", mirror=True), legs)
    plain = motions.load("walk", legs)
    twice = motions.changing.mirrored(once, legs)
    np.testing.assert_allclose(twice.qpos, plain.qpos, atol=1e-9)
    assert np.abs(once.qpos - plain.qpos).max() > 0.1
    # The left leg does what the right one does half a stride later: so does the mirrored walk, half a stride shifted.
    shifted = np.roll(once.qpos, 64, axis=0)
    np.testing.assert_allclose(shifted[:, 7:], plain.qpos[:, 7:], atol=0.02)


def test_a_clip_that_is_played_once_ends_its_episodes(lap, walk2d):
    motion = motions.load(TableMotion(table=lap, lap="once"), walk2d)
    assert motion.once
    assert len(motion.qpos) == 129
    overrides = {"motion.table": lap, "motion.lap": "once", "task.termination": {"fall": None, "lost_reference": None}}
    scenario = load_scenario(load_config("test-walk2d-small", overrides))
    simulation = Simulation(scenario, 6, 1, seed=5)
    buffers = Buffers(simulation, 80, samples=False)
    simulation.reset(5, buffers["observations"][0])
    buffers["actions"][:] = 0
    buffers.run(simulation, with_policy=False)
    steps = round(motion.duration * scenario.config.control.policy_hz)
    assert not buffers["terminated"].any()
    for human in range(6):
        ends = np.flatnonzero(buffers["truncated"][:, human])
        assert len(ends) >= 2
        assert np.diff(ends).max() <= steps + 1
    qpos, phase = simulation.reference()
    assert np.isfinite(qpos).all()
    assert (phase < 1).all()
