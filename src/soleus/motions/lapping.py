"""From a recording to a motion: one lap of it over ground, whose ends are blended."""

from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.carrying import carried
from soleus.motions.looping import headed, loop
from soleus.motions.motion import Motion, make_motion, play_once
from soleus.motions.placing import put_on_feet
from soleus.motions.recording import Recording, check_feet
from soleus.motions.strides import find_lap
from soleus.motions.sudden import check_jumps

Floats = NDArray[np.float64]

_GAP = 0.35  # [rad] that blending may take off a joint over a lap: strides of a person differ by less
_STRAIGHT = 0.1  # [rad] of a lap that no walk along a circle has, but one stride and the next differ by


def lap_of(recording: Recording, human: Human, find: bool, retargeted: bool) -> Motion:
    """Make one lap; the motion is named after the file.

    find: whether the recording may have more than one lap, of which one is found; else its last row is about the first
    one lap later. retargeted: whether it is of somebody else's body, so that the feet say how high and how fast the
    pelvis is. Raises UserError for jumps, rows that are no lap, and feet that do not carry the pelvis.
    """
    recording = carried(recording, human, retargeted)
    if find:
        recording = find_lap(recording, human)
    check_jumps(recording, human)
    _check_gap(recording, human)
    qpos, lap = loop(recording.qpos, human, _STRAIGHT)
    qpos = human.consistent(qpos)
    if retargeted:
        put_on_feet(qpos, human)
    duration = float(recording.times[-1] - recording.times[0])
    motion = make_motion(recording.path.stem, duration, qpos, lap.displacement, human, lap.turn)
    check_feet(recording, motion, human)
    return replace(motion, notes=recording.notes)


def once_of(recording: Recording, human: Human, retargeted: bool) -> Motion:
    """Make a motion that is played once of all rows, heading along x at its start; else as lap_of."""
    recording = carried(recording, human, retargeted)
    check_jumps(recording, human)
    qpos = human.consistent(headed(recording.qpos, human))
    if retargeted:
        put_on_feet(qpos, human)
    motion = play_once(recording.path.stem, float(recording.times[-1] - recording.times[0]), qpos, human)
    check_feet(recording, motion, human)
    return replace(motion, notes=recording.notes)


def _check_gap(recording: Recording, human: Human) -> None:
    """Raise UserError where a hinge ends far from where it began."""
    model = human.model
    hinges = [
        int(model.jnt_qposadr[j])
        for j in range(model.njnt)
        if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE and np.isin(model.jnt_bodyid[j], human.own_bodies)
    ]
    if not hinges:
        return
    gaps = np.abs(recording.qpos[-1, hinges] - recording.qpos[0, hinges])
    worst = int(gaps.argmax())
    if gaps[worst] > _GAP:
        raise UserError(
            f"motion table '{recording.path}' column '{recording.columns[hinges[worst]]}': expected the last row to be"
            f" about the first one lap later, got an angle that differs by {np.rad2deg(gaps[worst]):.0f} degrees;"
            " motion.from and motion.to choose a whole lap, motion.lap: find finds them"
        )
