"""Motions without the noise of what recorded them: a low-pass filter that shifts nothing in time."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt
from scipy.spatial.transform import Rotation

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.bvh import Clip
from soleus.motions.looping import quaternions
from soleus.motions.recording import Recording
from soleus.motions.rotations import continuous, from_matrices

Floats = NDArray[np.float64]

_ORDER = 2  # forward and back: four, as laboratories filter markers and angles
_TWICE = (np.sqrt(2) - 1) ** 0.25  # what the two together pass by half is passed by more in each


def smooth_recording(recording: Recording, human: Human, hz: float) -> Recording:
    """Return a recording whose poses are filtered. Raises UserError for a frequency that it cannot have."""
    qpos = recording.qpos.copy()
    for adr in quaternions(human.model):
        qpos[:, adr : adr + 4] = continuous(qpos[:, adr : adr + 4])
    qpos = _checked_low_pass(f"motion table '{recording.path}'", qpos, 1 / recording.step, hz)
    for adr in quaternions(human.model):
        qpos[:, adr : adr + 4] /= np.linalg.norm(qpos[:, adr : adr + 4], axis=1, keepdims=True)
    return replace(recording, qpos=human.consistent(qpos))


def smooth_clip(clip: Clip, hz: float) -> Clip:
    """Return a clip whose rotations and positions are filtered. Raises UserError for a frequency above its own."""
    what, rate = f"BVH file '{clip.path}'", 1 / clip.frame_time
    rotations = clip.rotations.copy()
    for joint in range(len(clip.joints)):
        turns = _checked_low_pass(what, from_matrices(clip.rotations[:, joint]), rate, hz)
        rotations[:, joint] = Rotation.from_quat(turns[:, [1, 2, 3, 0]]).as_matrix()
    return replace(clip, rotations=rotations, positions=_checked_low_pass(what, clip.positions, rate, hz))


def _checked_low_pass(what: str, values: Floats, rate: float, hz: float) -> Floats:
    """Columns (K, n) filtered. Raises UserError for a frequency [Hz] that the rows are too few for."""
    if not 2 * hz < _TWICE * rate:
        raise UserError(
            f"{what}: motion.filter: expected less than {_TWICE * rate / 2:.3g} Hz, of {rate:.4g} rows a second, got"
            f" {hz:g}"
        )
    return low_pass(values, rate, hz)


def low_pass(values: Floats, rate: float, hz: float) -> Floats:
    """Return columns (K, n) filtered forward and back by Butterworth's filter, which passes half the power at hz (D. A.
    Winter, Biomechanics and Motor Control of Human Movement, 4th ed., 2009, chapter 3). rate, hz: [Hz]"""
    sections = butter(_ORDER, 2 * hz / _TWICE / rate, output="sos")
    around = min(len(values) - 1, int(np.ceil(rate / hz)))
    filtered: Floats = sosfiltfilt(sections, values, axis=0, padlen=around)
    return filtered
