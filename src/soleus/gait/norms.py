"""What is normal: the eight phases of gait, and the bands and figures that a person is put beside.

Who walks is put beside people who walk, who runs beside people who run (motions/run.yaml, at 3 m/s, without bands).

The phases are those of Perry and Burnfield (2010), Gait Analysis, 2nd ed., chapter 2, whose stance is 62 % of a cycle.
Means of the angles are those of the built-in gait cycle, motions/walk.yaml, whose head names its sources. Standard
deviations between people are those of the norm that ships with SCONE (opensim-org/SCONE,
resources/gaitanalysis/default.zml: half the distance between its norm_min and norm_max), read off every 5 % and rounded
to half a degree. For the other angles no standard deviation of adults is published there, and their means come without
a band.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.gait.cycles import POINTS
from soleus.motions.registry import built_in_cycle

Floats = NDArray[np.float64]

STANCE = 62.0
"""[%] of the cycle that a foot stands, by which the limits of PHASES are meant."""


@dataclass(frozen=True)
class Phase:
    """A phase of gait: from and to a percentage of the cycle."""

    name: str
    short: str
    start: float
    end: float


PHASES = (
    Phase("initial contact", "IC", 0, 2),
    Phase("loading response", "LR", 2, 12),
    Phase("mid stance", "MSt", 12, 31),
    Phase("terminal stance", "TSt", 31, 50),
    Phase("pre-swing", "PSw", 50, 62),
    Phase("initial swing", "ISw", 62, 75),
    Phase("mid swing", "MSw", 75, 87),
    Phase("terminal swing", "TSw", 87, 100),
)


def phases(stance: float) -> list[Phase]:
    """Return the phases of a cycle whose stance is `stance` [%]: stance and swing stretched each by itself."""

    def scaled(at: float) -> float:
        return at * stance / STANCE if at <= STANCE else 100 - (100 - at) * (100 - stance) / (100 - STANCE)

    return [Phase(p.name, p.short, scaled(p.start), scaled(p.end)) for p in PHASES]


@dataclass(frozen=True, eq=False)
class Band:
    """A mean and a standard deviation over the cycle, (101,) each; sd None where none is known."""

    mean: Floats
    sd: Floats | None


_SDS: dict[str, list[float]] = {  # [degree] every 5 % from the strike
    "hip_flexion": [8, 8.5, 9.5, 9.5, 9.5, 9, 9, 9, 8.5, 8.5, 8, 8, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 8],
    "knee_flexion": [3.5, 4, 4.5, 5, 5.5, 5.5, 5, 4.5, 4.5, 4, 4.5, 6, 7, 6, 5, 5, 6, 7.5, 8, 5.5],
    "ankle_dorsiflexion": [2.5, 3, 2.5, 2.5, 2.5, 2.5, 3, 2.5, 2.5, 3, 4.5, 7, 9, 7.5, 5.5, 4, 4, 3.5, 3, 3],
    "pelvis_tilt": [7] * 20,
}  # fmt: skip


def gait_of(stance: float) -> str:
    """Return walk or run, by the share of the cycle that a foot stands [%]: who runs flies between two stances."""
    return "walk" if stance >= 50 else "run"


def angle_bands(gait: str) -> dict[str, Band]:
    """Return the bands [degree] of a walk or run, by angle: of ANGLES, pelvis_tilt, pelvis_list, pelvis_rotation."""
    cycle = built_in_cycle(gait)
    at = np.linspace(0, 1, POINTS)
    series = {**cycle.angles, **{f"pelvis_{name}": s for name, s in cycle.pelvis.items() if name != "sway"}}
    return {name: Band(np.rad2deg(one(at)), _spread(name) if gait == "walk" else None) for name, one in series.items()}


def _spread(name: str) -> Floats | None:
    if name not in _SDS:
        return None
    table = np.array([*_SDS[name], _SDS[name][0]], dtype=np.float64)
    return np.interp(np.linspace(0, 1, POINTS), np.linspace(0, 1, len(table)), table)


@dataclass(frozen=True)
class Usual:
    """What adults do at their own speed."""

    value: float
    source: str


COSTS = {"walk": Usual(3.3, "Ralston (1958)"), "run": Usual(4.2, "Margaria et al. (1963)")}
"""Metabolic cost of transport [J/kg/m], by gait.

Ralston (1958), Int. Z. angew. Physiol. 17:277: 0.78 cal/m/kg all told, at the speed at which people choose to walk.
Margaria, Cerretelli, Aghemo, Sassi (1963), J. Appl. Physiol. 18:367: 1 kcal/kg/km above rest, whatever the speed of a
run.
"""


def usual_figures(gait: str) -> dict[str, Usual]:
    """Return what adults who walk or run come to, by the key of the measure: of the built-in cycle, and of COSTS."""
    cycle = built_in_cycle(gait)
    stride = cycle.stride * cycle.leg_length
    tables = f"the gait tables of motions/{gait}.yaml"
    figures = {
        "speed": stride / cycle.duration,
        "cadence": 120 / cycle.duration,
        "stride_length": stride,
        "stride_time": cycle.duration,
        "step_length": stride / 2,
        "step_time": cycle.duration / 2,
        "stance_share": 100 * cycle.stance,
        "double_support": 100 * max(2 * cycle.stance - 1, 0),
        "flight": 100 * max(1 - 2 * cycle.stance, 0),
    }
    usual = {key: Usual(round(value, 3), tables) for key, value in figures.items()}
    return {**usual, "cost_of_transport": COSTS[gait]}
