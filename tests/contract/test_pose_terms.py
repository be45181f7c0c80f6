"""Errors of the pose, by hand: all joints together, and each by itself."""

import mujoco
import numpy as np
import pytest
from native import scenario, simulation

from soleus.sim.buffers import Buffers
from soleus.sim.trace import STATE


def test_errors_count_together_or_each_by_itself():
    made = simulation(
        scenario(
            "walk2d",
            task__reward__terms__pose={"weight": 0.5, "scale": 3.0},
            task__reward__terms__pose_by_joint={"weight": 0.5, "scale": 20.0},
            task__reward__joints={"knee_angle_*": 4.0},
        ),
        humans=1,
    )
    human = made.scenario.human
    model, data = human.model, mujoco.MjData(human.model)
    buffers = Buffers(made, 1, samples=False, trace=True)
    made.reset(2, buffers["observations"][0])
    for _ in range(5):
        buffers.run(made, with_policy=True)
        assert not buffers.done.any()
        row = buffers["trace"][-1, 0, : mujoco.mj_stateSize(model, STATE)]
        mujoco.mj_setState(model, data, np.ascontiguousarray(row), STATE)
        (reference,) = made.look("reference")
        joints = model.dof_jntid[human.coordinate_dof[human.actuated]]
        errors = (data.qpos - reference)[model.jnt_qposadr[joints]]
        weights = np.array([4.0 if "knee" in model.joint(joint).name else 1.0 for joint in joints])
        found = buffers.term_means(made)
        assert found["pose"] == pytest.approx(np.exp(-3 * weights @ errors**2), rel=1e-6)
        assert found["pose_by_joint"] == pytest.approx(weights @ (1 / (1 + 20 * errors**2)) / weights.sum(), rel=1e-6)
        buffers["observations"][0] = buffers["observations"][1]
