"""Whether a pelvis goes as far as the feet that stand carry it, which it does in one unit and one order of numbers."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.ground import contact_geoms, lowest_of_each
from soleus.models.human import Human

Floats = NDArray[np.float64]

_LOW = 0.05  # [m] above the lowest point of both feet: what may stand
_STEADY = 0.25  # of the share by which feet and pelvis agree
_GOES = 0.8  # of its path that a pelvis gets ahead by: on a treadmill it goes nowhere
_SWINGS = (0.2, 0.8)  # of a pelvis to and fro that no feet carry, along its way and in any, as on a treadmill
_FAR = 2.0  # times as far: walks and runs are within 0.85 and 1.4, the latter with feet that slide
_AGREE = 0.4  # of the frames in which the feet say the same: 0.47 and more in those walks and runs, of skaters few


@dataclass(frozen=True)
class Treading:
    """Feet against the pelvis."""

    share: float
    """How far feet that stand carry the pelvis, over how far it goes"""
    steady: float
    """Share of the frames that agree about it within a quarter"""
    planted: float
    """Share of the frames in which a foot stands still within a quarter of the pelvis' speed"""

    speed: float
    """Of the feet that stand, in any direction, over the pelvis'"""
    ahead: bool
    """Whether the pelvis gets ahead, rather than to and fro"""
    axis: int
    """Of the world, along which it moves most"""

    @property
    def fits(self) -> bool:
        """Whether the pelvis goes as far as its feet carry it, as far as they tell."""
        if not self.ahead:
            return self.share > _SWINGS[0] or self.speed > _SWINGS[1]
        return self.steady < _AGREE or 1 / _FAR < self.share < _FAR


def treading(qpos: Floats, displacement: Floats, human: Human) -> Treading | None:
    """Compare the speed of the low points of the feet, seen from the pelvis, with the pelvis' own, in poses (K, nq)
    of a lap with its displacement (3,) [m]; None where it rests.
    """
    model, data = human.model, mujoco.MjData(human.model)
    geoms = contact_geoms(model, np.concatenate(human.feet))
    arms, heights, root = [], [], []
    for pose in qpos:
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        arms.append(data.geom_xpos[geoms] - data.xpos[human.root_body])
        heights.append(lowest_of_each(model, data, geoms))
        root.append(data.xpos[human.root_body].copy())
    steps = np.diff(np.array(root), axis=0)[:, :2]
    lengths = np.linalg.norm(steps, axis=1)
    going = lengths > 0
    if not going.any():
        return None
    ahead = bool(np.linalg.norm(displacement[:2]) > _GOES * lengths.sum())
    high = np.array(heights)
    low = high < high.min(axis=1, keepdims=True) + _LOW
    stands = low[1:] & low[:-1] & going[:, None]
    seen = stands.any(axis=1)
    if not seen.any():
        return None
    stands, lengths = stands[seen], lengths[seen]
    feet, ways = np.diff(np.array(arms), axis=0)[seen][..., :2], steps[seen] / lengths[:, None]
    backwards = -np.einsum("kgi,ki->kg", feet, ways)
    carried = np.where(stands, backwards, -np.inf).max(axis=1) / lengths
    share = float(np.median(carried))
    still = stands & (np.abs(backwards - lengths[:, None]) < _STEADY * lengths[:, None])
    fast = np.where(stands, np.linalg.norm(feet, axis=2), 0.0).max(axis=1)
    return Treading(
        share=share,
        steady=float(np.mean(np.abs(carried - share) < _STEADY * abs(share))),
        planted=float(still.any(axis=1).mean()),
        speed=float(np.median(fast / lengths)),
        ahead=ahead,
        axis=int(np.abs(steps).sum(axis=0).argmax()),
    )
