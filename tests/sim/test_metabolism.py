"""What muscles cost equals the formulas of Bhargava, Pandy and Anderson (2004), written again here."""

import mujoco
import numpy as np
import pytest

import hill_law
import hill_walker
from small_run import small_run
from soleus.config import load_human_config
from soleus.models.fibres import slow_share
from soleus.paths.everywhere import lengths_and_gradients
from soleus.paths.poses import qpos_address
from soleus.run.trained import load_trained
from soleus.sim.scenario import load_scenario
from soleus.sim.trace import STATE, Playback


def bhargava(mass, slow, activation, fibre, shortening, force, isometric):
    """Power of muscles [W], summed."""
    few, many = slow * np.sin(np.pi / 2 * activation), (1 - slow) * (1 - np.cos(np.pi / 2 * activation))
    activated = mass * (40 * few + 133 * many)
    maintained = mass * np.interp(fibre, [0.5, 1.0, 1.5], [0.5, 1.0, 0.0]) * (74 * few + 111 * many)
    heat = np.where(shortening >= 0, 0.16 * isometric + 0.18 * force, 0.157 * force)
    return np.maximum(activated + maintained + heat * shortening + force * shortening, 0).sum()


def test_by_hand():
    """A muscle of 1 kg, half slow, at full activation and its optimal length, at rest: (40 + 133 + 74 + 111) / 2 W."""
    assert bhargava(1.0, 0.5, 1.0, 1.0, 0.0, 1000.0, 1000.0) == pytest.approx(179.0)
    # Shortening at 0.1 m/s with 500 N of 1,000 N: 50 W of work, 16 + 9 W of heat.
    assert bhargava(1.0, 0.5, 1.0, 1.0, 0.1, 500.0, 1000.0) == pytest.approx(179.0 + 50 + 25)
    # Stretched at 0.1 m/s with 1,200 N, it takes up 120 + 18.84 W.
    assert bhargava(1.0, 0.5, 1.0, 1.0, -0.1, 1200.0, 1000.0) == pytest.approx(179.0 - 138.84)


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
def test_it_is_the_power_of_the_muscles_as_mujoco_has_them(engine):
    playback = Playback(
        load_scenario(load_human_config("test-walk2d-small", {"control.engine": engine})),
        load_trained(small_run()).policy,
        None,
        seed=5,
    )
    human, model = playback.human, playback.simulation.stepped_model()
    a = human.muscle_actuator
    gains, ranges = model.actuator_gainprm[a], model.actuator_lengthrange[a]
    optimal = (ranges[:, 1] - ranges[:, 0]) / (gains[:, 1] - gains[:, 0])
    size = gains[:, 2] * optimal
    mass = 0.2 * human.mass * size / size.sum()
    slow = np.array([slow_share(name) for name in human.muscle_names])
    data, count = mujoco.MjData(model), len(a)
    for _ in range(5):
        row = playback.step().trace[3, 0]
        mujoco.mj_setState(model, data, np.ascontiguousarray(row[: playback.size]), STATE)
        mujoco.mj_forward(model, data)
        length, speed = data.actuator_length[a], data.actuator_velocity[a]
        activation = row[playback.size :][:count]

        def force_at(speeds, length=length, activation=activation):
            each = [
                -mujoco.mju_muscleGain(length[k], speeds[k], ranges[k], model.actuator_acc0[a[k]], gains[k, :9])
                for k in range(count)
            ]
            return activation * np.array(each)

        fibre = gains[:, 0] + (length - ranges[:, 0]) / optimal
        expected = bhargava(mass, slow, activation, fibre, -speed, force_at(speed), force_at(0 * speed))
        assert row[playback.size + 2 * count] == pytest.approx(expected, rel=1e-9)
        assert expected > 50


@pytest.mark.parametrize("engine", ["lanes", "mujoco"])
def test_of_muscles_that_mujoco_does_not_know(engine, tmp_path):
    """Hill-type muscles have their force at rest and the length of their fibres from the law of tests/support."""
    overrides = {"control.engine": engine, "policy.mirror": False} | hill_walker.write(tmp_path)
    config = load_human_config("test-walk2d-small", overrides)
    playback = Playback(load_scenario(config), load_trained(small_run()).policy, None, seed=5)
    human, found = playback.human, hill_walker.table().parameters
    size = found.max_isometric_force * found.optimal_fiber_length
    mass, count = 0.2 * human.mass * size / size.sum(), len(human.muscle_names)
    slow = np.array([slow_share(name) for name in human.muscle_names])
    data = mujoco.MjData(human.model)
    height = found.optimal_fiber_length * np.sin(found.pennation_angle_at_optimal)
    for _ in range(5):
        row = playback.step().trace[3, 0]
        mujoco.mj_setState(human.model, data, np.ascontiguousarray(row[: playback.size]), STATE)
        lengths, gradients = lengths_and_gradients(human.hill, data.qpos[qpos_address(human)][None])
        speed = gradients[0] @ data.qvel[human.coordinate_dof]
        active, _ = hill_law.forces(found, lengths[0], speed)
        isometric, _ = hill_law.forces(found, lengths[0], 0 * speed)
        fibre = np.hypot(lengths[0] - found.tendon_slack_length, height) / found.optimal_fiber_length
        a = row[playback.size :][:count]
        expected = bhargava(mass, slow, a, fibre, -speed, a * active, a * isometric)
        assert row[playback.size + 2 * count] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("soleus_r", 0.85),
        ("R_Soleus1", 0.85),
        ("tib_ant_l", 0.75),
        ("tibant_r", 0.75),
        ("L_Tibialis_Anterior", 0.75),
        ("bflh_r", 0.65),
        ("R_Bicep_Femoris_Longus", 0.65),
        ("recfem_l", 0.35),
        ("R_Rectus_Femoris1", 0.35),
        ("rect_fem_r", 0.35),
        ("vaslat_r", 0.45),
        ("addmagDist_r", 0.6),
        ("gasmed_r", 0.5),
        ("R_Rectus_Abdominis1", 0.5),
    ],
)
def test_names_of_muscles_tell_their_fibres(name, share):
    assert slow_share(name) == share
