"""Promises 3 and the muscle sample: what the core computes against independent references."""

import mujoco
import numpy as np
import pytest
import torch
from native import rollout, scenario, simulation
from scipy.optimize import lsq_linear

from soleus.exchange.weights import NetworkSpec
from soleus.nets.mlp import build_network
from soleus.sim.buffers import Buffers

PRESETS = ("walk2d", "walk-myolegs")


@pytest.mark.parametrize("activation", ["tanh", "relu", "elu", "leaky_relu"])
def test_policy_equals_torch(activation):
    made = simulation(scenario(policy__activation=activation, policy__hidden=(64, 37)), humans=33)
    spec = NetworkSpec(made.core.observation_size, (64, 37), made.core.action_size, activation)
    network = build_network(spec, torch.Generator().manual_seed(0), 1.0)
    rng = np.random.default_rng(0)
    mean, std = rng.normal(0, 1, spec.inputs), rng.uniform(0.5, 2, spec.inputs)
    state = {f"net.{key}": value for key, value in network.state_dict().items()}
    state |= {
        "log_std": np.full(spec.outputs, -1.0, np.float32),
        "normalizer.mean": mean.astype(np.float32),
        "normalizer.std": std.astype(np.float32),
    }
    made.load_policy(state)
    made.core.set_deterministic(True)
    buffers = rollout(made, steps=1)
    with torch.no_grad():
        seen = (buffers["observations"][0] - state["normalizer.mean"]) / state["normalizer.std"]
        expected = network(torch.from_numpy(seen).clamp(-10, 10)).numpy()
    np.testing.assert_allclose(buffers["actions"][0], expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_actions_are_drawn_from_the_policy():
    made = simulation(scenario(), humans=400)
    drawn = rollout(made, steps=1)
    made.core.set_deterministic(True)
    mean = rollout(made, steps=1)["actions"][0]
    std = 0.1  # of the test's policy
    z = (drawn["actions"][0] - mean) / std
    expected = (-0.5 * z**2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(-1)
    np.testing.assert_allclose(drawn["log_probs"][0], expected, rtol=1e-4, atol=1e-4)
    # 2400 standard normals, independent between humans and between actions
    assert abs(z.mean()) < 0.08
    assert abs(z.std() - 1) < 0.06
    assert np.abs(np.corrcoef(z.T) - np.eye(z.shape[1])).max() < 0.2


def _full_state(made):
    """MjData of each human as the core holds it."""
    model = made.scenario.human.model
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
    for row in made.save():
        data = mujoco.MjData(model)
        mujoco.mj_setState(model, data, row[:size], mujoco.mjtState.mjSTATE_INTEGRATION)
        mujoco.mj_forward(model, data)
        yield data


def _moments(human, data):
    """Joint torque of each muscle at full activation, (na, nm), and passive torque, (na), from dense matrices."""
    model = human.model
    dense = np.zeros((model.nu, model.nv))
    mujoco.mju_sparse2dense(dense, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind)
    full = np.zeros((model.nv, len(human.coordinate_dof)))
    for dof in range(model.nv):
        driver = human.coordinate_dof[human.dof_coordinate[dof]]
        adr = model.jnt_qposadr[model.dof_jntid[driver]]
        x = data.qpos[adr] - model.qpos0[adr]
        p = human.dof_polynomial[dof]
        slope = p[1] + 2 * p[2] * x + 3 * p[3] * x**2 + 4 * p[4] * x**3
        full[dof, human.dof_coordinate[dof]] = slope if human.dof_coupled[dof] else 1.0
    arms = (dense @ full)[:, human.actuated].T
    gain, bias = np.zeros(model.nu), np.zeros(model.nu)
    for k in range(model.nu):
        length, velocity = data.actuator_length[k], data.actuator_velocity[k]
        reach, acc0 = model.actuator_lengthrange[k], model.actuator_acc0[k]
        gain[k] = mujoco.mju_muscleGain(length, velocity, reach, acc0, model.actuator_gainprm[k, :9])
        bias[k] = mujoco.mju_muscleBias(length, reach, acc0, model.actuator_biasprm[k, :9])
    return arms * gain, arms @ bias


@pytest.mark.parametrize("preset", PRESETS)
def test_muscle_sample_is_of_one_instant(preset):
    """Moments, passive torque and desired torque recomputed from the saved state of the very substep they came from."""
    # With one substep a control step, the sampled substep is the first one: the state before the step is its state.
    # MuJoCo's own tendons tell what the moments are to be: exact ones.
    keys = {"control__policy_hz": 480, "control__paths": "exact", "policy__mirror": False}
    made = simulation(scenario(preset, coordination__method="network", **keys), humans=3)
    buffers = rollout(made, steps=5)
    states = list(_full_state(made))
    buffers["observations"][0] = buffers["observations"][-1]
    single = Buffers(made, 1, samples=True)
    single["observations"][0] = buffers["observations"][-1]
    single.run(made, with_policy=True)
    human = made.scenario.human
    for i, data in enumerate(states):
        moments, passive = _moments(human, data)
        rows = np.repeat(np.arange(len(human.muscle_names)), np.diff(human.crossing_adr))
        np.testing.assert_allclose(single["moments"][0, i], moments[human.crossing, rows], rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(single["passive"][0, i], passive, rtol=1e-4, atol=1e-3)
        outside = np.ones_like(moments, bool)
        outside[human.crossing, rows] = False
        assert np.abs(moments[outside]).max(initial=0) < 1e-9, "the fixed sparsity holds every moment there is"


@pytest.mark.parametrize(("preset", "effort"), [*((preset, "activation") for preset in PRESETS), ("walk2d", "volume")])
def test_static_optimization_equals_scipy(preset, effort):
    """The activations that the core sets meet the torque as well as SciPy's bounded least squares."""
    made = simulation(
        scenario(
            preset,
            coordination__sweeps=2000,
            coordination__effort=effort,
            control__activation_dynamics=False,
            control__policy_hz=480,
            policy__mirror=False,
        ),
        humans=3,
    )
    buffers = rollout(made, steps=6)
    states = list(_full_state(made))
    single = Buffers(made, 1, samples=False)
    layout = made.muscle_layout
    n, na = made.core.humans, layout.num_actuated
    for name, width in (("moments", len(layout.crossing)), ("desired", na), ("passive", na)):
        single.arrays[name] = np.empty((1, n, width), np.float32)
    single["observations"][0] = buffers["observations"][-1]
    single.run(made, with_policy=True)
    human = made.scenario.human
    missed, wanted = 0.0, 0.0
    for i, data in enumerate(states):
        moments, passive = _moments(human, data)
        target = single["desired"][0, i] - passive
        # |A a - b|^2 + sum of weight a^2 as one least-squares problem
        weight = made.scenario.config.coordination.regularization * _volumes(human, effort)
        stacked = np.vstack([moments, np.diag(np.sqrt(weight))])
        best = lsq_linear(stacked, np.concatenate([target, np.zeros(moments.shape[1])]), bounds=(0, 1), tol=1e-12)
        missed += ((moments @ best.x - target) ** 2).sum()
        wanted += (target**2).sum()
    assert single.residuals()[0] == pytest.approx(np.sqrt(missed / wanted), rel=1e-2, abs=1e-4)


def _volumes(human, effort):
    """Volumes of muscles over their mean; 1 each where effort does not go by them."""
    if effort == "activation":
        return np.ones(len(human.muscle_names))
    a = human.muscle_actuator
    gains, ranges = human.model.actuator_gainprm[a], human.model.actuator_lengthrange[a]
    volumes = gains[:, 2] * (ranges[:, 1] - ranges[:, 0]) / (gains[:, 1] - gains[:, 0])
    return volumes / volumes.mean()


@pytest.mark.parametrize("preset", PRESETS)
def test_stable_pd_equals_the_dense_equation(preset, engine):
    """Torque = -Kp (q + dt u - q*) - Kd (u + dt udd) with udd from the dense reduced inertia (Tan et al. 2011)."""
    made = simulation(
        scenario(preset, control__policy_hz=480, coordination__method="network", policy__mirror=False), humans=2
    )
    buffers = rollout(made, steps=4)
    model, human = made.scenario.human.model, made.scenario.human
    size = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION)
    rows, states = made.save(), list(_full_state(made))
    single = Buffers(made, 1, samples=True)
    single["observations"][0] = buffers["observations"][-1]
    single["actions"][:] = 0.0
    single.run(made, with_policy=False)
    nc, dt = len(human.coordinate_dof), model.opt.timestep
    for i, data in enumerate(states):
        constraint = rows[i, size : size + nc]
        tangent, curving = np.zeros((model.nv, nc)), np.zeros(model.nv)
        for dof in range(model.nv):
            driver = human.coordinate_dof[human.dof_coordinate[dof]]
            adr = model.jnt_qposadr[model.dof_jntid[driver]]
            x, p = data.qpos[adr] - model.qpos0[adr], human.dof_polynomial[dof]
            slope = p[1] + 2 * p[2] * x + 3 * p[3] * x**2 + 4 * p[4] * x**3
            tangent[dof, human.dof_coordinate[dof]] = slope if human.dof_coupled[dof] else 1.0
            if human.dof_coupled[dof]:
                curving[dof] = (2 * p[2] + 6 * p[3] * x + 12 * p[4] * x**2) * data.qvel[driver] ** 2
        inertia = np.zeros((model.nv, model.nv))
        mujoco.mj_fullM(model, data, inertia)
        reduced = tangent.T @ inertia @ tangent
        force = tangent.T @ (data.qfrc_passive - data.qfrc_bias) + constraint
        if engine == "lanes":  # which know how the velocity of a coupled joint changes with its coordinate's
            force -= tangent.T @ inertia @ curving
        dofs = human.coordinate_dof[human.actuated]
        adr = model.jnt_qposadr[model.dof_jntid[dofs]]
        target = _target(made, rows[i], size, nc)[adr]
        pull = -human.kp * (data.qpos[adr] + dt * data.qvel[dofs] - target) - human.kd * data.qvel[dofs]
        damping = np.zeros(nc)
        damping[human.actuated] = human.kd
        force[human.actuated] += pull
        acceleration = np.linalg.solve(reduced + dt * np.diag(damping), force)
        torque = np.clip(pull - dt * human.kd * acceleration[human.actuated], -human.torque_limit, human.torque_limit)
        np.testing.assert_allclose(single["desired"][0, i], torque, rtol=1e-4, atol=1e-3)


def _target(made, row, size, nc):
    """Reference pose at the end of the next control step, by linear interpolation of the motion's frames."""
    motion, feet = made.scenario.motion, len(made.scenario.human.feet)
    step, start = row[size + nc + feet + 1], row[size + nc + feet + 2]
    dt = 1.0 / made.scenario.config.control.policy_hz
    at = ((start + (step + 1) * dt) / motion.duration % 1.0) * len(motion.qpos)
    first = int(at)
    second = (first + 1) % len(motion.qpos)
    return motion.qpos[first] + (at - first) * (motion.qpos[second] - motion.qpos[first])
