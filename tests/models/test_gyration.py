"""Bodies with more inertia than their mass can have: limited in built-in models, said of a user's."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import scene
from soleus import models
from soleus.config.sources import ModelFiles
from soleus.models import gyration, registry


@pytest.fixture(autouse=True)
def anew(monkeypatch):
    monkeypatch.setattr(gyration, "_said", set())


def spec_of(inertial: str) -> mujoco.MjSpec:
    text = f'<mujoco><worldbody><body name="a"><freejoint/>{inertial}</body></worldbody></mujoco>'
    return mujoco.MjSpec.from_string(text)


def moments(spec: mujoco.MjSpec) -> np.ndarray:
    return np.array(spec.compile().body_inertia[1])


def test_a_gram_has_the_inertia_of_a_gram():
    spec = spec_of('<inertial pos="0 0 0" mass="0.001" diaginertia="1 0.5 0.75"/>')
    gyration.limit_gyration(spec, 0.5)
    np.testing.assert_allclose(sorted(moments(spec)), 0.001 * 0.25 * np.array([0.5, 0.75, 1.0]))


def test_a_whole_tensor_keeps_its_axes():
    spec = spec_of('<inertial pos="0 0 0" mass="0.001" fullinertia="2 2 2 1 0 0"/>')  # principal moments 1, 2, 3
    gyration.limit_gyration(spec, 1.0)
    np.testing.assert_allclose(sorted(moments(spec)), 0.001 * np.array([1.0, 2.0, 3.0]) / 3.0)


@pytest.mark.parametrize(
    "inertial",
    ['<inertial pos="0 0 0" mass="2" diaginertia="1 1 1"/>', '<geom type="sphere" size="0.1" mass="3"/>'],
)
def test_what_can_be_stays(inertial):
    spec, before = spec_of(inertial), moments(spec_of(inertial))
    gyration.limit_gyration(spec, 1.0)
    np.testing.assert_array_equal(moments(spec), before)


def test_no_built_in_body_is_farther_than_a_metre(capfd):
    for name in registry.names():
        model = models.load(name).model
        assert (model.body_inertia.max(1)[1:] <= 1.0001 * model.body_mass[1:]).all(), name
    assert "gyration" not in capfd.readouterr().err


def test_a_hanging_arm_swings_by_its_own_inertia():
    human = models.load("myofullbody")
    model, data = human.model, mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    data.qpos[model.joint("shoulder_elv_r").qposadr[0]] = 0.3
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    plane, against = model.joint("elv_angle_r").dofadr[0], model.joint("shoulder1_r2_r").dofadr[0]
    move = np.zeros(model.nv)
    move[[plane, against]] = 1.0, -1.0  # they are coupled so
    assert move @ full @ move < 0.2  # [kg m^2] an arm of 4 kg, 0.3 m long, stretched out sideways, has 0.5


def written(tmp_path: Path, worn: str) -> str:
    return str(scene.write(tmp_path, scene.mjcf(worn=worn)))


GHOST = '<body name="ghost"><inertial pos="0 0 0" mass="0.001" diaginertia="1 1 1"/></body>'


def test_a_file_of_ones_own_is_taken_as_it_is_and_said(tmp_path, capfd):
    path = written(tmp_path, GHOST)
    model = models.load(ModelFiles(mjcf=path)).model
    assert model.body("ghost").inertia[0] == 1.0
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1  # once, though it is compiled again to be drawn
    assert said[0].startswith("warning: model 'scene': expected a radius of gyration up to 1 m, got 31.6 m of 'ghost'")
    assert said[0].endswith("model.gyration: 1 limits it")


def test_the_key_limits_it(tmp_path, capfd):
    model = models.load(ModelFiles(mjcf=written(tmp_path, GHOST), gyration=1.0)).model
    np.testing.assert_allclose(model.body("ghost").inertia, 0.001)
    assert not capfd.readouterr().err


def test_a_long_plank_is_no_ghost(tmp_path, capfd):
    plank = '<body name="plank" pos="3 0 1"><freejoint/><geom type="box" size="3 0.2 0.02" mass="20"/></body>'
    models.load(ModelFiles(mjcf=str(scene.write(tmp_path, scene.mjcf(after=plank)))))
    assert not capfd.readouterr().err


@pytest.mark.parametrize("most", [0.0, -1.0, 100.0])
def test_what_is_wrong(most):
    with pytest.raises(ValueError, match="gyration"):
        ModelFiles(mjcf="walk2d", gyration=most)


def test_a_plane_of_a_hanging_arm_is_damped_as_its_turning_is():
    human = models.load("myofullbody")
    model = human.model
    damping = {name: model.dof_damping[model.joint(name).dofadr[0]] for name in ("elv_angle_r", "shoulder1_r2_r")}
    turning = model.dof_damping[model.joint("shoulder_elv_r").dofadr[0]]
    # Raised by 20 degrees an arm turns by 2 sin(10 degrees) of what its plane does.
    assert sum(damping.values()) == pytest.approx(turning * (2 * np.sin(np.deg2rad(10))) ** 2)
