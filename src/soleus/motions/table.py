"""A motion as a CSV file: poses over time, a column for every number of qpos, that needs nothing it was made from."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import TableMotion
from soleus.errors import UserError, nearest
from soleus.models.human import Human
from soleus.motions.axes import turned_up
from soleus.motions.jumps import JOINT, PLACE, TURN, Pace, find_jump
from soleus.motions.laps import Lap
from soleus.motions.looping import quaternions
from soleus.motions.motion import Motion, make_motion
from soleus.motions.plausible import Given, check_angles, check_place, check_treading
from soleus.motions.posing import root_slots
from soleus.motions.rotations import conjugate, log, multiply, rotated, turn_of
from soleus.motions.upright import check_order, check_up

Floats = NDArray[np.float64]

_JOINT = mujoco.mjtJoint
_FREE = ("tx", "ty", "tz", "qw", "qx", "qy", "qz")
_TIME = "time"
_EVEN = 0.02  # of a step: times may be rounded
_UNIT = 1e-3
_LARGEST = 1e12
_STEP_S = (1 / 5000, 0.25)
_RIGID = 1e-3  # [m] and [rad]: of the last row from the first, moved


def entries(human: Human) -> NDArray[np.int_]:
    """Addresses in qpos of the person's joints, those of `columns`."""
    model = human.model
    own = np.isin(model.jnt_bodyid, human.own_bodies)
    ends = np.append(model.jnt_qposadr[1:], model.nq)
    return np.array([adr for j in np.flatnonzero(own) for adr in range(model.jnt_qposadr[j], ends[j])], dtype=np.int_)


def columns(human: Human) -> list[str]:
    """Names of the entries of qpos that are the person's: of a free joint root_tx and so on, of balls <joint>_qw, else
    the joint's.
    """
    model, names = human.model, list[str]()
    for joint in np.flatnonzero(np.isin(model.jnt_bodyid, human.own_bodies)):
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
    slots, own = root_slots(human), entries(human)
    start = np.array([motion.qpos[0, adr] if adr >= 0 else 0.0 for adr in slots.shift])
    after = Lap(start, motion.displacement, motion.turn).poses(motion.qpos[:1], 1, slots)
    times = np.linspace(0.0, motion.duration, len(motion.qpos) + 1)
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(header)
            for time, pose in zip(times, np.vstack([motion.qpos, after]), strict=True):
                table.writerow([repr(float(value)) for value in (time, *pose[own])])
    except OSError as error:
        raise UserError(f"motion table '{path}' cannot be written: {error.strerror}") from error


def read_table(path: Path, human: Human, how: TableMotion | None = None) -> Motion:
    """Read what write_table writes, its columns in any order; the motion is named after the file.

    how: units, axes and rows of a table that somebody else wrote. Raises UserError, one line with the file and its line
    or column: columns that are not the model's, rows that are no table of finite numbers, uneven times, quaternions not
    of unit length, angles far outside the joints' limits, a last row that no move in the plane and turn about the
    vertical makes of the first.
    """
    how = how or TableMotion(table=str(path))
    lines, table = _cut(path, *_read(path, columns(human)), how)
    times, raw = table[:, 0], np.tile(human.qpos_rest, (len(table), 1))
    raw[:, entries(human)] = table[:, 1:]
    duration = _duration(path, lines, times)
    for adr in quaternions(human.model):
        lengths = np.linalg.norm(raw[:, adr : adr + 4], axis=1)
        for k in np.flatnonzero(np.abs(lengths - 1) > _UNIT)[:1]:
            name = _column(human, adr).removesuffix("_qw")
            raise _wrong(path, lines[k], f"a quaternion of unit length for '{name}'", f"one of length {lengths[k]:.4g}")
        raw[:, adr : adr + 4] /= lengths[:, None]
    qpos = _converted(raw, human, how)
    check_angles(path, [_column(human, adr) for adr in range(human.model.nq)], qpos, human, how.unit)
    check_order(path, raw, human, lambda other: _converted(other, human, how))
    check_up(path, raw, human, how.up, how.scale)
    given = Given(f"motion table '{path}'", "motion.scale", how.scale, _root_columns(human, how))
    displacement, turn = _lap(path, qpos, human)
    motion = make_motion(path.stem, duration, qpos[:-1], displacement, human, turn)
    check_place(given, motion, human)
    check_treading(given, motion, human)
    _check_jumps(path, lines, qpos, duration / (len(qpos) - 1), human, how)
    return motion


def _column(human: Human, adr: int) -> str:
    """Name of an entry of qpos; "" of one that is not the person's."""
    return next((name for at, name in zip(entries(human), columns(human), strict=True) if at == adr), "")


def _cut(path: Path, lines: list[int], table: Floats, how: TableMotion) -> tuple[list[int], Floats]:
    first, last = how.first or 0, len(table) - 1 if how.to is None else how.to
    if last >= len(table):
        raise UserError(f"motion table '{path}': motion.to: expected a row up to {len(table) - 1}, got {last}")
    if last - first < 2:
        raise UserError(f"motion table '{path}': motion.from: expected 3 rows or more up to row {last}, got {first}")
    return lines[first : last + 1], table[first : last + 1]


def _duration(path: Path, lines: list[int], times: Floats) -> float:
    duration = float(times[-1] - times[0])
    step = duration / (len(times) - 1)
    uneven = np.abs(np.diff(times) - step) > _EVEN * step
    if step <= 0 or uneven.any():
        at = int(np.argmax(uneven)) + 1
        raise _wrong(
            path, lines[at], f"times that rise evenly, by {step:g} s a row", f"{times[at - 1]:g}, {times[at]:g}"
        )
    if not _STEP_S[0] <= step <= _STEP_S[1]:
        raise UserError(
            f"motion table '{path}' column '{_TIME}': expected seconds, {_STEP_S[0]:g} to {_STEP_S[1]:g} a row, got"
            f" {step:g}"
        )
    return duration


def _converted(raw: Floats, human: Human, how: TableMotion) -> Floats:
    """Poses (K, nq) from the table's units and axes in metres, radians and z up."""
    qpos, model, slots = raw.copy(), human.model, root_slots(human)
    for joint in np.flatnonzero(np.isin(model.jnt_bodyid, human.own_bodies)):
        adr, kind = int(model.jnt_qposadr[joint]), model.jnt_type[joint]
        if kind == mujoco.mjtJoint.mjJNT_HINGE and how.unit == "degree":
            qpos[:, adr] = np.deg2rad(qpos[:, adr])
        elif kind == mujoco.mjtJoint.mjJNT_SLIDE:
            qpos[:, adr] *= how.scale
        elif kind == mujoco.mjtJoint.mjJNT_FREE:
            qpos[:, adr : adr + 3] *= how.scale
    if how.up != "z" and slots.quaternion < 0:
        raise UserError(f"motion.up: expected z for the planar '{human.name}', got {how.up}")
    if how.up != "z":
        turn, place = np.zeros(4), list(slots.shift)
        mujoco.mju_mat2Quat(turn, turned_up(how.up, "z").ravel())
        at = slice(slots.quaternion, slots.quaternion + 4)
        qpos[:, place] = rotated(turn, qpos[:, place])
        qpos[:, at] = multiply(turn, qpos[:, at])
    return qpos


def _root_columns(human: Human, how: TableMotion) -> tuple[str, str, str]:
    """Columns of the root's place along the world's axes; "" where there is none."""
    slots = root_slots(human)
    names = [_column(human, adr) if adr >= 0 else "" for adr in slots.shift]
    order = np.abs(turned_up(how.up, "z")).argmax(axis=1)
    return names[order[0]], names[order[1]], names[order[2]]


def _check_jumps(path: Path, lines: list[int], qpos: Floats, dt: float, human: Human, how: TableMotion) -> None:
    """Raise UserError for the worst jump of all joints in poses (K + 1, nq), dt [s] apart."""
    parts = list(_parts(qpos, human, how))
    found = [(jump, part) for part in parts if (jump := find_jump(part.steps, dt, part.pace))]
    if not found:
        return
    jump, part = max(found, key=lambda one: one[0].times)
    step = part.steps[jump.frame]
    axis = int(np.abs(step).argmax())
    if part.unit:
        came = f"{step[axis] * part.unit:+.4g} since the line before"
    else:
        came = f"a turn by {np.rad2deg(jump.size):.0f} degrees since the line before"
    name = part.columns[min(axis, len(part.columns) - 1)]
    raise UserError(
        f"motion table '{path}' line {lines[jump.frame + 1]} column '{name}': expected a motion without jumps, got"
        f" {came}, {dt:.3g} s earlier; motion.from and motion.to choose the rows of a whole lap"
    )


@dataclass(frozen=True, eq=False)
class _Part:
    columns: tuple[str, ...]
    steps: Floats  # (K, n) [rad] or [m] from row to row
    pace: Pace
    unit: float  # from there to the table's; 0 of quaternions


def _parts(qpos: Floats, human: Human, how: TableMotion) -> Iterator[_Part]:
    """What moves by itself in a table: joints, and of a free root its place and its turn."""
    model = human.model
    for joint in np.flatnonzero(np.isin(model.jnt_bodyid, human.own_bodies)):
        adr, kind = int(model.jnt_qposadr[joint]), model.jnt_type[joint]
        pace = TURN if model.jnt_bodyid[joint] == human.root_body else JOINT
        if kind == _JOINT.mjJNT_HINGE:
            angle = 1.0 if how.unit == "radian" else 180 / np.pi
            yield _Part((_column(human, adr),), np.diff(qpos[:, adr : adr + 1], axis=0), pace, angle)
            continue
        if kind != _JOINT.mjJNT_BALL:
            free = kind == _JOINT.mjJNT_FREE
            names = _root_columns(human, how) if free else (_column(human, adr),)
            yield _Part(names, np.diff(qpos[:, adr : adr + len(names)], axis=0), PLACE, 1 / how.scale)
        if kind != _JOINT.mjJNT_SLIDE:
            at = adr + 3 if kind == _JOINT.mjJNT_FREE else adr
            q = qpos[:, at : at + 4]
            yield _Part((_column(human, at),), log(multiply(conjugate(q[:-1]), q[1:])), pace, 0.0)


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
        if not abs(value) < _LARGEST:  # squares of it are numbers too
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
            f"motion table '{path}' column '{_column(human, worst)}': expected the last row to be the first one lap"
            f" later, moved in the plane and turned about the vertical: {moved[worst]:.6g}, got {last[worst]:.6g};"
            " motion.from and motion.to choose the rows of a whole lap"
        )
    return displacement, turn
