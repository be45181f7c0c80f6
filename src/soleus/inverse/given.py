"""The gait of a motion file: its cycles, and what of them can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus import motions
from soleus.config.sources import TABLE_ENDINGS, BvhMotion, TableMotion
from soleus.errors import UserError
from soleus.gait.cycles import POINTS, SETTLE_S
from soleus.inverse.columns import JOINTS, Column, read_poses
from soleus.inverse.strides import Gait, row_of
from soleus.models import Human
from soleus.motions.laps import Lap
from soleus.motions.posing import root_slots
from soleus.motions.strikes import ahead_of_pelvis, strikes_of

Floats = NDArray[np.float64]

_NEAR = 0.25  # [s] around a strike in which the foot is nowhere farther ahead
_STILL = 1e-9  # of a column that rests


@dataclass(frozen=True, eq=False)
class Given:
    """A gait to be found."""

    name: str
    gait: Gait
    compared: tuple[int, ...]
    """Columns that the file tells of"""
    left_out: tuple[str, ...]
    """Parts of the gait that it does not tell of: joints that rest all the time, and the like"""
    notes: tuple[str, ...]
    """What was made of the file, in sentences"""


@dataclass(frozen=True, eq=False)
class _Poses:
    """Poses (K, nq), dt [s] apart, and where in them cycles begin and end, between two poses as well."""

    qpos: Floats
    dt: float
    cycles: list[tuple[float, float]]
    notes: tuple[str, ...]


def read_given(source: str, human: Human, columns: Sequence[Column]) -> Given:
    """Return the gait of a motion's file or name. All its cycles count, but for those begun in its first second.

    Raises UserError for a file that is no motion of the model, that has no whole cycle, or in which no joint moves.
    """
    poses = _recording(source, human) or _lap(source, human)
    place = np.zeros((len(poses.qpos), 2))
    for axis, adr in enumerate(root_slots(human).shift[:2]):
        place[:, axis] = poses.qpos[:, adr] if adr >= 0 else 0.0
    velocity: Floats = np.asarray(np.gradient(place, poses.dt, axis=0))
    rows, values = [], np.zeros((0, len(columns)))
    for start, end in poses.cycles:
        ends = [_between(place, at) for at in (start, end)]
        heading = float(np.arctan2(*(ends[1] - ends[0])[::-1]))
        values = read_poses(columns, human, poses.qpos, velocity, heading, None)
        curves = np.array([_between(values, at) for at in np.linspace(start, end, POINTS)])
        rows.append(row_of((end - start) * poses.dt, curves))
    told = np.ptp(values, axis=0) > _STILL
    for k, column in enumerate(columns):
        told[k] |= column.kind == "velocity" and abs(values[0, k]) > _STILL
    joints = {column.joint for k, column in enumerate(columns) if told[k] and column.kind in JOINTS}
    if not joints:
        raise UserError(f"{source}: expected a motion that moves joints of '{human.name}', got one in which all rest")
    left_out = dict.fromkeys(column.joint for k, column in enumerate(columns) if not told[k] and column.kind != "force")
    return Given(source, Gait(np.array(rows)), tuple(map(int, np.flatnonzero(told))), tuple(left_out), poses.notes)


def _recording(source: str, human: Human) -> _Poses | None:
    """Return all of a file, cut where the right foot is farthest ahead; None for what has no two such moments."""
    ending = Path(source).suffix.lower()
    if ending in TABLE_ENDINGS:
        motion = motions.load(TableMotion(table=source, lap="once"), human)
    elif ending == ".bvh":
        motion = motions.load(BvhMotion(bvh=source, lap="once"), human)
    else:
        return None
    dt = motion.duration / (len(motion.qpos) - 1)
    ahead = ahead_of_pelvis(motion.qpos, human)[:, 0]
    strikes = [_vertex(ahead, k) for k in strikes_of(ahead, max(1, round(_NEAR / dt)))]
    cycles = list(pairwise(strikes))
    settled = [cycle for cycle in cycles if cycle[0] * dt >= SETTLE_S] or cycles
    said = f"{len(settled)} cycles from right heel strike to right heel strike"
    return _Poses(motion.qpos, dt, settled, (*motion.notes, said)) if settled else None


def _lap(source: str, human: Human) -> _Poses:
    """Return the one lap of a cyclic motion. Raises UserError where there is none."""
    try:
        motion = motions.load(source, human)
    except UserError as error:
        if Path(source).suffix.lower() not in (*TABLE_ENDINGS, ".bvh"):
            raise
        raise UserError(f"{source}: expected one whole cycle or more, got less ({error})") from None
    slots = root_slots(human)
    start = np.array([motion.qpos[0, adr] if adr >= 0 else 0.0 for adr in slots.shift])
    after = Lap(start, motion.displacement, motion.turn).poses(motion.qpos[:1], 1, slots)
    count = len(motion.qpos)
    return _Poses(np.vstack([motion.qpos, after]), motion.duration / count, [(0.0, float(count))], motion.notes)


def _vertex(values: Floats, k: int) -> float:
    """Where the parabola through three values is highest, about the middle one of index k."""
    before, here, after = values[k - 1 : k + 2]
    bend = before - 2 * here + after
    return k + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _between(values: Floats, at: float) -> Floats:
    """Values (K, ...) at an index between two of them."""
    low = min(int(at), len(values) - 2)
    return np.asarray(values[low] + (at - low) * (values[low + 1] - values[low]))
