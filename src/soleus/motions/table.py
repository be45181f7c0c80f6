"""A motion as a CSV file: poses over time, a column for every number of qpos, that needs nothing it was made from."""

import csv
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError, nearest
from soleus.models.human import Human
from soleus.motions.laps import Lap
from soleus.motions.looping import quaternions
from soleus.motions.motion import Motion, make_motion
from soleus.motions.posing import root_slots
from soleus.motions.rotations import conjugate, multiply, turn_of

Floats = NDArray[np.float64]

_FREE = ("tx", "ty", "tz", "qw", "qx", "qy", "qz")
_TIME = "time"
_EVEN = 0.02  # of a step: times may be rounded
_UNIT = 1e-3
_RIGID = 1e-3  # [m] and [rad]: of the last row from the first, moved


def columns(human: Human) -> list[str]:
    """Names (nq,) of the entries of qpos: of a free joint root_tx and so on, of balls <joint>_qw, else the joint's."""
    model, names = human.model, []
    for joint in range(model.njnt):
        name, kind = model.joint(joint).name or f"joint{joint}", model.jnt_type[joint]
        if kind == mujoco.mjtJoint.mjJNT_FREE:
            names += [f"root_{part}" for part in _FREE]
        elif kind == mujoco.mjtJoint.mjJNT_BALL:
            names += [f"{name}_{part}" for part in _FREE[3:]]
        else:
            names.append(name)
    return names


def write_table(path: Path, motion: Motion, human: Human) -> None:
    """Write K + 1 rows: the frames, then the first one lap later, which says how long a lap is and where it leads.

    Raises UserError where the file cannot be written, or a joint has the name of another column.
    """
    header = [_TIME, *columns(human)]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice:
        raise UserError(f"motion table '{path}': expected joints whose columns differ, got '{twice}' twice")
    slots = root_slots(human)
    start = np.array([motion.qpos[0, adr] if adr >= 0 else 0.0 for adr in slots.shift])
    after = Lap(start, motion.displacement, motion.turn).poses(motion.qpos[:1], 1, slots)
    times = np.linspace(0.0, motion.duration, len(motion.qpos) + 1)
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(header)
            for time, pose in zip(times, np.vstack([motion.qpos, after]), strict=True):
                table.writerow([repr(float(value)) for value in (time, *pose)])
    except OSError as error:
        raise UserError(f"motion table '{path}' cannot be written: {error.strerror}") from error


def read_table(path: Path, human: Human) -> Motion:
    """Read what write_table writes, its columns in any order; the motion is named after the file.

    Raises UserError, one line with the file and its line or column: columns that are not the model's, rows that are no
    table of finite numbers, uneven times, quaternions not of unit length, a last row that no move in the plane and turn
    about the vertical makes of the first.
    """
    lines, table = _read(path, columns(human))
    times, qpos = table[:, 0], table[:, 1:]
    duration = float(times[-1] - times[0])
    step = duration / (len(times) - 1)
    uneven = np.abs(np.diff(times) - step) > _EVEN * step
    if step <= 0 or uneven.any():
        at = int(np.argmax(uneven)) + 1
        raise _wrong(
            path, lines[at], f"times that rise evenly, by {step:g} s a row", f"{times[at - 1]:g}, {times[at]:g}"
        )
    for adr in quaternions(human.model):
        lengths = np.linalg.norm(qpos[:, adr : adr + 4], axis=1)
        for k in np.flatnonzero(np.abs(lengths - 1) > _UNIT)[:1]:
            name = columns(human)[adr].removesuffix("_qw")
            raise _wrong(path, lines[k], f"a quaternion of unit length for '{name}'", f"one of length {lengths[k]:.4g}")
        qpos[:, adr : adr + 4] /= lengths[:, None]
    displacement, turn = _lap(path, qpos, human)
    return make_motion(path.stem, duration, qpos[:-1], displacement, human, turn)


def _wrong(path: Path, line: int, expected: str, got: str) -> UserError:
    return UserError(f"motion table '{path}' line {line}: expected {expected}, got {got}")


def _read(path: Path, names: list[str]) -> tuple[list[int], Floats]:
    """Line of each row, and table (K + 1, 1 + nq): time, then the columns in the order of the names."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise UserError(f"motion table '{path}' cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"motion table '{path}': expected a CSV file, got {' '.join(str(error).split())}") from error
    if not rows:
        raise UserError(f"motion table '{path}': expected a header and rows of numbers, got an empty file")
    header = [word.strip() for word in rows[0][1]]
    order = _order(path, header, [_TIME, *names])
    if len(rows) < 4:
        raise UserError(
            f"motion table '{path}': expected at least 3 rows, of which the last is the first one lap later,"
            f" got {len(rows) - 1}"
        )
    table = np.array([_numbers(path, line, row, header) for line, row in rows[1:]])
    return [line for line, _ in rows[1:]], table[:, order]


def _order(path: Path, header: list[str], wanted: list[str]) -> list[int]:
    for name in header:
        if name not in wanted:
            raise UserError(
                f"motion table '{path}': expected the model's columns, got '{name}', which it"
                f" lacks{nearest(name, wanted)}"
            )
        if header.count(name) > 1:
            raise UserError(f"motion table '{path}': expected every column once, got '{name}' twice")
    for name in wanted:
        if name not in header:
            raise UserError(f"motion table '{path}': expected a column '{name}', got none of that name")
    return [header.index(name) for name in wanted]


def _numbers(path: Path, line: int, row: list[str], header: list[str]) -> list[float]:
    if len(row) != len(header):
        raise _wrong(path, line, f"{len(header)} numbers, one a column", str(len(row)))
    values = []
    for name, word in zip(header, row, strict=True):
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise _wrong(path, line, f"a finite number for '{name}'", f"'{word[:40]}'")
        values.append(value)
    return values


def _lap(path: Path, qpos: Floats, human: Human) -> tuple[Floats, float]:
    """Displacement (3,) [m] and turn [rad] that make the last pose of the first."""
    slots, first, last = root_slots(human), qpos[0], qpos[-1]
    displacement, turn = np.zeros(3), 0.0
    for axis, adr in enumerate(slots.shift[:2]):
        displacement[axis] = last[adr] - first[adr] if adr >= 0 else 0.0
    if slots.quaternion >= 0:
        at = slice(slots.quaternion, slots.quaternion + 4)
        turn = turn_of(multiply(last[at], conjugate(first[at])))
    start = np.array([first[adr] if adr >= 0 else 0.0 for adr in slots.shift])
    moved = Lap(start, displacement, turn).poses(first, 1, slots)
    for adr in quaternions(human.model):
        if moved[adr : adr + 4] @ last[adr : adr + 4] < 0:
            moved[adr : adr + 4] *= -1
    off = np.abs(moved - last)
    worst = int(np.argmax(off))
    if off[worst] > _RIGID:
        raise UserError(
            f"motion table '{path}' column '{columns(human)[worst]}': expected the last row to be the first one lap"
            f" later, moved in the plane and turned about the vertical: {moved[worst]:.6g}, got {last[worst]:.6g}"
        )
    return displacement, turn
