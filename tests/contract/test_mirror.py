"""Mirror symmetry: in half of the cycle the policy meets the mirrored body, and the body the mirrored action."""

import mujoco
import numpy as np
import pytest
from native import scenario, simulation

from soleus.sim.buffers import Buffers

STATE = mujoco.mjtState.mjSTATE_INTEGRATION


def _mirrored_row(made, row):
    """The state of the mirrored human half a cycle away: positions, velocities, activations and what goes with them."""
    human, model = made.scenario.human, made.scenario.human.model
    size = mujoco.mj_stateSize(model, STATE)
    data = mujoco.MjData(model)
    mujoco.mj_setState(model, data, row[:size], STATE)
    coordinates, muscles = human.mirror_coordinate, human.mirror_muscle
    sign = human.mirror_sign
    adr = model.jnt_qposadr[model.dof_jntid[human.coordinate_dof]]
    data.qpos[adr] = sign * data.qpos[adr[coordinates]]
    for field in (data.qvel, data.qacc_warmstart, data.qfrc_applied):
        field[human.coordinate_dof] = sign * field[human.coordinate_dof[coordinates]]
    data.act[:] = data.act[muscles]
    data.ctrl[:] = data.ctrl[muscles]
    out = row.copy()
    mujoco.mj_getState(model, data, out[:size], STATE)
    nc, feet = len(human.coordinate_dof), len(human.feet)
    constraint = out[size : size + nc]
    constraint[:] = sign * constraint[coordinates]
    out[size + nc : size + nc + feet] = out[size + nc : size + nc + feet][::-1]
    motion = size + nc + feet + 2  # after the episode's number and step
    out[motion] -= made.scenario.motion.duration / 2
    activation = out[-len(muscles) :]
    activation[:] = activation[muscles]
    return out


@pytest.mark.parametrize("method", ["static_optimization", "network"])
def test_second_half_equals_the_mirrored_first_half(method):
    mirrored = simulation(scenario(policy__mirror=True, coordination__method=method), humans=6)
    plain = simulation(scenario(policy__mirror=False, coordination__method=method), humans=6)
    a, b = (Buffers(made, 1, samples=method == "network") for made in (mirrored, plain))
    for made, buffers in ((mirrored, a), (plain, b)):
        made.core.reset(3, buffers["observations"][0])
        made.core.set_deterministic(True)
    phase = np.arctan2(b["observations"][0][:, 0], b["observations"][0][:, 1]) / (2 * np.pi) % 1.0
    late = np.flatnonzero((phase > 0.55) & (phase < 0.85))
    assert len(late), "the seed wants humans in the second half of the cycle"
    rows = mirrored.save()
    plain.restore(np.stack([_mirrored_row(plain, row) if i in late else row for i, row in enumerate(rows)]))
    b["observations"][0] = a["observations"][0]  # what the policy sees of both is the same
    for _ in range(3):
        for made, buffers in ((mirrored, a), (plain, b)):
            buffers.run(made, with_policy=True)
        np.testing.assert_allclose(a["actions"][0, late], b["actions"][0, late], atol=1e-4)
        np.testing.assert_allclose(a["observations"][1, late], b["observations"][1, late], atol=2e-3)
        np.testing.assert_allclose(a["rewards"][0, late], b["rewards"][0, late], atol=1e-3)
        if method == "network":
            for name in ("moments", "desired", "passive"):
                np.testing.assert_allclose(a[name][0, late], b[name][0, late], rtol=1e-3, atol=0.5)
        for buffers in (a, b):
            buffers["observations"][0] = buffers["observations"][1]


@pytest.mark.parametrize("preset", ["walk2d", "walk-myolegs"])
def test_mirrored_reference_looks_like_the_reference(preset):
    """On the reference itself, the mirrored view at phase p is the plain view at p - 1/2, activations included."""
    views = []
    for mirror in (True, False):
        made = simulation(scenario(preset, policy__mirror=mirror), humans=300)
        observations = np.zeros((300, made.core.observation_size), np.float32)
        made.core.reset(0, observations)
        views.append(observations)
    angle = [np.arctan2(view[:, 0], view[:, 1]) / (2 * np.pi) % 1.0 for view in views]
    turned = np.flatnonzero(np.abs(angle[0] - angle[1]) > 0.1)
    assert len(turned) > 100
    assert angle[0].max() < 0.5
    plain = np.flatnonzero(angle[1] < 0.5)
    error = []
    for i in turned:
        nearest = plain[np.argmin(np.abs(angle[1][plain] - angle[0][i]))]
        error.append(np.abs(views[0][i] - views[1][nearest]))
    assert np.mean(error, axis=0).max() < 0.02
