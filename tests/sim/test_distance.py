"""A distance is the path of the pelvis along the ground, whichever way it leads."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

import scene
from soleus.gait.cycles import Walk
from soleus.gait.measures import cost_of_transport
from soleus.models import Human
from soleus.motions import Motion
from soleus.motions.anatomy import root_of
from soleus.motions.motion import make_motion
from soleus.motions.posing import root_slots
from soleus.motions.rotations import about_z, multiply
from soleus.show.frames import MotionAct
from soleus.sim.buffers import EPISODE_COLUMNS, Buffers
from walker import trace_of

STEPS = 9
SIZE = mujoco.mjtState.mjSTATE_INTEGRATION


@pytest.mark.parametrize("velocity", ["1 0", "-1 0", "0 1", "0.7 -0.7"])
def test_an_episode_sums_its_path(velocity, tmp_path):
    pose = f"0.2 0.1 0.93 1 {'0 ' * 9}"
    key = f'<keyframe><key name="off" qpos="{pose}" qvel="{velocity} {"0 " * 10}"/></keyframe>'
    task = f"{{base: walk, initial: 'key:off', episode_seconds: {STEPS / 30}, termination: {{fall: null}}}}"
    simulation = scene.env(tmp_path, humans=2, task=task, tail=key).simulation
    buffers = Buffers(simulation, STEPS, samples=False, trace=True)
    simulation.reset(0, buffers["observations"][0])
    buffers["actions"][:] = 0
    buffers.run(simulation, with_policy=False)
    model = simulation.scenario.human.model
    data, places = mujoco.MjData(model), [[0.2, 0.1]]
    for row in buffers["trace"][15::16, 0, : mujoco.mj_stateSize(model, SIZE)]:
        mujoco.mj_setState(model, data, np.ascontiguousarray(row), SIZE)
        places.append(data.qpos[:2].tolist())
    path = np.linalg.norm(np.diff(places, axis=0), axis=1).sum()
    assert path > 0.1
    distance = buffers["episodes"][-1, 0, EPISODE_COLUMNS.index("distance_m")]
    assert distance == pytest.approx(path, rel=1e-5)


def test_a_saved_human_keeps_its_path(tmp_path):
    simulation = scene.env(
        tmp_path, humans=1, keys="train: {seed: 0}\n", task="{base: walk, episode_seconds: 0.4}"
    ).simulation
    buffers = Buffers(simulation, 6, samples=False)
    simulation.reset(0, buffers["observations"][0])
    buffers["actions"][:] = 0.5
    buffers.run(simulation, with_policy=False)
    state = simulation.save()
    found = []
    for _ in range(2):
        simulation.restore(state)
        buffers.run(simulation, with_policy=False)
        found.append(buffers["episodes"][-1, 0, EPISODE_COLUMNS.index("distance_m")])
    assert found[0] == found[1] > 0


def circle(human: Human, radius: float, frames: int = 480) -> np.ndarray:
    """Poses (frames + 1, nq) once round a circle."""
    angle = np.linspace(0, 2 * np.pi, frames + 1)
    qpos, slots = np.tile(human.qpos_rest, (frames + 1, 1)), root_slots(human)
    qpos[:, slots.shift[0]], qpos[:, slots.shift[1]] = radius * np.sin(angle), radius * (1 - np.cos(angle))
    at = slice(slots.quaternion, slots.quaternion + 4)
    qpos[:, at] = [multiply(about_z(float(a)), human.qpos_rest[at]) for a in angle]
    return qpos


def test_a_walk_in_a_circle_costs_as_much_as_one_along_a_line(myolegs):
    qpos = circle(myolegs, 2.0)
    trace = trace_of(myolegs, qpos, np.zeros((len(qpos), 80)), np.zeros((len(qpos), 2, 3)), 4.0, dt=10 / 480)
    walk = Walk(trace, root_of(myolegs, qpos), ([], []))
    assert walk.distance == pytest.approx(2 * np.pi * 2.0, rel=1e-3)
    assert cost_of_transport([walk]) == pytest.approx((4.0 + 1.51) * 10 / (4 * np.pi), rel=1e-3)
    still = replace(trace, qpos=np.tile(myolegs.qpos_rest, (len(qpos), 1)))
    assert Walk(still, root_of(myolegs, still.qpos), ([], [])).distance == 0


def test_a_motion_that_is_looked_at_has_the_speed_of_its_path(myolegs):
    motion: Motion = make_motion("round", 10.0, circle(myolegs, 2.0)[:-1], np.zeros(3), myolegs)
    speeds = [frame.speed for frame, _ in zip(MotionAct(myolegs, motion, fps=48).frames(), range(100), strict=False)]
    np.testing.assert_allclose(speeds[1:], 4 * np.pi / 10, rtol=1e-3)
