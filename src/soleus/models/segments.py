"""Which bodies are what: feet, head, hands, and the segments worth watching."""

import re

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.ground import contact_geoms
from soleus.models.sides import side

_FOOT = (r"calcn|foot", r"talus|toe|heel")  # the first kind leads its foot
_HEAD = (r"^head$", r"head|skull", r"torso|trunk|thorax|chest")
_HAND = (r"^hand|lunate", r"wrist|hand")
_LEAST_MASS_SHARE = 0.004  # lighter groups are via-points, patellae, toes and phantom bodies


def find_feet(model: mujoco.MjModel) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Bodies of the right and of the left foot that can touch the ground, its calcaneus first."""
    feet = []
    for which in ("r", "l"):
        bodies = [
            b
            for pattern in _FOOT
            for b in range(1, model.nbody)
            if re.search(pattern, model.body(b).name, re.IGNORECASE) and side(model.body(b).name) == which
        ]
        bodies = [b for b in dict.fromkeys(bodies) if len(contact_geoms(model, np.array([b], dtype=np.int32)))]
        if not bodies:
            raise UserError(
                f"the model has no {'right' if which == 'r' else 'left'} foot: expected a colliding body named like "
                f"'foot_{which}' or 'calcn_{which}'"
            )
        feet.append(np.array(bodies, dtype=np.int32))
    return feet[0], feet[1]


def find_head(model: mujoco.MjModel, root: int) -> int:
    """The head, or else the trunk, or else the root."""
    for pattern in _HEAD:
        for b in range(1, model.nbody):
            if re.search(pattern, model.body(b).name, re.IGNORECASE):
                return b
    return root


def find_hands(model: mujoco.MjModel) -> list[int]:
    """Right and left hand, where the model has both."""
    for pattern in _HAND:
        found = {
            side(model.body(b).name): b
            for b in reversed(range(1, model.nbody))
            if re.search(pattern, model.body(b).name, re.IGNORECASE)
        }
        if "r" in found and "l" in found:
            return [found["r"], found["l"]]
    return []


def find_tracked(model: mujoco.MjModel, root: int) -> NDArray[np.int32]:
    """The heaviest body of each rigid group that moves against the root and is no trifle."""
    groups: dict[int, list[int]] = {}
    for b in range(1, model.nbody):
        groups.setdefault(int(model.body_weldid[b]), []).append(b)
    total = float(model.body_mass.sum())
    tracked = [
        max(group, key=lambda b: model.body_mass[b])
        for weld, group in groups.items()
        if weld not in (0, int(model.body_weldid[root])) and model.body_mass[group].sum() >= _LEAST_MASS_SHARE * total
    ]
    return np.array(sorted(tracked), dtype=np.int32)
