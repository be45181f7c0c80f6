"""Which bodies are what: feet, head, hands, and the segments worth watching."""

import re
from typing import Any

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


def find_feet(model: mujoco.MjModel, among: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Bodies, of those given, of the right and of the left foot that can touch something, its calcaneus first."""
    which = missing_foot(model, among)
    if which is not None:
        raise UserError(
            f"the model has no {'right' if which == 'r' else 'left'} foot: expected a colliding body named like "
            f"'foot_{which}' or 'calcn_{which}'"
        )
    return _foot(model, among, "r"), _foot(model, among, "l")


def is_foot(body: Any) -> bool:
    """Whether a body of a mujoco.MjSpec is, or is part of, a foot of a side."""
    if not any(re.search(pattern, body.name, re.IGNORECASE) for pattern in _FOOT):
        return False
    while body is not None and not side(body.name):
        body = body.parent
    return body is not None


def side_of(model: mujoco.MjModel, body: int) -> str:
    """Return 'r', 'l' or '' of a body: by its own name, or else by that of what it hangs on, as of a prosthesis."""
    while body and not (found := side(model.body(body).name)):
        body = int(model.body_parentid[body])
    return found if body else ""


def missing_foot(model: mujoco.MjModel, among: NDArray[np.integer[Any]]) -> str | None:
    """Return the side, 'r' or 'l', on which these bodies have no foot; None where they have both."""
    return next((which for which in ("r", "l") if not len(_foot(model, among, which))), None)


def _foot(model: mujoco.MjModel, among: NDArray[np.integer[Any]], which: str) -> NDArray[np.int32]:
    bodies = [
        b
        for pattern in _FOOT
        for b in map(int, among)
        if re.search(pattern, model.body(b).name, re.IGNORECASE) and side_of(model, b) == which
    ]
    colliding = [b for b in dict.fromkeys(bodies) if len(contact_geoms(model, np.array([b], dtype=np.int32)))]
    return np.array(colliding, dtype=np.int32)


def find_head(model: mujoco.MjModel, among: NDArray[np.int32], root: int) -> int:
    """The head, or else the trunk, or else the root, of the bodies given."""
    for pattern in _HEAD:
        for b in map(int, among):
            if re.search(pattern, model.body(b).name, re.IGNORECASE):
                return b
    return root


def find_hands(model: mujoco.MjModel, among: NDArray[np.int32]) -> list[int]:
    """Right and left hand, where the bodies given have both."""
    for pattern in _HAND:
        found = {
            side_of(model, b): b
            for b in reversed([int(b) for b in among])
            if re.search(pattern, model.body(b).name, re.IGNORECASE)
        }
        if "r" in found and "l" in found:
            return [found["r"], found["l"]]
    return []


def find_tracked(model: mujoco.MjModel, among: NDArray[np.int32], root: int, mass: float) -> NDArray[np.int32]:
    """The heaviest body of each rigid group that moves against the root and is no trifle of the mass [kg]."""
    groups: dict[int, list[int]] = {}
    for b in map(int, among):
        groups.setdefault(int(model.body_weldid[b]), []).append(b)
    tracked = [
        max(group, key=lambda b: model.body_mass[b])
        for weld, group in groups.items()
        if weld not in (0, int(model.body_weldid[root])) and model.body_mass[group].sum() >= _LEAST_MASS_SHARE * mass
    ]
    return np.array(sorted(tracked), dtype=np.int32)
