"""Whether poses are a person's: angles near the joints' limits, a pelvis at a height and a speed that people have."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.motion import Motion

Floats = NDArray[np.float64]

_BEYOND = 1.0  # [rad] past a joint's limits: no rounding and no loose joint, another unit
_FREE = np.pi  # [rad] of a hinge without limits
_RADIANS = 3.2  # what all angles in radians stay within
_MOVES = 0.1
_MOST = 0.4  # of the hinges: others may be locked or hardly move
_SPEED = 15.0  # [m/s]
_HEIGHT = (0.03, 2.5)  # of the pelvis over its height in standing
_UNITS = {"centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254, "metres": 1.0}


def check_angles(path: object, columns: list[str], qpos: Floats, human: Human, unit: str) -> None:
    """Raise UserError where hinges are far outside their limits, or move so little that they were no degrees.

    columns (nq,): names of the entries of poses qpos (K, nq) [rad], which the file gave in the unit.
    """
    model = human.model
    hinges = [j for j in range(model.njnt) if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE and _own(human, j)]
    if not hinges:
        return
    at = model.jnt_qposadr[hinges]
    limited = model.jnt_limited[hinges].astype(bool)
    low = np.where(limited, model.jnt_range[hinges, 0], -_FREE)
    high = np.where(limited, model.jnt_range[hinges, 1], _FREE)
    turns = 2 * np.pi * np.round(qpos[:, at].mean(0) / (2 * np.pi)) * ~limited  # whole turns are no mistake
    least, most = qpos[:, at].min(0) - turns, qpos[:, at].max(0) - turns
    given = 1.0 if unit == "radian" else 180 / np.pi
    beyond = np.maximum(low - least, most - high)
    worst = int(beyond.argmax())
    if beyond[worst] > _BEYOND:
        other = "degree" if unit == "radian" else "radian"
        factor = np.pi / 180 if unit == "radian" else 180 / np.pi
        fits = (np.maximum(low - factor * least, factor * most - high) < _BEYOND).all()
        # One column in degrees among others in radians is no table in degrees.
        fits = fits and (
            unit == "degree" or np.mean(np.ptp(qpos[:, at], axis=0) > np.minimum(high - low, 2.0)) >= _MOST
        )
        hint = f": if they are in {other}s, say motion.unit: {other}" if fits else ""
        raise UserError(
            f"motion table '{path}' column '{columns[at[worst]]}': expected angles from {given * low[worst]:.4g} to"
            f" {given * high[worst]:.4g} {unit}s, the joint's limits, got {given * least[worst]:.4g} to"
            f" {given * most[worst]:.4g}{hint}"
        )
    raw = given * qpos[:, at]
    if unit == "degree" and np.abs(raw).max() < _RADIANS and np.ptp(raw, axis=0).max() > _MOVES:
        widest = int(np.ptp(raw, axis=0).argmax())
        raise UserError(
            f"motion table '{path}' column '{columns[at[widest]]}': expected angles in degrees, got all columns within"
            f" {np.abs(raw).max():.3g}: if they are in radians, say motion.unit: radian"
        )


def check_place(what: str, motion: Motion, human: Human, scale: float | None) -> None:
    """Raise UserError where the pelvis is too high, too low or too fast. scale: metres in the file's unit, if any."""
    heights = _root_heights(human, motion.qpos)
    share = float(np.median(heights)) / human.root_height
    if not _HEIGHT[0] <= share <= _HEIGHT[1]:
        raise UserError(
            f"{what}: expected the pelvis about {human.root_height:.2f} m above the ground, got it at"
            f" {np.median(heights):.4g} m{_hint(scale, share)}"
        )
    if motion.speed > _SPEED:
        raise UserError(
            f"{what}: expected a speed up to {_SPEED:g} m/s, got {motion.displacement[0]:.4g} and"
            f" {motion.displacement[1]:.4g} m along x and y in {motion.duration:.4g} s{_hint(scale, None)}"
        )


def _hint(scale: float | None, share: float | None) -> str:
    if scale is None:
        return ""
    fits = [] if share is None else [u for u, metres in _UNITS.items() if 0.3 < share * metres / scale < 1.5]
    if fits:
        return f": if it is in {fits[0]}, say motion.scale: {_UNITS[fits[0]]:g}"
    return f": motion.scale says how many metres the unit of the file has, {scale:g} now"


def _own(human: Human, joint: int) -> bool:
    return bool(np.isin(human.model.jnt_bodyid[joint], human.own_bodies))


def _root_heights(human: Human, qpos: Floats) -> Floats:
    """(K,) [m] above the ground."""
    data = mujoco.MjData(human.model)
    heights = np.zeros(len(qpos))
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(human.model, data)
        heights[k] = data.xpos[human.root_body, 2] - human.ground_height
    return heights
