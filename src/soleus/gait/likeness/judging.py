"""Which yardsticks a walk is put beside."""

from collections.abc import Mapping
from dataclasses import dataclass

from soleus.gait.curves import Curve, Rows
from soleus.gait.kinetic_norms import force_bands, torque_bands
from soleus.gait.likeness import angles, figures, forces, loads, muscles
from soleus.gait.likeness.total import Likeness, total
from soleus.gait.measures import Measure
from soleus.gait.norms import usual_figures


@dataclass(frozen=True, eq=False)
class Walked:
    """What is known of a walk."""

    angles: Mapping[str, Curve]
    """With their bands"""
    forces: Mapping[str, Rows]
    loads: Mapping[str, Rows]
    groups: Mapping[str, Curve]
    """Mean activations by key of electromyography.GROUPS; none without muscles"""
    measures: Mapping[str, Measure]
    symmetry: Mapping[str, float | None]
    slip: Mapping[str, float]


def judge(walked: Walked) -> Likeness:
    """Return how alike a walk is to people's."""
    usual = usual_figures("walk")
    cycle = walked.measures["stride_time"].mean
    assert cycle is not None  # there are strides
    return total(
        [
            *angles.yardsticks(walked.angles),
            *forces.yardsticks(walked.forces, force_bands(), cycle, usual["stride_time"].value),
            *loads.yardsticks(walked.loads, torque_bands()),
            *muscles.yardsticks(walked.groups),
            *figures.yardsticks(walked.measures, walked.symmetry, walked.slip, usual),
        ]
    )
