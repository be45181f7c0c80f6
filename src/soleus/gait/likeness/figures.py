"""How alike the figures of a gait are to people's: stance, step width, slip, symmetry, steadiness, and its cost."""

from collections.abc import Mapping

from soleus.gait.likeness.yardstick import Kind, Yardstick, near, over_sides
from soleus.gait.measures import Measure
from soleus.gait.norms import Usual

_STANCE_SD, _DOUBLE_SD = 2.0, 4.0  # [%] of the cycle
_WIDTH = (0.1, 0.03)  # [m]
_SLIP_SPREAD = 0.01  # [m] that a standing foot moves
_ASYMMETRY_SPREAD = 5.0  # [%]
_VARIABILITY = (2.0, 1.0)  # [%] of the mean
_COST_SPREAD = 0.5  # [J/kg/m]


def yardsticks(
    measures: Mapping[str, Measure],
    symmetry: Mapping[str, float | None],
    slip: Mapping[str, float],
    usual: Mapping[str, Usual],
) -> list[Yardstick]:
    """Return those of the figures of a gait. slip: [m] of a stride, by side. usual: norms.usual_figures of a walk."""

    asymmetry = [abs(value) for value in symmetry.values() if value is not None]
    worst = max(asymmetry) if asymmetry else None
    mean = {key: measure.mean for key, measure in measures.items()}
    normal = {key: figure.value for key, figure in usual.items()}
    varies = {key: _varies(measures[key]) for key in ("stride_time", "step_length")}
    share = "% of the cycle"
    return [
        near(_of("stance", "Stance", share, "gait tables"), mean["stance_share"], normal["stance_share"], _STANCE_SD),
        near(
            _of("double_support", "Double support", share, "gait tables"),
            mean["double_support"],
            normal["double_support"],
            _DOUBLE_SD,
        ),
        near(_of("step_width", "Step width", "m", "textbooks"), mean["step_width"], *_WIDTH),
        near(_of("slip", "Slip of a standing foot", "m", "ours"), over_sides(slip.values()), 0, _SLIP_SPREAD),
        near(_of("asymmetry", "Largest difference of the legs", "%", "ours"), worst, 0, _ASYMMETRY_SPREAD),
        near(_of("time_varies", "Variability of stride time", "%", "Hausdorff"), varies["stride_time"], *_VARIABILITY),
        near(_of("step_varies", "Variability of step length", "%", "Hausdorff"), varies["step_length"], *_VARIABILITY),
        near(
            Kind("cost", "cost", "Metabolic cost of transport", "J/kg/m", "Ralston"),
            mean["cost_of_transport"],
            normal["cost_of_transport"],
            _COST_SPREAD,
        ),
    ]


def _of(key: str, label: str, unit: str, source: str) -> Kind:
    return Kind(key, "gait", label, unit, source)


def _varies(measure: Measure) -> float | None:
    """Standard deviation over the mean [%]."""
    if measure.mean is None or measure.sd is None or measure.mean == 0:
        return None
    return 100 * measure.sd / measure.mean
