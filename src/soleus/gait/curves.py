"""Curves over the gait cycle: means and standard deviations over strides, of each side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.gait.cycles import GRAVITY, POINTS, SIDES, Stride, Strides, Walk
from soleus.gait.norms import Band
from soleus.motions.anatomy import Angle
from soleus.paths.function import GROUPS, Function

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Side:
    """One side's curve, from that foot's strike to its next."""

    mean: Floats
    """(101,)"""
    sd: Floats
    """(101,) over strides; 0 of a single one"""


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over the cycle."""

    label: str
    unit: str
    sides: dict[str, Side]
    """By "right" and "left"; a side without strides, or without the quantity, is missing."""
    band: Band | None = None
    """What is normal."""
    muscles: tuple[str, ...] = ()
    """Those that a group of muscles has, of both legs."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A quantity over the cycle, stride by stride."""

    label: str
    unit: str
    sides: dict[str, Floats]
    """(strides, 101) by "right" and "left", in the order of Strides.of; a side without the quantity is missing"""
    muscles: tuple[str, ...] = ()

    def curve(self, band: Band | None = None) -> Curve:
        """Return means and standard deviations over the strides."""
        sides = {side: _side(rows) for side, rows in self.sides.items() if len(rows)}
        return Curve(self.label, self.unit, sides, band, self.muscles)


_ANGLES = {
    "hip_flexion": "Hip flexion",
    "knee_flexion": "Knee flexion",
    "ankle_dorsiflexion": "Ankle dorsiflexion",
    "hip_adduction": "Hip adduction",
    "hip_internal_rotation": "Hip internal rotation",
    "toe_extension": "Toe extension",
    "pelvis_tilt": "Pelvis: forward tilt",
    "pelvis_list": "Pelvis: own side up",
    "pelvis_rotation": "Pelvis: own side forward",
}
_FORCES = {
    "vertical": "Vertical",
    "fore_aft": "Fore-aft (forward +)",
    "lateral": "Lateral (towards the other foot +)",
}

Values = Callable[[Walk], Floats]


def angle_curves(strides: Strides, angles: list[Angle], bands: dict[str, Band]) -> dict[str, Curve]:
    """Return joint angles [degree] by name, the pelvis' among them; of a model without any, its coordinates."""
    return {name: rows.curve(bands.get(name)) for name, rows in angle_rows(strides, angles).items()}


def angle_rows(strides: Strides, angles: list[Angle]) -> dict[str, Rows]:
    """Return the same stride by stride."""
    found = {}
    for name in _ANGLES:
        of_side = {angle.side: angle for angle in angles if angle.name == name}
        reads = {s: _angle_values(of_side["rl"[s]]) for s in (0, 1) if "rl"[s] in of_side}
        if reads:
            found[name] = Rows(_ANGLES[name], "degree", sides_over_cycle(strides, reads))
    return (found or _coordinates(strides)) | _pelvis(strides)


def _angle_values(angle: Angle) -> Values:
    return lambda walk: np.rad2deg(angle.read(walk.trace.qpos))


def _coordinates(strides: Strides) -> dict[str, Rows]:
    """Every joint that is a number, over the strides of both feet: which leg it belongs to is not known."""
    human = strides.walks[0].trace.human
    found = {}
    for c in human.actuated:
        name, dof = human.coordinate_names[c], int(human.coordinate_dof[c])
        adr = int(human.coupling.qpos_adr[dof])
        if adr < 0:
            continue
        slides = bool(human.model.jnt_type[human.model.dof_jntid[dof]] == mujoco.mjtJoint.mjJNT_SLIDE)

        def values(walk: Walk, adr: int = adr, factor: float = 1.0 if slides else 180 / np.pi) -> Floats:
            return np.asarray(factor * (walk.trace.qpos[:, adr] - walk.trace.human.qpos_rest[adr]))

        found[name] = Rows(name, "m" if slides else "degree", sides_over_cycle(strides, {0: values, 1: values}))
    return found


def _pelvis(strides: Strides) -> dict[str, Rows]:
    def turn(column: int, side: int) -> Values:
        # List and rotation are those of the side whose cycle it is.
        sign = -1.0 if side and column else 1.0
        return lambda walk: sign * np.rad2deg(walk.root.turn[:, column])

    names = ["pelvis_tilt"] if strides.walks[0].root.planar else ["pelvis_tilt", "pelvis_list", "pelvis_rotation"]
    found = {}
    for column, name in enumerate(names):
        each = sides_over_cycle(strides, {side: turn(column, side) for side in (0, 1)})
        if column == 2:  # against the way the person goes
            for side, label in enumerate(SIDES):
                ahead = [_wrapped_heading(strides, s, side) for s in strides.of(side)]
                each[label] = each[label] - np.array(ahead).reshape(-1, 1)
        found[name] = Rows(_ANGLES[name], "degree", each)
    return found


def _wrapped_heading(strides: Strides, stride: Stride, side: int) -> float:
    """Direction [degree] of a stride, by whole turns as near as can be to where the pelvis faces."""
    walk = strides.walks[stride.trace]
    ahead = np.rad2deg(np.arctan2(*walk.heading(stride)[::-1]))
    faces = np.rad2deg(walk.root.turn[stride.start : stride.end, 2].mean())
    return float((-1 if side else 1) * (ahead + 360 * np.round((faces - ahead) / 360)))


def activation_curves(strides: Strides, functions: list[Function]) -> dict[str, Curve]:
    """Return mean activations [0, 1] of groups of muscles by key of GROUPS; groups without muscles are missing."""
    return {key: rows.curve() for key, rows in activation_rows(strides, functions).items()}


def activation_rows(strides: Strides, functions: list[Function]) -> dict[str, Rows]:
    """Return the same stride by stride."""
    found = {}
    for key, (label, _, _) in GROUPS.items():
        members = [f for f in functions if key in f.groups and f.side]
        if members:
            found[key] = mean_rows(strides, functions, label, members, "activation", _activation)
    return found


def mean_rows(
    strides: Strides,
    functions: Sequence[Function],
    label: str,
    members: Sequence[Function],
    unit: str,
    quantity: Values,
) -> Rows:
    """Return the mean of a quantity (T, nm) [0, 1] over some of the muscles stride by stride, each leg's over its own
    cycle.
    """
    own = {s: [m for m, f in enumerate(functions) if f in members and f.side == "rl"[s]] for s in (0, 1)}
    reads = {s: _mean(quantity, muscles) for s, muscles in own.items() if muscles}
    names = tuple(functions[m].muscle for muscles in own.values() for m in muscles)
    return Rows(label, unit, sides_over_cycle(strides, reads), names)


def _activation(walk: Walk) -> Floats:
    return walk.trace.activation


def _mean(quantity: Values, muscles: list[int]) -> Values:
    return lambda walk: np.asarray(quantity(walk)[:, muscles].mean(axis=1))


def muscle_curves(strides: Strides, functions: list[Function]) -> dict[str, Side]:
    """Return the activation of each muscle that moves a leg, over that leg's cycle, by its name."""
    curves: dict[str, Side] = {}
    for side in (0, 1):
        own = [(m, f.muscle) for m, f in enumerate(functions) if f.side == "rl"[side]]
        rows = [strides.over_cycle(s, strides.walks[s.trace].trace.activation) for s in strides.of(side)]
        if rows:
            together = np.stack(rows)
            curves |= {name: _side(together[:, :, m]) for m, name in own}
    return curves


def force_rows(strides: Strides) -> dict[str, Rows]:
    """Return the force of the ground on the foot [body weights]; a planar model has no lateral one."""
    planar = strides.walks[0].root.planar
    return {
        name: Rows(label, "body weights", _forces(strides, column))
        for column, (name, label) in enumerate(_FORCES.items())
        if not (planar and name == "lateral")
    }


def _forces(strides: Strides, column: int) -> dict[str, Floats]:
    found = {}
    for side, label in enumerate(SIDES):
        rows = []
        for stride in strides.of(side):
            walk = strides.walks[stride.trace]
            ahead = walk.heading(stride)
            # Towards the other foot: to the left of a right foot.
            across = np.array([-ahead[1], ahead[0]]) * (1 if side == 0 else -1)
            axis = np.array([[0, 0, 1], [*ahead, 0], [*across, 0]])[column]
            weight = walk.trace.human.mass * GRAVITY
            rows.append(strides.over_cycle(stride, walk.trace.ground_force[:, side] @ axis / weight))
        found[label] = np.array(rows, dtype=np.float64).reshape(-1, POINTS)
    return found


def sides_over_cycle(strides: Strides, reads: dict[int, Values]) -> dict[str, Floats]:
    """Return what is read of each side, (strides, 101) by "right" and "left". reads: by side, 0 right, 1 left."""
    return {SIDES[side]: _rows(strides, side, values) for side, values in reads.items()}


def _rows(strides: Strides, side: int, values: Values) -> Floats:
    """Values over the cycle, a row a stride: (strides, 101)."""
    known: dict[int, Floats] = {}
    rows = []
    for stride in strides.of(side):
        if stride.trace not in known:
            known[stride.trace] = values(strides.walks[stride.trace])
        rows.append(strides.over_cycle(stride, known[stride.trace]))
    return np.array(rows, dtype=np.float64).reshape(-1, POINTS)


def _side(rows: Floats) -> Side:
    return Side(rows.mean(axis=0), rows.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(rows.shape[1]))
