"""Inverse dynamics on cases that can be computed by hand."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from soleus.gait.cycles import cut
from soleus.gait.kinetics import directions, load_rows, loads_by_walk, loads_of, slip_distance
from soleus.models import Human
from soleus.motions.anatomy import angles_of, foot_body
from soleus.sim.trace import Trace
from walker import GRAVITY, still, walked

AHEAD = 0.07  # [m] of the ankle the ground presses on the foot


def standing(human: Human) -> tuple[Trace, mujoco.MjData]:
    """Somebody who stands, and the model where they do: the ground presses on both feet ahead of the ankles."""
    trace = still(human)
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_forward(human.model, data)
    pressure = trace.pressure.copy()
    for side, which in enumerate("rl"):
        pressure[:, side] = data.xanchor[human.model.joint(f"ankle_angle_{which}").id] + [AHEAD, 0, 0]
        pressure[:, side, 2] = 0.0
    return replace(trace, pressure=pressure), data


@pytest.mark.parametrize(("joint", "angle", "sense"), [
    ("ankle_angle", "ankle_dorsiflexion", 1), ("knee_angle", "knee_flexion", -1), ("hip_flexion", "hip_flexion", 1),
])  # fmt: skip
def test_a_standing_joint_carries_the_force_times_its_arm(walk2d: Human, joint: str, angle: str, sense: int) -> None:
    """Less the weight of what hangs on it. Ahead of the joint the force bends ankle and hip, and extends the knee."""
    trace, data = standing(walk2d)
    loads = loads_of(trace, angles_of(walk2d))
    for side, which in enumerate("rl"):
        number = walk2d.model.joint(f"{joint}_{which}").id
        body = int(walk2d.model.jnt_bodyid[number])
        anchor = data.xanchor[number][0]
        force = walk2d.mass * GRAVITY / 2
        below = walk2d.model.body_subtreemass[body] * GRAVITY * (data.subtree_com[body][0] - anchor)
        bends = sense * (force * (trace.pressure[0, side, 0] - anchor) - below)
        assert abs(bends) > 1
        np.testing.assert_allclose(loads.torque[angle, which], -bends, rtol=0.001, atol=0.01)
        np.testing.assert_allclose(loads.power[angle, which], 0, atol=1e-9)


def test_joints_that_move_along_carry_their_part(myolegs: Human) -> None:
    """Off the ground the torque about a knee is what lifting the leg along its path costs, its coupled slides too."""
    trace = still(myolegs)
    qpos = trace.qpos.copy()
    for which in "rl":
        qpos[:, myolegs.model.joint(f"knee_angle_{which}").qposadr[0]] += 0.6
    trace = replace(trace, qpos=myolegs.consistent(qpos), ground_force=np.zeros_like(trace.ground_force))
    angles = [angle for angle in angles_of(myolegs) if angle.name == "knee_flexion"]
    loads = loads_of(trace, angles)
    for angle in angles:
        way = directions(trace, trace.qpos[:1], angle)[0]
        assert (way != 0).sum() > 1
        ahead, back = (height(myolegs, trace.qpos[0], way, step) for step in (1e-5, -1e-5))
        torque = myolegs.mass * GRAVITY * (ahead - back) / 2e-5
        np.testing.assert_allclose(loads.torque["knee_flexion", angle.side], torque, rtol=1e-3)


def height(human: Human, qpos: np.ndarray, way: np.ndarray, step: float) -> float:
    """Of the centre of mass [m]."""
    data = mujoco.MjData(human.model)
    data.qpos[:] = qpos
    mujoco.mj_integratePos(human.model, data.qpos, way, step)
    mujoco.mj_kinematics(human.model, data)
    mujoco.mj_comPos(human.model, data)
    return float(data.subtree_com[human.root_body][2])


def test_power_is_the_torque_times_the_speed(walk2d: Human) -> None:
    trace, _ = standing(walk2d)
    qvel = trace.qvel.copy()
    qvel[:, walk2d.model.joint("ankle_angle_r").dofadr[0]] = 0.5
    angle = next(a for a in angles_of(walk2d) if (a.name, a.side) == ("ankle_dorsiflexion", "r"))
    loads = loads_of(replace(trace, qvel=qvel), [angle])
    rate = 0.5 * angle.direction[walk2d.model.joint("ankle_angle_r").dofadr[0]]
    torque = loads.torque["ankle_dorsiflexion", "r"]
    np.testing.assert_allclose(loads.power["ankle_dorsiflexion", "r"], torque * rate, rtol=1e-6)


def test_acceleration_takes_a_torque(walk2d: Human) -> None:
    """In the air, a root that accelerates upwards makes a leg heavier; one that falls freely carries nothing."""
    trace, _ = standing(walk2d)
    trace = replace(trace, ground_force=np.zeros_like(trace.ground_force))
    angles = angles_of(walk2d)
    rest = loads_of(trace, angles).torque["hip_flexion", "r"][1200]
    for rate, share in ((-GRAVITY, 0.0), (GRAVITY, 2.0)):
        qvel = trace.qvel.copy()
        qvel[:, 1] = rate * trace.times
        found = loads_of(replace(trace, qvel=qvel), angles).torque["hip_flexion", "r"][1200]
        assert found == pytest.approx(share * rest, abs=1e-3 * abs(rest))


def test_both_legs_have_the_same_sense(myolegs: Human) -> None:
    trace, _ = standing(myolegs)
    loads = loads_of(trace, angles_of(myolegs))
    for name in ("hip_flexion", "knee_flexion", "ankle_dorsiflexion"):
        np.testing.assert_allclose(loads.torque[name, "r"], loads.torque[name, "l"], rtol=0.02, atol=0.2)


def test_a_foot_that_slides_slips(walk2d: Human) -> None:
    trace, _ = standing(walk2d)
    assert loads_of(trace, []).slip.max() == 0
    qvel = trace.qvel.copy()
    qvel[:, 0] = 0.3
    np.testing.assert_allclose(loads_of(replace(trace, qvel=qvel), []).slip, 0.3)
    raised = replace(trace, qvel=qvel, ground_force=0.3 * trace.ground_force)
    assert loads_of(raised, []).slip.max() == 0  # it hardly stands


def test_rows_are_over_mass_and_extension_is_positive(walk2d: Human) -> None:
    walk = walked(walk2d, strides=6)
    pressure = walk.trace.pressure.copy()
    data = mujoco.MjData(walk2d.model)
    for step, qpos in enumerate(walk.trace.qpos):  # under the toes
        data.qpos[:] = qpos
        mujoco.mj_kinematics(walk2d.model, data)
        for side in (0, 1):
            pressure[step, side] = data.xpos[foot_body(walk2d, side)] + [0.15, 0, 0]
    strides = cut([replace(walk.trace, pressure=pressure)])
    loads = loads_by_walk(strides, angles_of(walk2d))
    rows = load_rows(strides, loads)
    assert list(rows) == ["hip_torque", "knee_torque", "ankle_torque", "hip_power", "knee_power", "ankle_power"]
    assert {one.unit for one in rows.values()} == {"N m/kg", "W/kg"}
    for side in ("right", "left"):
        ankle = rows["ankle_torque"].curve().sides[side].mean
        assert 1.0 < ankle.max() < 2.5
        assert abs(ankle[80]) < 0.1
    assert slip_distance(strides, loads) == {"right": 0, "left": 0}
