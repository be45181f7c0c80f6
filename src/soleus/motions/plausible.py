"""Whether poses are a person's: angles near the joints' limits, a pelvis at a height and a speed that people have, feet
that come to the ground and carry it.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.floor import ground_below
from soleus.models.ground import contact_geoms, lowest
from soleus.models.human import Human
from soleus.motions.motion import Motion
from soleus.motions.posing import root_slots
from soleus.motions.treading import treading
from soleus.motions.units import fitting, said

Floats = NDArray[np.float64]

_BEYOND = 1.0  # [rad] past a joint's limits: no rounding and no loose joint, another unit
_FREE = np.pi  # [rad] of a hinge without limits
_RADIANS = 3.2  # what all angles in radians stay within
_MOVES = 0.1
_MOST = 0.4  # of the hinges: others may be locked or hardly move
_SPEED = 15.0  # [m/s]
_HEIGHT = (0.03, 2.5)  # of the pelvis over its height in standing
_NEAR = 1.5  # times as large or small as in a unit: units are 2.5 times apart, people less
# Of the lowest point in the lowest quarter of a lap, over the pelvis' height: soft soles are within.
_GROUNDED = (-0.08, 0.12)
_FRAMES = 32  # of a lap that are compared with the ground


@dataclass(frozen=True)
class Given:
    """What a file says of where the pelvis is."""

    what: str
    """The file, in words"""
    key: str
    """That says the unit of those lengths"""
    scale: float
    """[m] of that unit"""
    columns: tuple[str, str, str] | None = None
    """Of a table: along x, y and z of the world, "" where there is none"""

    def column(self, axis: int) -> str:
        """Return the file and the column along an axis."""
        return f"{self.what} column '{self.columns[axis]}'" if self.columns and self.columns[axis] else self.what


def check_angles(
    path: object, columns: list[str], qpos: Floats, human: Human, unit: str, said: str = "motion.unit"
) -> None:
    """Raise UserError where hinges are far outside their limits, or move so little that they were no degrees.

    columns (nq,): names of the entries of poses qpos (K, nq) [rad], which the file gave in the unit. said: what says
    the unit, a key or a line of the file.
    """
    model = human.model
    hinges = [j for j in range(model.njnt) if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE and _own(human, j)]
    if not hinges:
        return
    at = model.jnt_qposadr[hinges]
    ranges = np.where(model.jnt_limited[hinges].astype(bool)[:, None], model.jnt_range[hinges], np.nan)
    check_spans(f"motion table '{path}'", [columns[adr] for adr in at], qpos[:, at], ranges, unit, said)


def check_spans(what: str, columns: list[str], angles: Floats, ranges: Floats, unit: str, said: str) -> None:
    """Raise UserError where angles (K, n) [rad] are far outside their ranges (n, 2), NaN of those without limits, or
    move so little that they were no degrees; else as check_angles. what: the file, in words.
    """
    limited = np.isfinite(ranges).all(axis=1)
    low, high = np.where(limited, ranges[:, 0], -_FREE), np.where(limited, ranges[:, 1], _FREE)
    turns = 2 * np.pi * np.round(angles.mean(0) / (2 * np.pi)) * ~limited  # whole turns are no mistake
    least, most = angles.min(0) - turns, angles.max(0) - turns
    given = 1.0 if unit == "radian" else 180 / np.pi
    beyond = np.maximum(low - least, most - high)
    worst = int(beyond.argmax())
    if beyond[worst] > _BEYOND:
        other = "degree" if unit == "radian" else "radian"
        factor = np.pi / 180 if unit == "radian" else 180 / np.pi
        fits = (np.maximum(low - factor * least, factor * most - high) < _BEYOND).all()
        # One column in degrees among others in radians is no table in degrees.
        fits = fits and (unit == "degree" or np.mean(np.ptp(angles, axis=0) > np.minimum(high - low, 2.0)) >= _MOST)
        hint = f": if they are in {other}s, {_say(said, other)}" if fits else ""
        if not fits and low[worst] - _BEYOND < factor * least[worst] and factor * most[worst] < high[worst] + _BEYOND:
            hint = f": if this column is in {other}s, write it in {unit}s, as the others are"
        raise UserError(
            f"{what} column '{columns[worst]}': expected angles from {given * low[worst]:.4g} to"
            f" {given * high[worst]:.4g} {unit}s, the joint's limits, got {given * least[worst]:.4g} to"
            f" {given * most[worst]:.4g}{hint}"
        )
    raw = given * angles
    if unit == "degree" and np.abs(raw).max() < _RADIANS and np.ptp(raw, axis=0).max() > _MOVES:
        widest = int(np.ptp(raw, axis=0).argmax())
        raise UserError(
            f"{what} column '{columns[widest]}': expected angles in degrees, got all columns within"
            f" {np.abs(raw).max():.3g}: if they are in radians, {_say(said, 'radian')}"
        )


def _say(what: str, unit: str) -> str:
    return f"say {what}: {unit}" if what == "motion.unit" else f"correct {what}"


def check_place(given: Given, motion: Motion, human: Human) -> None:
    """Raise UserError where the pelvis is too high or too low, or the feet do not come to the ground."""
    places = _root_places(human, motion.qpos)
    height = float(np.median(places[:, 2])) - human.ground_height
    share = height / human.root_height
    if not _HEIGHT[0] <= share <= _HEIGHT[1]:
        raise UserError(
            f"{given.column(2)}: expected the pelvis about {human.root_height:.2f} m above the ground, got it at"
            f" {height:.4g} m{_hint(given, share)}"
        )
    _check_ground(given, motion, human)


def check_treading(given: Given, motion: Motion, human: Human) -> None:
    """Raise UserError where the pelvis goes farther, or less far, than the feet that stand carry it, or is too fast."""
    _check_carried(given, motion, human)
    places = _root_places(human, motion.qpos)
    speeds = np.linalg.norm(np.diff(places[:, :2], axis=0), axis=1) * len(places) / motion.duration
    if np.median(speeds) > _SPEED:  # a single jump is no speed
        raise UserError(
            f"{given.what}: expected a speed up to {_SPEED:g} m/s, got {motion.displacement[0]:.4g} and"
            f" {motion.displacement[1]:.4g} m along x and y in {motion.duration:.4g} s{_hint(given, None)}"
        )


def _check_carried(given: Given, motion: Motion, human: Human) -> None:
    found = treading(motion.qpos, motion.displacement, human)
    if found is None or found.fits:
        return
    metres = given.scale * found.share
    came = f"got it to go {1 / found.share:.3g} times as far at {given.key} {given.scale:g}" if found.share > 0 else ""
    if not came:
        came = "got feet that go ahead of it while they stand"
    if given.columns is None:
        fits = f": what fits the root's positions is {given.key}: {said(metres, _NEAR)}" if found.share > 0 else ""
    else:
        unit = fitting(metres, _NEAR) if found.share > 0 and found.ahead else None
        fits = (f": that column fits {unit}," if unit else ": that column is in another unit,") + (
            f" and {given.key} is of all lengths: write it in the unit of the others"
        )
    raise UserError(
        f"{given.column(found.axis)}: expected the pelvis to go as far as the feet that stand carry it, {came}{fits}"
    )


def _check_ground(given: Given, motion: Motion, human: Human) -> None:
    """Raise UserError where a lap leads off the ground, above it or into it."""
    model, data = human.model, mujoco.MjData(human.model)
    owns = np.isin(np.arange(model.nbody), human.own_bodies)
    soles, skin = (contact_geoms(model, bodies) for bodies in (np.concatenate(human.feet), human.own_bodies))
    gaps = []
    for k in np.unique(np.linspace(0, len(motion.qpos) - 1, _FRAMES).astype(int)):
        data.qpos[:] = motion.qpos[k]
        mujoco.mj_kinematics(model, data)
        place = data.xpos[human.root_body]
        ground = ground_below(model, data, soles, owns, float(place[2]))
        if ground is None:
            time = k * motion.duration / len(motion.qpos)
            raise UserError(
                f"{given.column(0)}: expected ground below the feet all along, got none at {time:.3g} s, where the"
                f" pelvis is at {place[0]:.4g} and {place[1]:.4g} m along x and y: move the motion or make the floor"
                " larger"
            )
        gaps.append(lowest(model, data, skin) - ground)
    gap = float(np.quantile(gaps, 0.25))
    if _GROUNDED[0] <= gap / human.root_height <= _GROUNDED[1]:
        return
    slot = root_slots(human).shift[2]
    height = float(np.median(motion.qpos[:, slot])) if slot >= 0 else 0.0
    fits = f": what fits is about {given.scale * (1 - gap / height):.3g}" if 0 < gap / height + 1 < 2 else ""
    raise UserError(
        f"{given.column(2)}: expected feet that come to the ground in a quarter of the lap, got their lowest point"
        f" {abs(gap):.3g} m {'above' if gap > 0 else 'below'} it at {given.key} {given.scale:g}{fits}"
    )


def _hint(given: Given, share: float | None) -> str:
    unit = fitting(given.scale / share, _NEAR) if share and share > 0 else None
    if unit:
        return f": if it is in {unit}, say {given.key}: {said(given.scale / (share or 1.0), _NEAR).split()[0]}"
    return f": {given.key} says how many metres the unit of the file has, {given.scale:g} now"


def _own(human: Human, joint: int) -> bool:
    return bool(np.isin(human.model.jnt_bodyid[joint], human.own_bodies))


def _root_places(human: Human, qpos: Floats) -> Floats:
    """(K, 3) [m] in the world."""
    data = mujoco.MjData(human.model)
    places = np.zeros((len(qpos), 3))
    for k, pose in enumerate(qpos):
        data.qpos[:] = pose
        mujoco.mj_kinematics(human.model, data)
        places[k] = data.xpos[human.root_body]
    return places
