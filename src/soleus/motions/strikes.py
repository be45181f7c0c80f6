"""When the feet of a reference motion strike the ground, from its poses alone."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.ground import contact_geoms, lowest
from soleus.models.human import Human
from soleus.motions.anatomy import foot_body
from soleus.motions.motion import Motion

Floats = NDArray[np.float64]

_DOWN = 0.005  # [m] above the lowest that a foot gets
_REACH = 0.15  # of the cycle, from where a foot is foremost to where it is down


def strike_phases(motion: Motion, human: Human) -> tuple[float, float]:
    """Return the phases in [0, 1) at which the right and the left foot of a cyclic motion strike.

    A foot strikes when it comes down after it was foremost, seen from the pelvis; where it does not soon, as in a
    recording that floats, then when it is foremost (Zeni et al. 2008, Gait & Posture 27:710).
    """
    ahead, height = _feet(motion, human)
    frames = len(ahead)
    found = []
    for side in (0, 1):
        foremost = int(ahead[:, side].argmax())
        after = (foremost + np.arange(round(_REACH * frames))) % frames
        down = np.flatnonzero(height[after, side] < height[:, side].min() + _DOWN)
        found.append(float(after[down[0]] if len(down) else foremost) / frames)
    return found[0], found[1]


def _feet(motion: Motion, human: Human) -> tuple[Floats, Floats]:
    """How far each foot is ahead of the pelvis, and how high its lowest point is, (K, 2) each [m]."""
    model, data = human.model, mujoco.MjData(human.model)
    align = np.zeros(9)
    mujoco.mju_quat2Mat(align, human.root_align)
    geoms = [contact_geoms(model, foot) for foot in human.feet]
    ahead, height = np.zeros((len(motion.qpos), 2)), np.zeros((len(motion.qpos), 2))
    for k, pose in enumerate(motion.qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        forward = data.xmat[human.root_body].reshape(3, 3) @ align.reshape(3, 3)[:, 0]
        forward[2] = 0.0
        for side in (0, 1):
            arm = data.xpos[foot_body(human, side)] - data.xpos[human.root_body]
            ahead[k, side] = arm @ forward / np.linalg.norm(forward)
            height[k, side] = lowest(model, data, geoms[side])
    return ahead, height
