"""Where muscles run in space, whatever kind they are: what pictures draw."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.models.polylines import Polylines


def muscle_paths(human: Human, data: mujoco.MjData) -> list[NDArray[np.float64]]:
    """Points (k, 3) [m] along each muscle, in the world, in the order of human.muscle_names.

    data: a simulation of the human's model, or of its render_model, whose kinematics (and for tendons, paths) are done.
    Of a muscle that acts on a joint directly, or whose length is a polynomial, there is no path: (0, 3).
    """
    if human.hill:
        return [np.zeros((0, 3)) for _ in human.muscle_names]
    if human.polylines:
        return np.split(_waypoints(human.polylines, data), human.polylines.adr[1:-1])
    return [_tendon(human.model, data, int(actuator)) for actuator in human.muscle_actuator]


def max_forces(human: Human) -> NDArray[np.float64]:
    """Greatest isometric force of each muscle (nm,) [N]; negative of one that MuJoCo scales by what it accelerates."""
    if human.hill:
        return np.asarray(human.hill.data()["max_force"], np.float64)
    if human.polylines:
        return np.asarray(human.polylines.max_force, np.float64)
    return np.array(human.model.actuator_gainprm[human.muscle_actuator, 2])


def _waypoints(polylines: Polylines, data: mujoco.MjData) -> NDArray[np.float64]:
    body = np.maximum(polylines.body, 0)
    places = np.einsum("wbij,wbj->wbi", data.xmat.reshape(-1, 3, 3)[body], polylines.local) + data.xpos[body]
    weight = np.where(polylines.body[:, 1:] < 0, [[1.0, 0.0]], polylines.weight)
    points: NDArray[np.float64] = np.einsum("wb,wbi->wi", weight, places)
    return points


def _tendon(model: mujoco.MjModel, data: mujoco.MjData, actuator: int) -> NDArray[np.float64]:
    if model.actuator_trntype[actuator] != mujoco.mjtTrn.mjTRN_TENDON:
        return np.zeros((0, 3))
    tendon = model.actuator_trnid[actuator, 0]
    start = data.ten_wrapadr[tendon]
    return np.array(data.wrap_xpos.reshape(-1, 3)[start : start + data.ten_wrapnum[tendon]])
