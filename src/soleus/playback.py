"""A policy at work, seen from outside: what humans did at every simulation step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.models import Human

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """One episode of one human, without a break, at T simulation steps; row i is the state at i * dt."""

    human: Human
    dt: float
    """[s] a simulation step"""
    qpos: Floats
    """(T, nq)"""
    qvel: Floats
    """(T, nv)"""
    activation: Floats
    """(T, nm) of the muscles, in the order of human.muscle_names"""
    ground_force: Floats
    """(T, 2, 3) of the ground on the right and on the left foot, world axes [N]"""
    metabolic_w_kg: float
    """Mean metabolic power over body mass [W/kg]; 0 without muscles"""

    @property
    def times(self) -> Floats:
        """(T,) [s]"""
        return self.dt * np.arange(len(self.qpos))
