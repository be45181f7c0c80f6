"""One lap of a recording of many: the stride that repeats itself best, from a right heel strike where there are."""

from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.recording import Recording
from soleus.motions.rotations import continuous
from soleus.motions.strikes import ahead_of_pelvis, strikes_of

Floats = NDArray[np.float64]

_SHORTEST, _LONGEST = 0.3, 4.0  # [s] of a lap: sprinters' strides are above, slow ones of patients below
_RATE = 0.1  # [s] that velocities count with beside angles: equal poses that move differently are far apart
_ALIKE = 0.25  # of the distance of unrelated poses: a stride later is below 0.1, half a stride later above 1
_NEAR = 1.3  # times the least distance, below which a shorter lap is taken for as good: two laps are no lap
_AROUND = 0.1  # of a lap by which single strides differ from it
_FEW = 8  # rows of a lap


def find_lap(recording: Recording, human: Human) -> Recording:
    """Return the rows of one lap, the last about the first one lap later, and a note of which they are.

    A lap is as long as after which all poses and velocities of the joints are most alike; it begins where the right
    foot is farthest ahead of the pelvis, as in a heel strike (Zeni et al. 2008, Gait and Posture 27:710), if the
    recording has a whole lap from there. Raises UserError where nothing repeats itself.
    """
    features = _features(recording, human)
    lag = _period(recording, features)
    spread = round(_AROUND * lag)
    last = len(features) - 1
    ahead = ahead_of_pelvis(recording.qpos, human)[:, 0]
    strikes = [k for k in strikes_of(ahead, max(1, lag // 4)) if k + lag - spread <= last]
    pairs = [_end(features, start, lag, spread) for start in strikes]
    whole = [pair for pair in pairs if pair]
    if not whole:
        whole = [pair for start in range(last - lag + 1) if (pair := _end(features, start, lag, 0))]
    _, start, end = min(whole)
    duration = recording.times[end] - recording.times[start]
    after = " from a right heel strike" if start in strikes else ""
    taken = (
        f"rows {start} to {end} of {last + 1} ({recording.times[start]:.3f} to {recording.times[end]:.3f} s) are the"
        f" lap{after}: {duration:.3f} s"
    )
    return replace(recording.rows(start, end), notes=(*recording.notes, taken))


def _features(recording: Recording, human: Human) -> Floats:
    """(K, n) values of all joints but the root's, and their velocities times _RATE."""
    model, parts = human.model, []
    for j in range(model.njnt):
        body, adr = model.jnt_bodyid[j], int(model.jnt_qposadr[j])
        if body == human.root_body or not np.isin(body, human.own_bodies) or human.dof_coupled[model.jnt_dofadr[j]]:
            continue
        if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_BALL:
            parts.append(2 * continuous(recording.qpos[:, adr : adr + 4]))
        else:
            parts.append(recording.qpos[:, adr : adr + 1])
    angles = np.hstack(parts)
    return np.hstack([angles, _RATE * np.gradient(angles, recording.step, axis=0)])


def _period(recording: Recording, features: Floats) -> int:
    """Rows of a lap: the shortest lag at which the recording is about as like itself as at the best."""
    count = len(features)
    lags = np.arange(max(_FEW, round(_SHORTEST / recording.step)), min(count, round(_LONGEST / recording.step) + 1))
    unrelated = 2 * float(features.var(axis=0).sum())
    if len(lags) and unrelated > 0:
        apart = np.array([np.mean(np.sum((features[lag:] - features[:-lag]) ** 2, axis=1)) for lag in lags]) / unrelated
        around = np.pad(
            apart, 1, constant_values=(-np.inf, np.inf)
        )  # the shortest lag is like itself in any slow motion
        lowest = (around[1:-1] <= around[:-2]) & (around[1:-1] <= around[2:]) & (apart < _ALIKE)
        if lowest.any():
            good = lowest & (apart <= max(_NEAR * apart[lowest].min(), 0.25 * _ALIKE))
            return int(lags[np.flatnonzero(good)[0]])
    raise UserError(
        f"motion table '{recording.path}': expected a motion that repeats itself within {_SHORTEST:g} to {_LONGEST:g}"
        f" s, got {count} rows of {count * recording.step:.3g} s in which no lap was found; motion.lap: close takes all"
        " rows from motion.from to motion.to for one lap"
    )


def _end(features: Floats, start: int, lag: int, spread: int) -> tuple[float, int, int] | None:
    """How unlike the ends of the best lap from a row are, with both its ends; None where the rows end before."""
    ends = np.arange(start + lag - spread, min(start + lag + spread, len(features) - 1) + 1)
    if not len(ends):
        return None
    apart = np.sum((features[ends] - features[start]) ** 2, axis=1)
    best = int(apart.argmin())
    if spread and best in (0, len(ends) - 1):  # more alike still beyond
        return None
    return float(apart[best]), start, int(ends[best])
