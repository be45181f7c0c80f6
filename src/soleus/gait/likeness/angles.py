"""How alike joint angles are to people's."""

from collections.abc import Mapping

import numpy as np

from soleus.gait.curves import Curve
from soleus.gait.likeness.yardstick import Kind, Yardstick, alike, correlation, near, over_sides

JUDGED = {
    "hip_flexion": "Hip flexion",
    "knee_flexion": "Knee flexion",
    "ankle_dorsiflexion": "Ankle dorsiflexion",
    "pelvis_list": "Pelvic list",
    "hip_adduction": "Hip adduction",
}
"""Angles that there is a normal curve of in every textbook, by the name of a report's curve"""
WITHIN = 68.0
"""[%] of the cycle that somebody is within one standard deviation of the mean, of a normal distribution"""
_SOURCE = "gait tables"


def yardsticks(angles: Mapping[str, Curve]) -> list[Yardstick]:
    """Return those of the angles by name; an angle whose spread between people is not known is correlated alone."""
    found = []
    for name, label in JUDGED.items():
        curve = angles.get(name)
        band = curve.band if curve else None
        means = [side.mean for side in curve.sides.values()] if curve and band else []
        kind = Kind(f"{name}_r", "angles", f"{label}: correlation", "", _SOURCE)
        found.append(alike(kind, over_sides(correlation(mean, band.mean) for mean in means) if band else None))
        if band is None or band.sd is None:
            continue
        away = [mean - band.mean for mean in means]
        rms = over_sides(float(np.sqrt(np.mean(one**2))) for one in away)
        spread = float(np.sqrt(np.mean(band.sd**2)))
        found.append(
            near(Kind(f"{name}_rms", "angles", f"{label}: rms from normal", "degree", _SOURCE), rms, 0, spread)
        )
        inside = over_sides(100 * float(np.mean(np.abs(one) <= band.sd)) for one in away)
        found.append(alike(Kind(f"{name}_within", "angles", f"{label}: within the band", "%", _SOURCE), inside, WITHIN))
    return found
