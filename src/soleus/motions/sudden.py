"""Jumps in a recording, joint by joint: the worst is an error that names its line and column."""

from collections.abc import Iterator
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.cutting import seconds
from soleus.motions.jumps import JOINT, PLACE, TURN, Pace, find_jump
from soleus.motions.recording import Recording
from soleus.motions.rotations import conjugate, log, multiply

Floats = NDArray[np.float64]

_JOINT = mujoco.mjtJoint


def check_jumps(recording: Recording, human: Human) -> None:
    """Raise UserError for the worst jump of all joints from row to row."""
    dt = recording.step
    parts = list(_parts(recording, human))
    found = [(jump, part) for part in parts if (jump := find_jump(part.steps, dt, part.pace))]
    if not found:
        return
    jump, part = max(found, key=lambda one: one[0].times)
    step = part.steps[jump.frame]
    axis = int(np.abs(step).argmax())
    if part.unit:
        came = f"{step[axis] * part.unit:+.4g} since the {recording.place} before"
    else:
        came = f"a turn by {np.rad2deg(jump.size):.0f} degrees since the {recording.place} before"
    name = part.columns[min(axis, len(part.columns) - 1)]
    raise UserError(
        f"motion table '{recording.path}' {recording.place} {recording.lines[jump.frame + 1]} column '{name}': expected"
        f" a motion without jumps, got {came}, {dt:.3g} s earlier, at"
        f" {seconds(recording.times[jump.frame])} s; motion.from and motion.to choose a part without it"
    )


@dataclass(frozen=True, eq=False)
class _Part:
    columns: tuple[str, ...]
    steps: Floats  # (K, n) [rad] or [m] from row to row
    pace: Pace
    unit: float  # from there to the file's; 0 of quaternions


def _parts(recording: Recording, human: Human) -> Iterator[_Part]:
    """What moves by itself in a recording: joints, and of a free root its place and its turn."""
    model, qpos, columns = human.model, recording.qpos, recording.columns
    for joint in np.flatnonzero(np.isin(model.jnt_bodyid, human.own_bodies)):
        adr, kind = int(model.jnt_qposadr[joint]), model.jnt_type[joint]
        pace = TURN if model.jnt_bodyid[joint] == human.root_body else JOINT
        if kind == _JOINT.mjJNT_HINGE:
            angle = 1.0 if recording.unit == "radian" else 180 / np.pi
            yield _Part((columns[adr],), np.diff(qpos[:, adr : adr + 1], axis=0), pace, angle)
            continue
        if kind != _JOINT.mjJNT_BALL:
            names = recording.root_columns if kind == _JOINT.mjJNT_FREE else (columns[adr],)
            yield _Part(names, np.diff(qpos[:, adr : adr + len(names)], axis=0), PLACE, 1 / recording.scale)
        if kind != _JOINT.mjJNT_SLIDE:
            at = adr + 3 if kind == _JOINT.mjJNT_FREE else adr
            q = qpos[:, at : at + 4]
            yield _Part((columns[at],), log(multiply(conjugate(q[:-1]), q[1:])), pace, 0.0)
