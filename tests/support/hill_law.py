"""The law of Hill-type muscles with rigid tendons in plain NumPy, from the formulas of De Groote et al. (2016)."""

import numpy as np
from numpy.typing import NDArray

from soleus.models.hill_table import HillParameters

Floats = NDArray[np.float64]


def active_length_curve(length: Floats) -> Floats:
    """Of fibre lengths over the optimal one."""
    b1 = (0.8150671134243542, 0.433004984392647, 0.1)
    b2 = (1.055033428970575, 0.716775413397760, 1.0)
    b3 = (0.162384573599574, -0.029947116970696, 0.353553390593274)
    b4 = (0.063303448465465, 0.200356847296188, 0.0)
    bells = zip(b1, b2, b3, b4, strict=True)
    return np.sum([a * np.exp(-0.5 * ((length - b) / (c + d * length)) ** 2) for a, b, c, d in bells], axis=0)


def passive_curve(length: Floats) -> Floats:
    """Of fibre lengths over the optimal one."""
    least = np.exp(4 * (0.2 - 1) / 0.6)
    return np.maximum((np.exp(4 * (length - 1) / 0.6) - least) / (np.exp(4) - least), 0)


def velocity_curve(velocity: Floats) -> Floats:
    """Of fibre velocities over the greatest one, lengthening positive."""
    d = (-0.3211346127989808, -8.149, -0.374, 0.8825327733249912)
    return np.maximum(d[0] * np.arcsinh(d[1] * np.maximum(velocity, -1) + d[2]) + d[3], 0)


def forces(parameters: HillParameters, length: Floats, speed: Floats) -> tuple[Floats, Floats]:
    """Return forces (..., nm) [N] along the tendon at full activation and passive, of paths' lengths [m] and speeds."""
    optimal = parameters.optimal_fiber_length
    along = np.maximum(length - parameters.tendon_slack_length, 1e-4)
    fibre = np.hypot(along, optimal * np.sin(parameters.pennation_angle_at_optimal))
    cosine = along / fibre
    velocity = speed * cosine / (parameters.max_contraction_velocity * optimal)
    most = parameters.max_isometric_force * cosine
    active = most * active_length_curve(fibre / optimal) * velocity_curve(velocity)
    return active, most * passive_curve(fibre / optimal)
