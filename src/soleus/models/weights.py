"""How much each joint weighs in the errors of pose and velocity that imitation is rewarded by."""

import re
from collections.abc import Mapping
from dataclasses import replace

from soleus.models.adapting import matching
from soleus.models.gains import FINGER, is_spine
from soleus.models.human import Human

# What is not 1. There are forty joints of fingers, and they carry nothing. The plane in which an arm is raised,
# elv_angle, turns the less of it the less it is raised, and says nothing of an arm that hangs.
_WEIGHTS = ((FINGER, 0.05), (r"elv_angle", 0.1))


def pose_weight(joint: str, turn: float) -> float:
    """Weight of a joint by its name, and by how much its coordinate turns the body that it turns most."""
    weight = next((weight for pattern, weight in _WEIGHTS if re.search(pattern, joint, re.IGNORECASE)), 1.0)
    return weight * turn**2 if is_spine(joint) else weight


def weighed(human: Human, factors: Mapping[str, float]) -> Human:
    """Return a human whose joints' weights are multiplied by factors, by name or by a pattern of names.

    Raises UserError for a pattern that is of no joint of the policy's.
    """
    joints = [str(human.model.joint(human.model.dof_jntid[human.coordinate_dof[c]]).name) for c in human.actuated]
    weights = human.pose_weight.copy()
    for pattern, factor in factors.items():
        found = matching("task.reward.joints", "joint", [pattern], joints)
        weights[[joint in found for joint in joints]] *= factor
    return replace(human, pose_weight=weights)
