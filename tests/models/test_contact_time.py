"""The key model.contact_time makes the ground and the soles softer."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

import scene
from soleus import models
from soleus.config.sources import ModelFiles


def depth(time: float | None) -> float:
    """How deep [m] walk2d's feet go into the ground as it stands, its joints stiff."""
    human = models.load(ModelFiles(mjcf="walk2d", contact_time=time))
    model, data = human.model, mujoco.MjData(human.model)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_ACTUATION
    joints = model.dof_jntid[human.coordinate_dof[human.actuated]]
    model.jnt_stiffness[joints], model.dof_damping[human.coordinate_dof[human.actuated]] = 5000.0, 200.0
    data.qpos[:] = human.qpos_rest
    model.qpos_spring[:] = human.qpos_rest
    for _ in range(240):
        mujoco.mj_step(model, data)
    return -float(min(data.contact.dist))


def test_soles_sink_in_with_the_square_of_the_time() -> None:
    stiff, soft = depth(None), depth(0.04)
    assert stiff == pytest.approx(depth(0.02), rel=1e-9), "what the file says by itself"
    assert 2.5 < soft / stiff < 5


def test_the_damping_stays(tmp_path: Path) -> None:
    text = scene.mjcf(actuators="").replace("<worldbody>", '<default><geom solref="0.02 0.7"/></default><worldbody>', 1)
    human = models.load(ModelFiles(mjcf=str(scene.write(tmp_path, text)), contact_time=0.05))
    np.testing.assert_allclose(human.model.geom_solref, [[0.05, 0.7]] * human.model.ngeom)


@pytest.mark.parametrize("time", [0.0, 0.3, -0.02])
def test_what_is_wrong(time: float) -> None:
    with pytest.raises(ValueError, match="contact_time"):
        ModelFiles(mjcf="walk2d", contact_time=time)
