"""Where a human is looked at from."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.render import Shot

_AZIMUTH = {"side": 90.0, "front": 180.0, "follow": 130.0}  # [degree] the way the camera looks, from x to the left
_ELEVATION = {"side": -6.0, "front": -6.0, "follow": -14.0}
_FILL = 0.84  # share of the picture's height that the human takes
_SHOWN = 3  # groups of geoms from here on are not drawn
_STEP = 0.5  # of its height a person is wide in mid-step, seen from the side


class Camera:
    """Looks at a human all the time, level, from the same side of the world."""

    def __init__(self, human: Human, model: mujoco.MjModel, shot: Shot, aspect: float = 1.0) -> None:
        """aspect: width of the picture over its height."""
        self.height = _height(human, model)
        self._root = human.root_body
        self.mjv = mujoco.MjvCamera()
        mujoco.mjv_defaultCamera(self.mjv)
        self.mjv.type = mujoco.mjtCamera.mjCAMERA_FREE
        self.mjv.azimuth, self.mjv.elevation = _AZIMUTH[shot], _ELEVATION[shot]
        half = np.tan(np.deg2rad(model.vis.global_.fovy) / 2)
        self.mjv.distance = max(self.height, _STEP * self.height / aspect) / (2 * _FILL * half)
        self.mjv.lookat[:] = [0.0, 0.0, human.ground_height + self.height / 2]

    def look(self, place: NDArray[np.float64]) -> None:
        """Look at a human whose root is there (3,) [m]."""
        self.mjv.lookat[:2] = place[:2]

    def follow(self, data: mujoco.MjData) -> None:
        """Look at the human of a simulation."""
        self.look(data.xpos[self._root])


def _height(human: Human, model: mujoco.MjModel) -> float:
    """How high [m] above the ground what is seen of the standing person goes: a trunk without a head, too."""
    data = mujoco.MjData(model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(model, data)
    own = np.isin(model.geom_bodyid, human.own_bodies) & (model.geom_group < _SHOWN) & (model.geom_rgba[:, 3] > 0)
    turns = data.geom_xmat.reshape(-1, 3, 3)
    middle = data.geom_xpos[:, 2] + np.einsum("gj,gj->g", turns[:, 2], model.geom_aabb[:, :3])
    tops = middle + np.einsum("gj,gj->g", np.abs(turns[:, 2]), model.geom_aabb[:, 3:])
    return float(max(tops[own], default=human.head_height) - human.ground_height)
