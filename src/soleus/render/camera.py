"""Where a human is looked at from."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.render import Shot

_AZIMUTH = {"side": 90.0, "front": 180.0, "follow": 130.0}  # [degree] the way the camera looks, from x to the left
_ELEVATION = {"side": -6.0, "front": -6.0, "follow": -14.0}
_FILL = 0.72  # share of the picture's height that the human takes
_LEVEL = 0.52  # of its height the camera looks at


class Camera:
    """Looks at a human all the time, level, from the same side of the world."""

    def __init__(self, human: Human, model: mujoco.MjModel, shot: Shot) -> None:
        self.height = 1.08 * human.head_height + 0.1
        self._root = human.root_body
        self.mjv = mujoco.MjvCamera()
        mujoco.mjv_defaultCamera(self.mjv)
        self.mjv.type = mujoco.mjtCamera.mjCAMERA_FREE
        self.mjv.azimuth, self.mjv.elevation = _AZIMUTH[shot], _ELEVATION[shot]
        half = np.tan(np.deg2rad(model.vis.global_.fovy) / 2)
        self.mjv.distance = self.height / (2 * _FILL * half)
        self.mjv.lookat[:] = [0.0, 0.0, _LEVEL * self.height]

    def look(self, place: NDArray[np.float64]) -> None:
        """Look at a human whose root is there (3,) [m]."""
        self.mjv.lookat[:2] = place[:2]

    def follow(self, data: mujoco.MjData) -> None:
        """Look at the human of a simulation."""
        self.look(data.xpos[self._root])
