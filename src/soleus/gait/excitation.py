"""What electrodes see of muscles: their excitation, which their activation follows.

Activation follows excitation by a differential equation of first order, da/dt = (u - a) / t, where t = t_act (0.5 + 1.5
a) while it rises and t_deact / (0.5 + 1.5 a) while it falls (Thelen 2003, J. Biomech. Eng. 125:70; Millard et al. 2013,
135:021005). Force comes 30 to 100 ms after the signal of the electrodes (Cavanagh and Komi 1979, Eur. J. Appl. Physiol.
42:159): a muscle that is compared by its activation seems to act too late, by up to a tenth of the gait cycle.
"""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.motions.smoothing import low_pass
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]

ENVELOPE_HZ = 6.0
"""Cutoff of the filter that makes an envelope of electromyography (Winter 2009, chapter 10: 3 to 10 Hz)."""
_ATTAINABLE = 0.02  # that an excitation is found beyond 0 or 1: the time constants are not those that were stepped with


def envelopes(trace: Trace) -> Floats:
    """Return the excitations (T, nm) of the muscles [0, 1], filtered as electromyography is.

    Of muscles that take no time to activate, or did not in this trace, excitation and activation are one.
    """
    excited = excitations(trace)
    return np.clip(low_pass(excited, 1 / trace.dt, ENVELOPE_HZ), 0.0, 1.0)


def excitations(trace: Trace) -> Floats:
    """Return the excitations (T, nm) [0, 1] that lead from each activation of a trace to its next."""
    now = trace.activation[:-1]
    if not len(now):
        return trace.activation
    rise, fall = time_constants(trace.human)
    rate = np.diff(trace.activation, axis=0) / trace.dt
    shape = 0.5 + 1.5 * now
    found = now + rate * np.where(rate > 0, rise * shape, fall / shape)
    followed = np.abs(found - np.clip(found, 0.0, 1.0)).max(axis=0) < _ATTAINABLE
    found = np.where(followed, np.clip(found, 0.0, 1.0), now)
    return np.concatenate([found, found[-1:]])


def time_constants(human: Human) -> tuple[Floats, Floats]:
    """Return t_act and t_deact (nm,) [s] of a human's muscles; 0 of those that take no time."""
    count = len(human.muscle_names)
    if human.hill is not None:
        data = human.hill.data()
        return np.asarray(data["activation"], np.float64), np.asarray(data["deactivation"], np.float64)
    found = np.zeros((2, count))
    if len(human.muscle_actuator):
        model = human.model
        follows = model.actuator_dyntype[human.muscle_actuator] == mujoco.mjtDyn.mjDYN_MUSCLE
        found[:] = np.where(follows, model.actuator_dynprm[human.muscle_actuator, :2].T, 0.0)
    return found[0], found[1]
