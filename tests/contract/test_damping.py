"""What stable PD damps towards: rest, or the velocity of the motion."""

import numpy as np
import pytest
from native import scenario, simulation

from soleus.sim.buffers import Buffers
from soleus.sim.simulation import Simulation

HUMANS = 5


def _made(**overrides: object) -> Simulation:
    keys = {"policy__mirror": False, "control__mode": "torque", "control__action_scale": 1.0, **overrides}
    return simulation(scenario("walk2d", **keys), humans=HUMANS)


def _step(made: Simulation, actions: np.ndarray | float) -> np.ndarray:
    """qpos (HUMANS, nq) after a control step from the motion, each human at another phase."""
    buffers = Buffers(made, 1, samples=False)
    made.core.reset(3, buffers["observations"][0])
    buffers["actions"][0] = actions
    buffers.run(made, with_policy=False)
    return made.qpos()


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
def test_damping_towards_the_motion_is_a_target_that_leads_it(engine: str) -> None:
    """kp (target - q) + kd (v - qvel) is the torque of rest's damping at a target that lies kd / kp v ahead."""
    following = _made(control__engine=engine, control__damping="motion")
    moved = _step(following, 0.0)
    human, motion, phase = following.scenario.human, following.scenario.motion, following.reference()[1]
    assert motion is not None
    frames, table = np.arange(len(motion.qvel) + 1), np.vstack([motion.qvel, motion.qvel[:1]])
    velocity = np.stack([np.interp(phase * len(motion.qvel), frames, column) for column in table.T], axis=1)
    lead = (human.kd / human.kp) * velocity[:, human.coordinate_dof[human.actuated]]
    assert np.abs(lead).max() > 0.1
    resting = _made(control__engine=engine)
    assert np.abs(_step(resting, 0.0) - moved).max() > 1e-3
    np.testing.assert_allclose(_step(resting, lead), moved, atol=1e-6)


def test_joints_lag_less() -> None:
    """After a fifth of a second of the motion's own poses as targets."""
    away = {}
    for damping in ("rest", "motion"):
        made = _made(control__damping=damping)
        buffers = Buffers(made, 6, samples=False)
        made.core.reset(3, buffers["observations"][0])
        buffers["actions"][:] = 0.0
        buffers.run(made, with_policy=False)
        joints = slice(3, None)
        away[damping] = np.sqrt(np.mean((made.qpos() - made.reference()[0])[:, joints] ** 2))
    assert away["motion"] < 0.75 * away["rest"]
