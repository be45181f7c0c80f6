"""What a table of poses means by its numbers: which axis is up, and which number of a quaternion is the first."""

from collections.abc import Callable

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.axes import AXES, vector
from soleus.motions.looping import quaternions
from soleus.motions.posing import root_slots
from soleus.motions.rotations import log, multiply, rotated
from soleus.motions.treading import treading

Floats = NDArray[np.float64]

_UPRIGHT = 0.8  # cosine of the angle between the trunk and the vertical
_ALONG = 0.9  # the same, of a trunk that lies: nobody walks bent over so far
_LOW, _TALL = 0.3, (0.6, 1.6)  # of the pelvis over its height in standing
_TURNED, _BENT = 2.6, 1.5  # [rad] of ball joints: beyond all, and what limbs are within
_PLANTED = (0.3, 0.7)  # of the frames in which a foot stands still: of what is read wrong, and right


def check_up(path: object, raw: Floats, human: Human, up: str, scale: float) -> None:
    """Raise UserError where the root's height, or its trunk, is along another axis than the one that was said.

    raw (K, nq): poses as the table has them, in its axes and its unit of length [scale m].
    """
    slots = root_slots(human)
    if slots.quaternion < 0:
        return
    middle = scale * np.median(raw[:, list(slots.shift)], axis=0)
    pose = multiply(raw[:, slots.quaternion : slots.quaternion + 4], human.root_align)
    trunk = rotated(pose, np.array([0.0, 0.0, 1.0])).mean(axis=0)
    standing = human.qpos_rest[slots.shift[2]]
    heights = {axis: float(vector(axis) @ middle) / standing for axis in AXES}
    upright = {axis: float(vector(axis) @ trunk) for axis in AXES}
    others = [axis for axis in AXES if axis[-1] != up[-1]]
    spread = np.ptp(scale * raw[:, list(slots.shift)], axis=0)  # a height changes less than what leads ahead
    tall = min(
        (axis for axis in AXES if axis != up and _TALL[0] < heights[axis] < _TALL[1]),
        key=lambda axis: (upright[axis] < _UPRIGHT, float(np.abs(vector(axis)) @ spread)),
        default=None,
    )
    height = f"got {standing * heights[up]:.3g} m"
    column = f"motion table '{path}' column 'root_t{up[-1]}'"
    if heights[up] <= _LOW and tall:
        along = f"{height} and {standing * heights[tall]:.3g} m along {tall}"
        if upright[tall] > _UPRIGHT:
            raise UserError(
                f"{column}: expected the pelvis about {standing:.2f} m up, {along}: if that is up, say"
                f" motion.up: {tall}"
            )
        if upright[up] > _UPRIGHT:
            raise UserError(
                f"{column}: expected the pelvis about {standing:.2f} m up, as the trunk is by its quaternion, {along}:"
                f" write both in the same axes, which motion.up names, {up} now"
            )
    lying = next((axis for axis in others if upright[axis] > _ALONG), None)
    if lying and _TALL[0] < heights[up] < _TALL[1]:
        raise UserError(
            f"motion table '{path}' columns 'root_qw' to 'root_qz': expected a trunk that rises along {up}, as the"
            f" pelvis does in 'root_t{up[-1]}', got one along {lying}: write both in the same axes, which motion.up"
            f" names, {up} now"
        )


def check_order(path: object, raw: Floats, human: Human, converted: Callable[[Floats], Floats]) -> None:
    """Raise UserError where quaternions make sense alone if their real part, w, was written last.

    raw (K, nq): poses as the table has them; converted: makes poses of them that are in our axes and units.
    """
    addresses, slots, other = quaternions(human.model), root_slots(human), raw.copy()
    for adr in addresses:
        other[:, adr : adr + 4] = np.roll(raw[:, adr : adr + 4], 1, axis=1)
    balls = [adr for adr in addresses if adr != slots.quaternion and _is_ball(human, adr)]
    apart = [np.array([_median_angle(poses, adr) for adr in balls]) for poses in (raw, other)]
    if balls and apart[0].min() > _TURNED and apart[1].max() < _BENT:
        name = human.model.joint(int(np.flatnonzero(human.model.jnt_qposadr == balls[0])[0])).name
        raise _last(path, f"{name}_qw", f"turns of {np.rad2deg(apart[0][0]):.0f} degrees")
    if slots.quaternion < 0:
        return
    ours, theirs = converted(raw), converted(other)
    up = [
        rotated(
            multiply(poses[:, slots.quaternion : slots.quaternion + 4], human.root_align), np.array([0.0, 0.0, 1.0])
        ).mean(axis=0)[2]
        for poses in (ours, theirs)
    ]
    if up[1] <= _UPRIGHT:
        return
    if up[0] < 1 - _UPRIGHT:
        raise _last(path, "root_qw", "a trunk that does not rise")
    displacement = ours[-1, list(slots.shift)] - ours[0, list(slots.shift)]
    feet = [treading(poses, displacement, human) for poses in (ours, theirs)]
    if feet[0] and feet[1] and feet[0].planted < _PLANTED[0] and feet[1].planted > _PLANTED[1]:
        raise _last(path, "root_qw", "a person whose feet go ahead while they stand")


def _last(path: object, column: str, got: str) -> UserError:
    return UserError(
        f"motion table '{path}' column '{column}': expected quaternions whose real part is the column that ends in _qw,"
        f" got {got}, and none if the four are taken as x, y, z, w: write w into _qw"
    )


def _is_ball(human: Human, adr: int) -> bool:
    joint = int(np.flatnonzero(human.model.jnt_qposadr == adr)[0]) if adr in human.model.jnt_qposadr else -1
    own = joint >= 0 and bool(np.isin(human.model.jnt_bodyid[joint], human.own_bodies))
    return own and bool(human.model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_BALL)


def _median_angle(poses: Floats, adr: int) -> float:
    return float(np.median(np.linalg.norm(log(poses[:, adr : adr + 4]), axis=1)))
