"""When feet strike the ground, from poses alone."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.ground import foot_heights
from soleus.models.human import Human
from soleus.motions.motion import Motion
from soleus.motions.rotations import rotated

Floats = NDArray[np.float64]

_DOWN = 0.005  # [m] above the lowest that a foot gets
_REACH = 0.15  # of the cycle, from where a foot is foremost to where it is down


def strike_phases(motion: Motion, human: Human) -> tuple[float, float]:
    """Return the phases in [0, 1) at which the right and the left foot of a cyclic motion strike.

    A foot strikes when it comes down after it was foremost, seen from the pelvis; where it does not soon, as in a
    recording that floats, then when it is foremost (Zeni et al. 2008, Gait & Posture 27:710).
    """
    ahead, height = ahead_of_pelvis(motion.qpos, human), foot_heights(human, motion.qpos)
    frames = len(ahead)
    found = []
    for side in (0, 1):
        foremost = int(ahead[:, side].argmax())
        after = (foremost + np.arange(round(_REACH * frames))) % frames
        down = np.flatnonzero(height[after, side] < height[:, side].min() + _DOWN)
        found.append(float(after[down[0]] if len(down) else foremost) / frames)
    return found[0], found[1]


def recorded_strikes(qpos: Floats, human: Human, near: int) -> tuple[list[int], list[int]]:
    """Return the poses of a recording (K, nq) in which the right and the left foot strike: come down after they were
    foremost. near: poses around a strike in which the foot is nowhere farther ahead."""
    ahead, height = ahead_of_pelvis(qpos, human), foot_heights(human, qpos)
    found = []
    for side in (0, 1):
        foremost = strikes_of(ahead[:, side], near)
        cycle = float(np.median(np.diff(foremost))) if len(foremost) > 1 else 0.0
        reach = max(1, round(_REACH * cycle))
        # Of a measured person the lowest is a foot's toes, at push-off: what counts is how low it gets after it came.
        heights = [height[k : k + reach, side] for k in foremost]
        found.append([k + int(np.argmax(own < own.min() + _DOWN)) for k, own in zip(foremost, heights, strict=True)])
    return found[0], found[1]


def strikes_of(ahead: Floats, near: int) -> list[int]:
    """Return the poses in which a foot is farther ahead of the pelvis than in `near` ones around. ahead: (K,) [m]"""
    return [
        k
        for k in range(1, len(ahead) - 1)
        if ahead[k] == ahead[max(0, k - near) : k + near + 1].max() and ahead[k] > ahead.mean()
    ]


def ahead_of_pelvis(qpos: Floats, human: Human) -> Floats:
    """Return how far (K, 2) [m] the right and the left foot are ahead of the pelvis in poses (K, nq), the way that it
    faces."""
    model, data = human.model, mujoco.MjData(human.model)
    ahead = np.zeros((len(qpos), 2))
    forward = np.array([1.0, 0.0, 0.0])
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        way = rotated(np.array(data.xquat[human.root_body]), rotated(human.root_align, forward))[:2]
        for side in (0, 1):
            arm = data.xpos[human.feet[side][0]] - data.xpos[human.root_body]
            ahead[k, side] = arm[:2] @ way / max(float(np.linalg.norm(way)), 1e-9)
    return ahead
