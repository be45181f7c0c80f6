"""Motors and servos that act on a person have actions of their own."""

import mujoco
import numpy as np
import pytest

import scene
from soleus.errors import UserError

HIPS = '<motor name="exo_r" joint="hip_r" gear="40"/><motor name="exo_l" joint="hip_l" gear="40"/>'


def hip(env, side: str = "r") -> float:
    model = env.simulation.scenario.human.model
    return float(env.simulation.qpos()[0, model.joint(f"hip_{side}").qposadr[0]])


def after(env, action: np.ndarray, steps: int = 3) -> float:
    env.reset(seed=0)
    for _ in range(steps):
        env.step(np.tile(action.astype(np.float32), (env.num_envs, 1)))
    return hip(env)


@pytest.mark.parametrize(("mode", "own"), [("torque", 6), ("muscle", 6), ("excitation", 12)])
def test_a_motor_has_an_action_in_every_mode(mode, own, tmp_path):
    env = scene.env(tmp_path, mode, actuators=scene.MUSCLES + HIPS)
    assert env.single_action_space.shape == (own + 2,)
    assert env.simulation.scenario.human.motors.names == ("exo_r", "exo_l")
    action = np.zeros(own + 2) if mode != "excitation" else np.r_[-np.ones(own), 0, 0]
    still = after(env, action)
    action[own] = 1.0
    forward = after(env, action)
    action[own] = -1.0
    assert after(env, action) < still - 0.01 < still + 0.01 < forward


def test_muscles_rest_in_torque_mode_while_motors_act(tmp_path):
    with_muscles = scene.env(tmp_path, "torque", actuators=scene.MUSCLES + HIPS)
    action = np.r_[np.zeros(6), 0.5, -0.3]
    moved = after(with_muscles, action)
    without = scene.env(tmp_path, "torque", actuators=HIPS)
    assert after(without, action) == pytest.approx(moved, abs=1e-9)
    model = with_muscles.simulation.stepped_model()
    data = mujoco.MjData(model)
    data.ctrl[:] = 1.0
    data.act[:] = 1.0
    mujoco.mj_forward(model, data)
    hips = [model.joint(f"hip_{side}").dofadr[0] for side in "rl"]
    np.testing.assert_allclose(data.qfrc_actuator[hips], 40.0)
    assert np.count_nonzero(data.qfrc_actuator) == 2


@pytest.mark.parametrize(
    ("actuator", "low", "high"),
    [
        ('<motor name="m" joint="knee_r" ctrlrange="-2 3"/>', -2, 3),
        ('<motor name="m" joint="knee_r"/>', -1, 1),
        ('<general name="m" joint="knee_r" ctrlrange="0 5" dyntype="integrator" actrange="0 1"/>', 0, 5),
        ('<position name="m" joint="knee_r" kp="100"/>', 0, np.deg2rad(120)),
        ('<position name="m" joint="knee_r" kp="100" ctrlrange="0 1" timeconst="0.1"/>', 0, 1),
        ('<velocity name="m" joint="knee_r" kv="10" ctrlrange="-4 4"/>', -4, 4),
        ('<intvelocity name="m" joint="knee_r" kp="10" ctrlrange="-4 4" actrange="0 2"/>', -4, 4),
        ('<damper name="m" joint="knee_r" kv="10" ctrlrange="0 2"/>', 0, 2),
        ('<cylinder name="m" joint="knee_r" area="3" ctrlrange="0 2"/>', 0, 2),
        ('<adhesion name="m" body="foot_r" gain="10" ctrlrange="0 1"/>', 0, 1),
    ],
)
def test_every_kind_moves_over_its_range(actuator, low, high, tmp_path):
    env = scene.env(tmp_path, "muscle", actuators=scene.MUSCLES + actuator)
    motors = env.simulation.scenario.human.motors
    assert (motors.low[0], motors.high[0]) == pytest.approx((low, high))
    model = env.simulation.scenario.human.model
    env.reset(seed=0)
    data = mujoco.MjData(model)
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
    for action in (-1.0, 0.25, 1.0, 7.0):
        env.step(np.tile(np.r_[np.zeros(6), action].astype(np.float32), (2, 1)))
        mujoco.mj_setState(model, data, env.simulation.save()[0, :size], mujoco.mjtState.mjSTATE_INTEGRATION)
        share = 0.5 * (1 + min(action, 1.0))
        assert data.ctrl[motors.control[0]] == pytest.approx(low + share * (high - low))


@pytest.mark.parametrize(
    ("actuator", "said"),
    [
        ('<velocity name="m" joint="knee_r" kv="10"/>', "actuator 'm': expected a ctrlrange"),
        (
            '<general name="m" joint="knee_r" dyntype="user"/>',
            "actuator 'm': expected a motor or servo of MuJoCo's own",
        ),
        ('<general joint="knee_r" dyntype="filter" gainprm="3"/>', "actuator 'actuator12': expected a ctrlrange"),
    ],
)
def test_what_has_no_range_is_refused_by_name(actuator, said, tmp_path):
    with pytest.raises(UserError, match=said):
        scene.human(tmp_path, actuators=scene.MUSCLES + actuator)


def test_motors_of_others_and_disabled_ones_are_left_alone(tmp_path):
    belt = '<body name="belt" pos="3 0 .2"><joint name="belt" type="slide"/><geom size=".1" mass="5"/></body>'
    motors = '<velocity name="drive" joint="belt" kv="10"/><motor name="off" joint="hip_r" group="3"/>'
    own = scene.human(tmp_path, after=belt, actuators=scene.MUSCLES + motors, head='<option actuatorgroupdisable="3"/>')
    assert own.motors.names == ()


def test_servos_that_remember_start_where_their_joint_is(tmp_path):
    servo = '<intvelocity name="m" joint="knee_r" kp="500" ctrlrange="-1 1" actrange="-2 2"/>'
    tail = '<keyframe><key name="bent" qpos="0 0 0.95 1 0 0 0 0.4 0.8 0.3 0.4 0.8 0.3"/></keyframe>'
    env = scene.env(tmp_path, "torque", actuators=servo, tail=tail, task="{base: walk, initial: 'key:bent'}")
    model = env.simulation.scenario.human.model
    env.reset(seed=0)
    data = mujoco.MjData(model)
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
    mujoco.mj_setState(model, data, env.simulation.save()[0, :size], mujoco.mjtState.mjSTATE_INTEGRATION)
    assert data.act[0] == pytest.approx(data.qpos[model.joint("knee_r").qposadr[0]])


def test_mirrored_motors_swap_sides(tmp_path):
    motors = scene.human(tmp_path, actuators=scene.MUSCLES + HIPS).motors
    assert motors.mirror.tolist() == [1, 0]
    assert motors.sign.tolist() == [1, 1]
    assert motors.lopsided is None
    turned = HIPS.replace('"hip_l" gear="40"', '"hip_l" gear="-40"')
    assert scene.human(tmp_path, actuators=scene.MUSCLES + turned).motors.sign.tolist() == [-1, -1]
    one = '<motor name="exo_r" joint="hip_r" gear="40"/>'
    assert scene.human(tmp_path, actuators=scene.MUSCLES + one).motors.lopsided == "exo_r"
    with pytest.raises(UserError, match=r"policy\.mirror: expected motors that are mirror images.*'exo_r'"):
        scene.env(
            tmp_path, "muscle", actuators=scene.MUSCLES + one, task="imitate",
            keys="motion: walk\npolicy: {mirror: true}\n",
        )  # fmt: skip


@pytest.mark.parametrize("mode", ["torque", "muscle", "excitation"])
def test_a_body_of_motors_alone(mode, tmp_path):
    if mode == "muscle":
        with pytest.raises(UserError, match="expected torque for a model without muscles, got 'muscle'"):
            scene.env(tmp_path, mode, actuators=HIPS)
        return
    env = scene.env(tmp_path, mode, actuators=HIPS)
    assert env.single_action_space.shape == ({"torque": 8, "excitation": 2}[mode],)


def test_motors_alone_have_no_nerves(tmp_path):
    task = "{base: walk, noise: {motor_delay: 10ms}}"
    with pytest.raises(UserError, match="expected muscles for noise and delay of excitations, got motors alone"):
        scene.env(tmp_path, "excitation", actuators=HIPS, task=task)
    scene.env(tmp_path, "torque", actuators=HIPS, task=task)


@pytest.mark.parametrize("limits", ["1 -1", "2 2"])
def test_a_range_that_is_none_is_refused(limits, tmp_path):
    motor = f'<motor name="exo" joint="hip_r" gear="40" ctrllimited="false" ctrlrange="{limits}"/>'
    with pytest.raises(UserError, match="actuator 'exo': expected a ctrlrange from less to more, got "):
        scene.env(tmp_path, actuators=scene.MUSCLES + motor)


def test_what_options_switch_off_is_said(tmp_path):
    with pytest.raises(UserError, match='expected gravity, got <option><flag gravity="disable"/>'):
        scene.env(tmp_path, head='<option><flag gravity="disable"/></option>')
    with pytest.raises(UserError, match="expected a muscle that can pull, but its group is disabled"):
        scene.env(tmp_path, "excitation", head='<option actuatorgroupdisable="0"/>')
