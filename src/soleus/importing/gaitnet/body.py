"""The body of an environment: its skeleton and muscles, in XML or YAML, as MJCF and a table of muscles."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from soleus.errors import UserError
from soleus.importing.gaitnet.yaml_form import YAML_ENDINGS, yaml_muscles, yaml_skeleton
from soleus.models import hints, mass
from soleus.models.mass.skeleton import Node, Skeleton
from soleus.models.muscle_table import MuscleTable

CURVES = (0.45, 5.5, 0.3)
"""Of the muscles: width of the active force-length curve, steepness of the passive one, and the strain at which it is
1."""
_DAMPING = 0.4  # [N m s/rad] of every joint, the root's too, where a joint has none of its own
_AXES = {"Free": 1, "Ball": 3, "Revolute": 1, "Weld": 0}


def read_skeleton(path: Path) -> Skeleton:
    """Read a skeleton, with the damping that the simulator gives every joint. Raises UserError."""
    skeleton = yaml_skeleton(path) if path.suffix.lower() in YAML_ENDINGS else mass.read_skeleton(path)
    nodes = {name: _damped(node) for name, node in skeleton.nodes.items()}
    return replace(skeleton, nodes=nodes)


def read_muscles(path: Path, skeleton: Skeleton) -> MuscleTable:
    """Read muscles for a skeleton. Raises UserError."""
    if path.suffix.lower() in YAML_ENDINGS:
        return yaml_muscles(path, skeleton)
    return mass.read_muscles(path, skeleton)


def _damped(node: Node) -> Node:
    if "damping" in node.own or node.joint == "Weld":
        return node
    return replace(node, own={**node.own, "damping": np.full(_AXES[node.joint], _DAMPING)})


def upper_joints(skeleton: Skeleton) -> list[str]:
    """Return the joints that torques of stable PD move beside muscles: those of limbs that do not reach the ground.

    Raises UserError for a skeleton without a limb that does.
    """
    limb: dict[str, str] = {}
    for node in skeleton.nodes.values():
        if node.parent is not None:
            limb[node.name] = limb.get(node.parent, node.name)
    legs = {limb[name] for name, node in skeleton.nodes.items() if node.contact and name in limb}
    if not legs:
        raise UserError(
            f'{skeleton.path}: expected legs, with bodies of contact="On", for actuator mass_lower, got none'
        )
    return [name for name, of in limb.items() if of not in legs and skeleton.nodes[name].joint != "Weld"]


def numerics(skeleton: Skeleton, lower_alone: bool) -> dict[str, tuple[float, ...]]:
    """Return what the MJCF says of the person beside the body. lower_alone: torques move what is above the legs."""
    driven = {f"{hints.TORQUE}{name}": (0.0, 1.0) for name in upper_joints(skeleton)} if lower_alone else {}
    return {hints.CURVES: CURVES, **driven}
