"""How alike the forces of the ground are to people's.

Peaks and the trough are those of each stride, averaged over strides: a mean curve would be flatter than any stride.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.gait.curves import Rows
from soleus.gait.likeness.yardstick import Kind, Yardstick, alike, correlation, near, over_sides
from soleus.gait.norms import Band

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Extreme:
    """The most or least of a force within a part of the cycle."""

    force: str
    label: str
    start: int
    end: int
    """[%] of the cycle, both among them"""
    most: bool
    only_above: bool = False
    """Less than normal is no flaw."""

    def at(self, rows: Floats) -> NDArray[np.int_]:
        """Return where it is (strides,) in rows (strides, 101) [%]."""
        part = rows[:, self.start : self.end + 1]
        return np.asarray(self.start + (part.argmax(axis=1) if self.most else part.argmin(axis=1)))

    def of(self, rows: Floats) -> Floats:
        """Return what it is (strides,)."""
        return np.asarray(rows[np.arange(len(rows)), self.at(rows)])


EXTREMES = {
    "first_peak": Extreme("vertical", "Vertical force: first peak", 3, 30, True),
    "trough": Extreme("vertical", "Vertical force: trough", 20, 45, False),
    "second_peak": Extreme("vertical", "Vertical force: second peak", 35, 61, True),
    # Before a tenth of the cycle a force is the impact's, not yet the weight's.
    "impact": Extreme("vertical", "Vertical force: impact", 0, 10, True, only_above=True),
    "braking": Extreme("fore_aft", "Fore-aft force: braking peak", 0, 40, False),
    "propulsion": Extreme("fore_aft", "Fore-aft force: propulsive peak", 30, 65, True),
}
_LABELS = {"vertical": "Vertical force: correlation", "fore_aft": "Fore-aft force: correlation"}
_SOURCES = {"vertical": "SCONE", "fore_aft": "textbooks"}
_FORE_AFT_SPREAD = 0.04  # [body weights]
_LOADING_SPREAD = 2.0  # [body weights/s]


def loading_rate(rows: Floats, cycle: float) -> Floats:
    """Return the first peak over the time from the strike to it (strides,) [body weights/s]. cycle: [s]"""
    peak = EXTREMES["first_peak"]
    return peak.of(rows) / (peak.at(rows) / 100 * cycle)


def yardsticks(
    forces: Mapping[str, Rows], bands: Mapping[str, Band], cycle: float, usual_cycle: float
) -> list[Yardstick]:
    """Return those of forces stride by stride [body weights]. cycle, usual_cycle: mean stride time, and people's [s]"""
    found = []
    for name, label in _LABELS.items():
        band = bands[name]
        curve = forces[name].curve(band)
        value = over_sides(correlation(side.mean, band.mean) for side in curve.sides.values())
        found.append(alike(Kind(f"{name}_r", "forces", label, "", _SOURCES[name]), value))
        found += [_extreme(key, one, forces[name], band) for key, one in EXTREMES.items() if one.force == name]
    kind = Kind("loading_rate", "forces", "Loading rate", "body weights/s", _SOURCES["vertical"])
    rates = [loading_rate(rows, cycle) for rows in forces["vertical"].sides.values() if len(rows)]
    normal = float(loading_rate(bands["vertical"].mean[None], usual_cycle)[0])
    value = over_sides(float(rate.mean()) for rate in rates)
    return [*found, near(kind, value, normal, _LOADING_SPREAD, only_above=True)]


def _extreme(key: str, extreme: Extreme, rows: Rows, band: Band) -> Yardstick:
    normal = band.mean[None]
    spread = _FORE_AFT_SPREAD if band.sd is None else float(band.sd[extreme.at(normal)[0]])
    value = over_sides(float(extreme.of(each).mean()) for each in rows.sides.values() if len(each))
    kind = Kind(key, "forces", extreme.label, "body weights", _SOURCES[extreme.force])
    return near(kind, value, float(extreme.of(normal)[0]), spread, only_above=extreme.only_above)
