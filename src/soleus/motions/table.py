"""A motion as a CSV file: poses over time, a column for every number of qpos, that needs nothing it was made from."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import TableMotion, Unit
from soleus.errors import UserError, nearest
from soleus.models.human import Human
from soleus.motions.axes import turned_up
from soleus.motions.laps import Lap
from soleus.motions.looping import quaternions
from soleus.motions.motion import Motion, make_motion
from soleus.motions.plausible import check_angles
from soleus.motions.posing import root_slots
from soleus.motions.recording import TIME, Recording, check_feet, cut, wrong
from soleus.motions.rotations import conjugate, multiply, rotated, turn_of
from soleus.motions.sudden import check_jumps
from soleus.motions.upright import check_order, check_up

Floats = NDArray[np.float64]

_FREE = ("tx", "ty", "tz", "qw", "qx", "qy", "qz")
_UNIT = 1e-3
_LARGEST = 1e12
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
    slots = root_slots(human)
    start = np.array([motion.qpos[0, adr] if adr >= 0 else 0.0 for adr in slots.shift])
    after = Lap(start, motion.displacement, motion.turn).poses(motion.qpos[:1], 1, slots)
    times = np.linspace(0.0, motion.duration, len(motion.qpos) + 1)
    text = table_text({TIME: times, **columns_of(path, human, np.vstack([motion.qpos, after]))})
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"motion table '{path}' cannot be written: {error.strerror}") from error


def columns_of(path: Path, human: Human, qpos: Floats) -> dict[str, Floats]:
    """Return the entries of poses (K, nq) that are the person's, (K,) each by the name of its column in a file. Raises
    UserError where a joint has the name of another column.
    """
    header = [TIME, *columns(human)]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice:
        raise UserError(f"motion table '{path}': expected joints whose columns differ, got '{twice}' twice")
    return dict(zip(header[1:], qpos[:, entries(human)].T, strict=True))


def table_text(table: Mapping[str, Floats]) -> str:
    """Return the text of a CSV file of columns (K,) by name, to the last digit."""
    lines = [",".join(table)]
    lines += [",".join(repr(float(value)) for value in row) for row in zip(*table.values(), strict=True)]
    return "\n".join(lines) + "\n"


def read_table(path: Path, human: Human, how: TableMotion | None = None) -> Motion:
    """Read one lap as write_table writes it, its columns in any order; the motion is named after the file.

    how: units, axes and rows of a table that somebody else wrote. Raises UserError, one line with the file and its line
    or column: columns that are not the model's, rows that are no table of finite numbers, uneven times, quaternions not
    of unit length, angles far outside the joints' limits, a last row that no move in the plane and turn about the
    vertical makes of the first.
    """
    return given_lap(read_rows(path, human, how or TableMotion(table=str(path))), human)


def given_lap(recording: Recording, human: Human) -> Motion:
    """Make the lap of all rows, the last of which is exactly the first one lap later. Raises UserError."""
    path = recording.path
    qpos, duration = recording.qpos, float(recording.times[-1] - recording.times[0])
    displacement, turn = _lap(path, qpos, human)
    motion = make_motion(path.stem, duration, qpos[:-1], displacement, human, turn)
    check_feet(recording, motion, human)
    check_jumps(recording, human)
    return replace(motion, notes=recording.notes)


def read_rows(path: Path, human: Human, how: TableMotion) -> Recording:
    """Read the rows of a CSV table. Raises UserError for what are no poses of the model."""
    lines, table = cut(path, *_read(path, columns(human)), how)
    times, raw = table[:, 0], np.tile(human.qpos_rest, (len(table), 1))
    raw[:, entries(human)] = table[:, 1:]
    return recording_of(path, lines, times, raw, human, how)


def recording_of(
    path: Path, lines: list[int], times: Floats, raw: Floats, human: Human, how: TableMotion, place: str = "line"
) -> Recording:
    """Make a recording of poses raw (K, nq) in the file's units and axes, the model's own numbers; normalises the
    quaternions of `raw`. Raises UserError for what is no pose of the model.
    """
    unit: Unit = how.unit or "radian"
    for adr in quaternions(human.model):
        lengths = np.linalg.norm(raw[:, adr : adr + 4], axis=1)
        for k in np.flatnonzero(np.abs(lengths - 1) > _UNIT)[:1]:
            name = _column(human, adr).removesuffix("_qw")
            raise wrong(
                path, lines[k], f"a quaternion of unit length for '{name}'", f"one of length {lengths[k]:.4g}", place
            )
        raw[:, adr : adr + 4] /= lengths[:, None]
    own = dict(zip(entries(human), columns(human), strict=True))
    qpos, names = _converted(raw, human, how), [own.get(adr, "") for adr in range(human.model.nq)]
    check_angles(path, names, qpos, human, unit)
    check_order(path, raw, human, lambda other: _converted(other, human, how))
    check_up(path, raw, human, how.up or "z", how.scale)
    return Recording(path, lines, place, times, qpos, names, _root_columns(human, how), unit, "motion.unit", how.scale)


def _column(human: Human, adr: int) -> str:
    """Name of an entry of qpos; "" of one that is not the person's."""
    return next((name for at, name in zip(entries(human), columns(human), strict=True) if at == adr), "")


def _converted(raw: Floats, human: Human, how: TableMotion) -> Floats:
    """Poses (K, nq) from the table's units and axes in metres, radians and z up."""
    qpos, model, slots, up = raw.copy(), human.model, root_slots(human), how.up or "z"
    for joint in np.flatnonzero(np.isin(model.jnt_bodyid, human.own_bodies)):
        adr, kind = int(model.jnt_qposadr[joint]), model.jnt_type[joint]
        if kind == mujoco.mjtJoint.mjJNT_HINGE and how.unit == "degree":
            qpos[:, adr] = np.deg2rad(qpos[:, adr])
        elif kind == mujoco.mjtJoint.mjJNT_SLIDE:
            qpos[:, adr] *= how.scale
        elif kind == mujoco.mjtJoint.mjJNT_FREE:
            qpos[:, adr : adr + 3] *= how.scale
    if up != "z" and slots.quaternion < 0:
        raise UserError(f"motion.up: expected z for the planar '{human.name}', got {up}")
    if up != "z":
        turn, place = np.zeros(4), list(slots.shift)
        mujoco.mju_mat2Quat(turn, turned_up(up, "z").ravel())
        at = slice(slots.quaternion, slots.quaternion + 4)
        qpos[:, place] = rotated(turn, qpos[:, place])
        qpos[:, at] = multiply(turn, qpos[:, at])
    return qpos


def _root_columns(human: Human, how: TableMotion) -> tuple[str, str, str]:
    """Columns of the root's place along the world's axes; "" where there is none."""
    slots = root_slots(human)
    names = [_column(human, adr) if adr >= 0 else "" for adr in slots.shift]
    order = np.abs(turned_up(how.up or "z", "z")).argmax(axis=1)
    return names[order[0]], names[order[1]], names[order[2]]


def _read(path: Path, names: list[str]) -> tuple[list[int], Floats]:
    """Line of each row, and table (K + 1, 1 + nq): time, then the columns in the order of the names."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=_delimiter(file.readline()))
            file.seek(0)
            rows = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise UserError(f"motion table '{path}' cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"motion table '{path}': expected a CSV file, got {' '.join(str(error).split())}") from error
    if not rows:
        raise UserError(f"motion table '{path}': expected a header and rows of numbers, got an empty file")
    header = [word.strip() for word in rows[0][1]]
    order = _order(path, header, [TIME, *names])
    if len(rows) < 4:
        raise UserError(
            f"motion table '{path}': expected at least 3 rows, of which the last is the first one lap later,"
            f" got {len(rows) - 1}"
        )
    table = np.array([_numbers(path, line, row, header) for line, row in rows[1:]])
    return [line for line, _ in rows[1:]], table[:, order]


def _delimiter(header: str) -> str:
    """What separates columns: commas; or tabs or semicolons, where there are no commas."""
    return next((one for one in ",\t;" if one in header), ",")


def _order(path: Path, header: list[str], wanted: list[str]) -> list[int]:
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice:
        raise UserError(f"motion table '{path}': expected every column once, got '{twice}' twice")
    foreign, missing = ([f"'{name}'" for name in one if name not in other] for one, other in
                        ((header, wanted), (wanted, header)))  # fmt: skip
    if foreign:
        near = nearest(foreign[0].strip("'"), wanted) if len(foreign) == 1 else ""
        lacks = f", and none of {', '.join(missing)}" if missing else ""
        raise UserError(
            f"motion table '{path}': expected the model's columns, got {', '.join(foreign)}, which it"
            f" lacks{near}{lacks}"
        )
    if missing:
        what, none = ("a column", "that name") if len(missing) == 1 else ("columns", "those names")
        raise UserError(f"motion table '{path}': expected {what} {', '.join(missing)}, got none of {none}")
    return [header.index(name) for name in wanted]


def _numbers(path: Path, line: int, row: list[str], header: list[str]) -> list[float]:
    if len(row) != len(header):
        raise wrong(path, line, f"{len(header)} numbers, one a column", str(len(row)))
    values = []
    for name, word in zip(header, row, strict=True):
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not abs(value) < _LARGEST:  # squares of it are numbers too
            raise wrong(path, line, f"a finite number for '{name}'", f"'{word[:40]}'")
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
            " motion.from and motion.to choose a whole lap, motion.lap: find finds them"
        )
    return displacement, turn
