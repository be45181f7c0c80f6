"""The constants of the muscles' force law are numbers of the model, in both engines."""

import mujoco
import numpy as np
import pytest

from gaitnet_files import write
from soleus import UserError, _core, import_gaitnet, models
from soleus.config import load_config
from soleus.sim.handover import human_data
from soleus.sim.scenario import load_scenario

WIDTH, SHAPE, STRAIN = 0.45, 5.5, 0.3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("environment")
    import_gaitnet(write(made), data=made / "data", out=made / "out")
    return made / "out"


def _forces(human, lengths):
    """Active at activation 1, and passive (..., nm) [N] of paths' lengths over those at qpos0."""
    own = human.polylines
    strain = (lengths - own.slack) / own.optimal - 1
    passive = np.where(strain > 0, np.expm1(SHAPE * strain / STRAIN) / np.expm1(SHAPE), 0.0)
    return own.max_force * np.exp(-(strain**2) / WIDTH), own.max_force * passive


def test_forces_are_those_of_the_constants(folder):
    loaded = load_scenario(load_config(folder / "train.yaml"))
    human, told = loaded.human, human_data(loaded.human, loaded.config)
    tile = _core.DynamicsTile(human.model._address, told, muscles=True)
    one = _core.HumanState(human.model._address, told)
    rng, poses = np.random.default_rng(3), np.tile(human.qpos_rest, (_core.LANES, 1))
    for pose in poses:
        mujoco.mj_integratePos(human.model, pose, rng.normal(0, 0.4, human.model.nv), 1.0)
    tile.set(poses, np.zeros((_core.LANES, human.model.nv)))
    muscle = np.repeat(np.arange(len(human.muscle_names)), np.diff(human.crossing_adr))
    stretched = 0
    for lane, pose in enumerate(poses):
        one.reset(pose, np.zeros(human.model.nv))
        active, passive = _forces(human, np.asarray(one.muscle_lengths))
        stretched += int((passive > 1).sum())
        np.testing.assert_allclose(-np.asarray(tile.muscle_gains)[lane], active, rtol=1e-9)
        np.testing.assert_allclose(-np.asarray(tile.muscle_biases)[lane], passive, rtol=1e-9, atol=1e-9)
        arms = np.asarray(tile.muscle_moments)[lane]
        moments, torque = one.muscle_torques()
        np.testing.assert_allclose(moments, -arms * active[muscle], rtol=1e-8, atol=1e-9)
        whole = np.zeros(len(human.actuated))
        np.add.at(whole, human.crossing, -arms * passive[muscle])
        np.testing.assert_allclose(torque, whole, rtol=1e-8, atol=1e-8)
    assert stretched > 10


def test_the_passive_force_of_the_two_laws():
    """At a fibre length of 1.2, and at 1.3, over the greatest force: here, and of MASS."""
    for shape, strain, at in ((5.5, 0.3, (0.156, 1.0)), (4.0, 0.6, (0.052, 0.119))):
        found = np.expm1(shape * np.array([0.2, 0.3]) / strain) / np.expm1(shape)
        np.testing.assert_allclose(found, at, atol=5e-4)


@pytest.mark.parametrize(("data", "said"), [("0.45 5.5", "expected 3 numbers, got 2"), ("0.45 0 1", "numbers above 0")])
def test_what_constants_cannot_be(data, said, folder, tmp_path):
    text = (folder / "person.xml").read_text()
    assert text.count('name="muscle_curves"') == 1
    (tmp_path / "person.xml").write_text(text.replace('data="0.45 5.5 0.3"', f'data="{data}"'))
    with pytest.raises(UserError, match=f"numeric 'muscle_curves': expected .*{said.removeprefix('expected ')}"):
        models.load(str(tmp_path / "person.xml"))
