"""A subject's own recording, cut into cycles: poses, forces of the ground, electromyography."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soleus import motions
from soleus.config.sources import STORAGE_ENDINGS, TableMotion
from soleus.errors import UserError
from soleus.gait.curves import Rows, Values, angle_rows, force_rows, sides_over_cycle
from soleus.gait.cycles import GRAVITY, SIDES, Strides, cut_recording
from soleus.gait.electromyography import GROUPS, group_of
from soleus.gait.excitation import ENVELOPE_HZ
from soleus.models import Human
from soleus.models.sides import side as side_of
from soleus.motions.anatomy import angles_of, root_of
from soleus.motions.coordinates import read_coordinates
from soleus.motions.recording import TIME
from soleus.motions.smoothing import low_pass
from soleus.motions.storage import read_storage, text_lines
from soleus.motions.strikes import recorded_strikes
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]

_NEAR = 0.25  # [s] around a strike in which the foot is nowhere farther ahead
_CARRIES = 100.0  # [N] of the ground on both feet: less is nobody on the plates
_STANDS = 0.5  # of body weight: a cycle whose foot was on no plate has less
_FEET = (("ground_force_r_v", "ground_force_v"), ("ground_force_l_v", "1_ground_force_v"))
"""What the columns of the right and of the left foot's force begin with, in the files that OpenSim ships"""


@dataclass(frozen=True, eq=False)
class Recorded:
    """What was measured of a subject, cycle by cycle."""

    name: str
    cycles: dict[str, int]
    """Numbers by side"""
    angles: dict[str, Rows]
    """[degree] by name of an angle"""
    forces: dict[str, Rows]
    """[body weights]; none without a file of them"""
    groups: dict[str, Rows]
    """Electromyography by key of electromyography.GROUPS, in units of its own; none without a file of it"""
    notes: tuple[str, ...]
    """What was made of the files, in sentences"""


def read_recorded(human: Human, poses: Path, forces: Path | None = None, emg: Path | None = None) -> Recorded:
    """Read a recording of whom the model is. Raises UserError, one line, for a file that does not fit the model or the
    other files, and where there is no whole cycle."""
    if poses.suffix.lower() not in STORAGE_ENDINGS:
        raise UserError(f"--against: expected a file that ends in {' or '.join(STORAGE_ENDINGS)}, got {poses}")
    source = TableMotion(table=str(poses), lap="once")
    motion = motions.load(source, human)
    dt = motion.duration / (len(motion.qpos) - 1)
    raw = read_coordinates(poses, human, source)
    times = raw.times[0] + dt * np.arange(len(motion.qpos))
    ground = np.zeros((len(times), 2, 3))
    if forces is not None:
        # The motion was turned to head along x, and the forces are turned with it.
        ahead, before = (root_of(human, qpos[:1]).turn[0, 2] for qpos in (motion.qpos, raw.qpos))
        ground = _forces(forces, times, human) @ _about_vertical(ahead - before).T
    trace = _trace(human, dt, motion.qpos, ground)
    strides = cut_recording(trace) if forces else Strides([], [])
    notes = [*motion.notes]
    if not strides.kept:
        strides = _by_poses(trace)
        notes.append("Cycles are cut by the poses alone: where each foot comes down after it was farthest ahead.")
    if not strides.kept:
        raise UserError(f"--against: expected one whole cycle or more in {poses}, got none in {motion.duration:.2f} s")
    cycles = {label: len(strides.of(side)) for side, label in enumerate(SIDES)}
    groups = {} if emg is None else _electromyography(emg, times, strides)
    found = _on_plates(force_rows(strides)) if forces else {}
    return Recorded(
        poses.name, cycles, angle_rows(strides, angles_of(human)), found, groups, tuple(dict.fromkeys(notes))
    )


def _about_vertical(angle: float) -> Floats:
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def _trace(human: Human, dt: float, qpos: Floats, ground: Floats) -> Trace:
    """Poses and forces (K, 2, 3) as a trace of somebody of whom nothing else is known."""
    steps = len(qpos)
    muscles, feet, none = np.zeros((steps, len(human.muscle_names))), np.zeros((steps, 2, 3)), np.zeros((steps, 0))
    speeds = np.zeros((steps, human.model.nv))
    return Trace(human, dt, (), qpos, speeds, muscles, muscles, ground, feet, feet, np.zeros(steps), none, none)


def _by_poses(trace: Trace) -> Strides:
    near = max(1, round(_NEAR / trace.dt))
    return cut_recording(trace, recorded_strikes(trace.qpos, trace.human, near))


def _on_plates(rows: Mapping[str, Rows]) -> dict[str, Rows]:
    """Those cycles whose foot was on a plate."""
    on = {side: each.max(axis=1) > _STANDS for side, each in rows["vertical"].sides.items()}
    if not any(one.any() for one in on.values()):
        return {}
    return {
        name: Rows(one.label, one.unit, {side: each[on[side]] for side, each in one.sides.items()})
        for name, one in rows.items()
    }


def _forces(path: Path, times: Floats, human: Human) -> Floats:
    """Forces (K, 2, 3) of the ground on both feet at the poses' times, world axes with z up, as if the subject weighed
    what the model does: over body weight nothing else would compare."""
    storage = read_storage(path)
    found = np.zeros((len(times), 2, 3))
    for side, names in enumerate(_FEET):
        begins = next((name for name in names if f"{name}y" in storage.names), None)
        wanted = [f"{begins or names[0]}{axis}" for axis in "xyz"]
        missing = [name for name in wanted if name not in storage.names]
        if missing:
            other = f" (or {names[1]}x and so on)" if begins is None else ""
            raise UserError(
                f"--forces: expected a column {missing[0]} of the {SIDES[side]} foot in {path}{other}, got"
                f" {', '.join(storage.names[:4])} and so on"
            )
        columns = storage.values[:, [storage.names.index(name) for name in wanted]]
        if not np.isfinite(columns).all():
            raise UserError(f"--forces: expected finite numbers for {wanted[0]} and so on in {path}, got others")
        forward, up, right = (_at(times, storage.times, column, "--forces", path) for column in columns.T)
        found[:, side] = np.stack([forward, -right, up], axis=-1)
    total = found[:, :, 2].sum(axis=1)
    carried = total[total > _CARRIES]
    if not len(carried):
        raise UserError(
            f"--forces: expected vertical forces above {_CARRIES:g} N in {path}, got {total.max():.3g} at most"
        )
    return np.asarray(found * human.mass * GRAVITY / np.median(carried))


def _at(times: Floats, own: Floats, values: Floats, flag: str, path: Path) -> Floats:
    """Values at the poses' times, 0 where there are none. Raises UserError where there are none at all."""
    if own[-1] <= times[0] or own[0] >= times[-1]:
        raise UserError(
            f"{flag}: expected times among those of the poses, {times[0]:.2f} to {times[-1]:.2f} s, got"
            f" {own[0]:.2f} to {own[-1]:.2f} s in {path}"
        )
    return np.interp(times, own, values, left=0.0, right=0.0)


def _electromyography(path: Path, times: Floats, strides: Strides) -> dict[str, Rows]:
    """Envelopes by key of GROUPS: columns of one group and side are averaged."""
    names, own, values = _table(path)
    columns: dict[tuple[str, int], list[Floats]] = {}
    for k, name in enumerate(names):
        group, which = group_of(name), side_of(name)
        if group is None or not which:
            known = ", ".join(g.key for g in GROUPS)
            raise UserError(
                f"--emg: expected columns named after a muscle and its side, such as soleus_r, of {known}, got"
                f" '{name}' in {path}"
            )
        column = values[:, k]
        if (column < 0).any():  # a raw signal
            rate = (len(own) - 1) / (own[-1] - own[0])
            column = low_pass(np.abs(column - column.mean()), rate, ENVELOPE_HZ)
        columns.setdefault((group.key, "rl".index(which)), []).append(_at(times, own, column, "--emg", path))
    found = {}
    for group in GROUPS:
        means = {s: np.mean(columns[group.key, s], axis=0) for s in (0, 1) if (group.key, s) in columns}
        if means:
            reads = {s: _always(mean) for s, mean in means.items()}
            found[group.key] = Rows(group.label, "electromyography", sides_over_cycle(strides, reads))
    return found


def _always(values: Floats) -> Values:
    return lambda _: values


def _table(path: Path) -> tuple[list[str], Floats, Floats]:
    """Names of the columns after time, times (K,) [s] and values (K, n) of a CSV file."""
    lines = [line for line in text_lines(path, "--emg:", "a CSV file") if line.strip()]
    header = [word.strip() for word in lines[0].split(",")] if lines else []
    if len(header) < 2 or header[0].lower() != TIME:
        raise UserError(f"--emg: expected a header of '{TIME}' and muscles in {path}, got '{','.join(header)[:40]}'")
    if len(lines) < 4:
        raise UserError(f"--emg: expected 3 rows of numbers or more in {path}, got {len(lines) - 1}")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        words = line.split(",")
        try:
            row = [float(word) for word in words]
        except ValueError:
            row = []
        if len(row) != len(header) or not np.isfinite(row).all():
            raise UserError(
                f"--emg: expected {len(header)} finite numbers in row {number} of {path}, got '{line[:40]}'"
            )
        rows.append(row)
    table = np.array(rows)
    if not (np.diff(table[:, 0]) > 0).all():
        raise UserError(f"--emg: expected times that rise in {path}, got some that do not")
    return header[1:], table[:, 0], table[:, 1:]
