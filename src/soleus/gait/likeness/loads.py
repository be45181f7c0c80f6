"""How alike the torques and powers of the joints are to people's."""

from collections.abc import Mapping

from soleus.gait.curves import Rows
from soleus.gait.likeness.yardstick import Kind, Yardstick, alike, correlation, near, over_sides
from soleus.gait.norms import Band

_JUDGED = {
    "hip_torque": "Hip torque: correlation",
    "knee_torque": "Knee torque: correlation",
    "ankle_torque": "Ankle torque: correlation",
    "ankle_power": "Ankle power: correlation",
}
_PUSH_OFF = (3.5, 0.9)  # [W/kg] mean and standard deviation of young adults, of each person's own peak


def yardsticks(loads: Mapping[str, Rows], bands: Mapping[str, Band]) -> list[Yardstick]:
    """Return those of torques [N m/kg] and powers [W/kg] stride by stride, by name of kinetics.load_rows."""
    found = []
    for name, label in _JUDGED.items():
        band = bands[name]
        curve = loads[name].curve(band) if name in loads else None
        sides = curve.sides.values() if curve else ()
        value = over_sides(correlation(side.mean, band.mean) for side in sides)
        found.append(alike(Kind(f"{name}_r", "torques", label, "", "Schwartz et al."), value))
    ankle = bands["ankle_torque"]
    assert ankle.sd is not None
    at = int(ankle.mean.argmax())
    peak = Kind("ankle_peak", "torques", "Peak plantarflexion torque", "N m/kg", "Schwartz et al.")
    found.append(near(peak, _peak(loads, "ankle_torque"), float(ankle.mean[at]), float(ankle.sd[at])))
    push = Kind("push_off", "torques", "Peak push-off power of the ankle", "W/kg", "Judge et al.")
    found.append(near(push, _peak(loads, "ankle_power"), *_PUSH_OFF))
    return found


def _peak(loads: Mapping[str, Rows], name: str) -> float | None:
    """Mean of each stride's own peak, over the strides of each side, then over the sides; None without the joint."""
    sides = loads[name].sides.values() if name in loads else ()
    return over_sides(float(rows.max(axis=1).mean()) for rows in sides if len(rows))
