"""Curves over the gait cycle: means and standard deviations over strides, of each side."""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.gait.cycles import GRAVITY, SIDES, Stride, Strides, Walk
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
    curves = {}
    for name in _ANGLES:
        of_side = {angle.side: angle for angle in angles if angle.name == name}
        reads = {s: _angle_values(of_side["rl"[s]]) for s in (0, 1) if "rl"[s] in of_side}
        if reads:
            curves[name] = Curve(_ANGLES[name], "degree", _sides(strides, reads), bands.get(name))
    if not curves:
        curves = _coordinates(strides)
    return curves | _pelvis(strides, bands)


def _angle_values(angle: Angle) -> Values:
    return lambda walk: np.rad2deg(angle.read(walk.trace.qpos))


def _coordinates(strides: Strides) -> dict[str, Curve]:
    """Every joint that is a number, over the strides of both feet: which leg it belongs to is not known."""
    human = strides.walks[0].trace.human
    curves = {}
    for c in human.actuated:
        name, dof = human.coordinate_names[c], int(human.coordinate_dof[c])
        adr = int(human.coupling.qpos_adr[dof])
        if adr < 0:
            continue
        slides = bool(human.model.jnt_type[human.model.dof_jntid[dof]] == mujoco.mjtJoint.mjJNT_SLIDE)

        def values(walk: Walk, adr: int = adr, factor: float = 1.0 if slides else 180 / np.pi) -> Floats:
            return np.asarray(factor * (walk.trace.qpos[:, adr] - walk.trace.human.qpos_rest[adr]))

        curves[name] = Curve(name, "m" if slides else "degree", _sides(strides, {0: values, 1: values}))
    return curves


def _pelvis(strides: Strides, bands: dict[str, Band]) -> dict[str, Curve]:
    def turn(column: int, side: int) -> Values:
        # List and rotation are those of the side whose cycle it is.
        sign = -1.0 if side and column else 1.0
        return lambda walk: sign * np.rad2deg(walk.root.turn[:, column])

    names = ["pelvis_tilt"] if strides.walks[0].root.planar else ["pelvis_tilt", "pelvis_list", "pelvis_rotation"]
    curves = {}
    for column, name in enumerate(names):
        each = {}
        for side, label in enumerate(SIDES):
            rows = _rows(strides, side, turn(column, side))
            if column == 2:  # against the way the person goes
                rows -= np.array([_wrapped_heading(strides, s, side) for s in strides.of(side)]).reshape(-1, 1)
            if len(rows):
                each[label] = _side(rows)
        curves[name] = Curve(_ANGLES[name], "degree", each, bands.get(name))
    return curves


def _wrapped_heading(strides: Strides, stride: Stride, side: int) -> float:
    """Direction [degree] of a stride, by whole turns as near as can be to where the pelvis faces."""
    walk = strides.walks[stride.trace]
    ahead = np.rad2deg(np.arctan2(*walk.heading(stride)[::-1]))
    faces = np.rad2deg(walk.root.turn[stride.start : stride.end, 2].mean())
    return float((-1 if side else 1) * (ahead + 360 * np.round((faces - ahead) / 360)))


def activation_curves(strides: Strides, functions: list[Function]) -> dict[str, Curve]:
    """Return mean activations [0, 1] of groups of muscles by key of GROUPS; groups without muscles are missing."""
    curves = {}
    for key, (label, _, _) in GROUPS.items():
        members = {s: [m for m, f in enumerate(functions) if key in f.groups and f.side == "rl"[s]] for s in (0, 1)}
        reads = {s: _mean_activation(own) for s, own in members.items() if own}
        if reads:
            names = tuple(functions[m].muscle for own in members.values() for m in own)
            curves[key] = Curve(label, "activation", _sides(strides, reads), muscles=names)
    return curves


def _mean_activation(muscles: list[int]) -> Values:
    return lambda walk: np.asarray(walk.trace.activation[:, muscles].mean(axis=1))


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


def force_curves(strides: Strides) -> dict[str, Curve]:
    """Return the force of the ground on the foot [body weights]; a planar model has no lateral one."""
    planar = strides.walks[0].root.planar
    return {
        name: Curve(label, "body weights", _forces(strides, column))
        for column, (name, label) in enumerate(_FORCES.items())
        if not (planar and name == "lateral")
    }


def _forces(strides: Strides, column: int) -> dict[str, Side]:
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
        if rows:
            found[label] = _side(np.stack(rows))
    return found


def _sides(strides: Strides, reads: dict[int, Values]) -> dict[str, Side]:
    rows = {side: _rows(strides, side, values) for side, values in reads.items()}
    return {SIDES[side]: _side(values) for side, values in rows.items() if len(values)}


def _rows(strides: Strides, side: int, values: Values) -> Floats:
    """Values over the cycle, a row a stride: (strides, 101)."""
    known: dict[int, Floats] = {}
    rows = []
    for stride in strides.of(side):
        if stride.trace not in known:
            known[stride.trace] = values(strides.walks[stride.trace])
        rows.append(strides.over_cycle(stride, known[stride.trace]))
    return np.array(rows, dtype=np.float64)


def _side(rows: Floats) -> Side:
    return Side(rows.mean(axis=0), rows.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(rows.shape[1]))
