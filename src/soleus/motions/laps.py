"""From one lap of a motion to the next: a turn about the vertical and a shift."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.motions.posing import RootSlots
from soleus.motions.rotations import about_z, multiply

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lap:
    """A rigid move in the world: a turn about the vertical through `start`, then a shift."""

    start: Floats
    """(3,) [m] where the root is as a lap begins"""
    displacement: Floats
    """(3,) [m]"""
    turn: float
    """[rad], to the left"""

    def points(self, points: Floats, laps: int) -> Floats:
        """Points (..., 3) [m] as many laps later; laps may be negative."""
        for _ in range(laps):
            points = points + self.displacement + self._turned(points - self.start, self.turn)
        for _ in range(-laps):
            points = points - self.displacement
            points = points + self._turned(points - self.start, -self.turn)
        return points

    def poses(self, qpos: Floats, laps: int, slots: RootSlots) -> Floats:
        """Copy of poses (..., nq) as many laps later."""
        qpos = qpos.copy()
        places = np.stack([qpos[..., adr] if adr >= 0 else np.zeros(qpos.shape[:-1]) for adr in slots.shift], axis=-1)
        moved = self.points(places, laps)
        for axis, adr in enumerate(slots.shift):
            if adr >= 0:
                qpos[..., adr] = moved[..., axis]
        if self.turn and slots.quaternion >= 0:
            at = slice(slots.quaternion, slots.quaternion + 4)
            qpos[..., at] = multiply(about_z(laps * self.turn), qpos[..., at])
        return qpos

    def _turned(self, arms: Floats, angle: float) -> Floats:
        """What a turn adds to points (..., 3) at these arms from its axis: nothing at all where it is 0."""
        c, s = np.cos(angle) - 1, np.sin(angle)
        x, y = arms[..., 0], arms[..., 1]
        return np.stack([c * x - s * y, s * x + c * y, np.zeros_like(x)], axis=-1)
