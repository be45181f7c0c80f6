"""The excitation behind an activation: exact for the dynamics of the muscles, and earlier."""

import copy
from dataclasses import replace

import mujoco
import numpy as np

from soleus.gait.excitation import envelopes, excitations, time_constants
from soleus.models import Human
from soleus.sim.trace import Trace
from walker import walked

HZ = 480


def activated(human: Human, excitation: np.ndarray) -> Trace:
    """A trace whose activations follow excitations (T, nm) as MuJoCo's muscles do, by explicit steps."""
    model, act = human.model, np.zeros_like(excitation)
    for t, row in enumerate(excitation[:-1]):
        for m, actuator in enumerate(human.muscle_actuator):
            rate = mujoco.mju_muscleDynamics(row[m], act[t, m], model.actuator_dynprm[actuator, :3])
            act[t + 1, m] = act[t, m] + rate / HZ
    trace = walked(human, strides=3).trace
    empty = np.zeros((len(act), 0))
    return replace(trace, dt=1 / HZ, activation=act, qpos=empty, qvel=empty)


def bursts(count: int) -> np.ndarray:
    """(480, count) excitations of a second, each muscle's with its own burst."""
    t = np.arange(HZ)[:, None] / HZ
    return 0.8 * np.clip(np.sin(2 * np.pi * (t + np.arange(count) / count)), 0, 1)


def test_excitations_are_those_that_were_given(myolegs: Human):
    given = bursts(len(myolegs.muscle_names))
    found = excitations(activated(myolegs, given))
    np.testing.assert_allclose(found[:-1], given[:-1], atol=1e-9)


def test_they_lead_the_activations(myolegs: Human):
    """Time constants of 10 and 40 ms: the middle of a burst of half a second comes a little later."""
    trace = activated(myolegs, bursts(len(myolegs.muscle_names)))
    rise, fall = time_constants(myolegs)
    assert set(rise) == {0.01}
    assert set(fall) == {0.04}
    t = np.arange(HZ) / HZ
    before, after = (np.sum(x[:, 40] * t) / np.sum(x[:, 40]) for x in (envelopes(trace), trace.activation))
    assert 0.01 < after - before < 0.06


def test_muscles_that_act_at_once_are_taken_as_they_are(myolegs: Human):
    """Activations that jump, as with control.activation_dynamics false, come of no excitation from 0 to 1."""
    jumps = np.where(bursts(len(myolegs.muscle_names)) > 0.4, 0.9, 0.0)
    trace = replace(activated(myolegs, np.zeros_like(jumps)), activation=jumps)
    np.testing.assert_array_equal(excitations(trace)[:-1], jumps[:-1])


def test_muscles_without_dynamics_are_taken_as_they_are(walk2d: Human):
    model = copy.copy(walk2d.model)
    model.actuator_dyntype[walk2d.muscle_actuator] = mujoco.mjtDyn.mjDYN_NONE
    trace = replace(walked(walk2d, strides=3).trace, human=replace(walk2d, model=model))
    assert not np.any(time_constants(trace.human))
    np.testing.assert_array_equal(excitations(trace), np.vstack([trace.activation[:-1], trace.activation[-2]]))
