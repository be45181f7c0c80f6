"""Figures of a gait: speed, cadence, lengths and times of steps, stance, symmetry, the metabolic cost of transport.

Definitions are those of Perry and Burnfield (2010), Gait Analysis, 2nd ed., chapter 1, and Winter (1991), The
Biomechanics and Motor Control of Human Gait: a stride goes from a strike of a foot to its next, a step from a strike of
the other foot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.gait.cycles import SIDES, Stride, Strides, Walk

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """One figure. What a person did not do, or a model cannot, is None."""

    label: str
    unit: str
    mean: float | None
    sd: float | None
    """Over strides"""
    right: float | None = None
    left: float | None = None
    """Means over the strides of one foot"""


LABELS = {
    "speed": ("Speed", "m/s"),
    "cadence": ("Cadence", "steps/min"),
    "stride_length": ("Stride length", "m"),
    "stride_time": ("Stride time", "s"),
    "step_length": ("Step length", "m"),
    "step_time": ("Step time", "s"),
    "step_width": ("Step width", "m"),
    "stance_share": ("Stance", "% of the cycle"),
    "double_support": ("Double support", "% of the cycle"),
    "flight": ("Flight", "% of the cycle"),
    "peak_force": ("Peak vertical force", "body weights"),
}
"""Name and unit of each figure of a stride, by its key."""
RESTING_W_KG = 1.51
"""What a body takes beside the work of its muscles [W/kg]: the basal rate of OpenSim's Bhargava2004 metabolics."""
COMPARED = ("step_length", "step_time", "stance_share", "peak_force")
"""Figures that tell whether both legs do the same."""


def measures_of(strides: Strides) -> dict[str, Measure]:
    """Return the figures by their keys, those of LABELS and cost_of_transport."""
    rows = {side: [figures_of(strides.walks[s.trace], s) for s in strides.of(side)] for side in (0, 1)}
    found = {}
    for key, (label, unit) in LABELS.items():
        each = [_column(rows[side], key) for side in (0, 1)]
        both = np.concatenate(each)
        right, left = (_mean(values) for values in each)
        found[key] = Measure(label, unit, _mean(both), _sd(both), right, left)
    found |= _ratios(strides, found)
    cost = cost_of_transport(strides.walks)
    found["cost_of_transport"] = Measure("Metabolic cost of transport", "J/kg/m", cost, None)
    return found


def figures_of(walk: Walk, stride: Stride) -> dict[str, float]:
    """Return the figures of one stride by key of LABELS; what it does not tell of is missing."""
    dt, place, side = walk.trace.dt, walk.root.place, stride.side
    seconds = (stride.end - stride.start) * dt
    feet = [_standing(walk, foot, stride) for foot in (0, 1)]
    length = float(np.linalg.norm(place[stride.end, :2] - place[stride.start, :2]))
    vertical = walk.trace.ground_force[stride.start : stride.end, :, 2] / walk.weight
    figures = {
        "speed": length / seconds,
        "cadence": 120 / seconds,
        "stride_length": length,
        "stride_time": seconds,
        "stance_share": 100 * (stride.off - stride.start) / (stride.end - stride.start),
        "double_support": 100 * float(np.mean(feet[0] & feet[1])),
        "flight": 100 * float(np.mean(~feet[0] & ~feet[1])),
        "peak_force": float(vertical[:, side].max()),
    }
    if stride.opposite is not None:
        step = walk.foot_place(side, stride.end) - walk.foot_place(1 - side, stride.opposite)
        ahead = walk.heading(stride)
        figures["step_time"] = (stride.end - stride.opposite) * dt
        figures["step_length"] = float(step[:2] @ ahead)
        if not walk.root.planar:
            figures["step_width"] = abs(float(ahead[0] * step[1] - ahead[1] * step[0]))
    return figures


def _standing(walk: Walk, side: int, stride: Stride) -> NDArray[np.bool_]:
    """(steps of the stride,) whether a foot stands."""
    stands = np.zeros(len(walk.trace.qpos), dtype=np.bool_)
    for contact in walk.contacts[side]:
        stands[slice(contact.strike or 0, contact.off)] = True
    return stands[stride.start : stride.end]


def _ratios(strides: Strides, found: dict[str, Measure]) -> dict[str, Measure]:
    """Speed and cadence of all strides together: sums over sums, so that a long stride counts for longer."""
    kept = strides.kept
    seconds = sum((s.end - s.start) * strides.walks[s.trace].trace.dt for s in kept)
    lengths = [strides.walks[s.trace].root.place[[s.start, s.end], :2] for s in kept]
    metres = float(sum(np.linalg.norm(ends[1] - ends[0]) for ends in lengths))
    means = {"speed": metres / seconds, "cadence": 120 * len(kept) / seconds} if kept else {}
    return {
        key: Measure(found[key].label, found[key].unit, mean, found[key].sd, found[key].right, found[key].left)
        for key, mean in means.items()
    }


def cost_of_transport(walks: Sequence[Walk]) -> float | None:
    """Metabolic energy over mass and path [J/kg/m] of whole traces; None without muscles or without a metre."""
    energy = sum(walk.trace.metabolic_w_kg * walk.duration for walk in walks)
    metres = sum(walk.distance for walk in walks)
    return cost_over(energy, sum(walk.duration for walk in walks), metres) if energy > 0 and metres >= 1 else None


def cost_over(energy: float, seconds: float, metres: float) -> float:
    """Metabolic energy over mass and path [J/kg/m], all told. energy: of the muscles, over mass [J/kg]."""
    return (energy + RESTING_W_KG * seconds) / metres


def symmetry(measures: dict[str, Measure]) -> dict[str, float | None]:
    """Return the difference between the legs over their mean [%], 0 of equal ones, by key.

    Robinson, Herzog, Nigg (1987), J. Manipulative Physiol. Ther. 10:172; here right minus left, with its sign.
    """
    return {key: _index(measures[key]) for key in COMPARED}


def _index(measure: Measure) -> float | None:
    if measure.right is None or measure.left is None or measure.right + measure.left == 0:
        return None
    return 200 * (measure.right - measure.left) / (measure.right + measure.left)


def _column(rows: list[dict[str, float]], key: str) -> Floats:
    return np.array([row[key] for row in rows if key in row], dtype=np.float64)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _sd(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def strides_by_side(strides: Strides) -> dict[str, int]:
    """Return the numbers of strides that count, by side."""
    return {name: len(strides.of(side)) for side, name in enumerate(SIDES)}
