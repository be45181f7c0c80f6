"""The upper body of a gait cycle: trunk and arms of whatever joints a model has, by inverse kinematics.

A spine may be one joint or a chain whose vertebrae share the bending, a shoulder three hinges in any order, some of
which carry the shoulder blade along. So the tables say how trunk and upper arms stand, and the joints between them are
solved.
"""

import re

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.motions.cycle import GaitCycle, Series
from soleus.motions.joints import elbow_sign
from soleus.motions.limbs import trunk_of, upper_arms
from soleus.motions.orienting import Limb, Orienter, chain, limb_of
from soleus.motions.rotations import exp, multiply

Floats = NDArray[np.float64]

_ELBOW = r"elbow"
_ABLE = 0.3  # of a turn, that a spine must be able to make about each axis to carry its trunk upright
_ABOUT = {"tilt": (0.0, 1.0, 0.0), "list": (-1.0, 0.0, 0.0), "rotation": (0.0, 0.0, 1.0)}
"""Axes of the trunk's turns, as of the pelvis': forward, right side up, right side forward."""


class UpperBody:
    """Trunk and arms of a human. `carries_trunk`: whether a spine can hold the trunk upright over a listing pelvis."""

    def __init__(self, human: Human) -> None:
        self._human = human
        self._orienter = Orienter(human)
        trunk = trunk_of(human)
        self._base = human.root_body if trunk is None else trunk
        self._trunk = None if trunk is None else limb_of(human, human.root_body, trunk)
        self._arms = {which: limb_of(human, self._base, body) for which, body in upper_arms(human).items()}
        self._elbows = {which: _elbow(human, arm.body) for which, arm in self._arms.items()}
        self.carries_trunk = self._trunk is not None and self._turns_all_ways(self._trunk)

    def pose(self, qpos: Floats, phase: Floats, cycle: GaitCycle) -> Floats:
        """Poses (K, nq) whose trunk and arms follow the cycle at phases (K,), from those whose legs and root do."""
        result, rest = qpos.copy(), self._orienter.rest
        if self._trunk is not None and self.carries_trunk:
            self._orienter.solve(result, self._trunk, multiply(_turned(cycle.trunk, phase), rest[self._trunk.body]))
        for which, arm in self._arms.items():
            at = phase if which == "r" else phase + 0.5
            self._bend_elbow(result, which, cycle, at)
            if arm.moves and "shoulder_flexion" in cycle.arms:
                self._orienter.solve(result, arm, multiply(_swing(cycle, at, which), rest[arm.body]), self._base)
        return self._human.consistent(result)

    def _bend_elbow(self, qpos: Floats, which: str, cycle: GaitCycle, at: Floats) -> None:
        """Set the elbow, in place."""
        elbow = self._elbows[which]
        if elbow is None or "elbow_flexion" not in cycle.arms:
            return
        low, high = elbow.lower[0], elbow.upper[0]
        qpos[:, elbow.coordinates[0]] = np.clip(elbow_sign(low, high) * cycle.arms["elbow_flexion"](at), low, high)

    def _turns_all_ways(self, limb: Limb) -> bool:
        if limb.ball >= 0:
            return True
        if len(limb.coordinates) < 3:
            return False
        turns = self._orienter.jacobian(self._human.qpos_rest, limb, None)
        return bool(np.linalg.svd(turns, compute_uv=False)[-1] > _ABLE)


def _turned(tables: dict[str, Series], phase: Floats) -> Floats:
    """Quaternions (K, 4) of a trunk against its rest: first rotation, then tilt, then list, as of the pelvis."""
    result = np.tile([1.0, 0.0, 0.0, 0.0], (len(phase), 1))
    for key in ("rotation", "tilt", "list"):
        if key in tables:
            result = multiply(result, exp(tables[key](phase)[:, None] * np.array(_ABOUT[key])))
    return result


def _swing(cycle: GaitCycle, at: Floats, which: str) -> Floats:
    """Quaternions (K, 4) of an upper arm against its rest, in the trunk's axes: flexed forward, then abducted."""
    flexed = exp(cycle.arms["shoulder_flexion"](at)[:, None] * np.array([0.0, -1.0, 0.0]))
    if "shoulder_abduction" not in cycle.arms:
        return flexed
    outward = np.array([-1.0 if which == "r" else 1.0, 0.0, 0.0])
    return multiply(flexed, exp(cycle.arms["shoulder_abduction"](at)[:, None] * outward))


def _elbow(human: Human, upper_arm: int) -> Limb | None:
    """Return the hinge below an upper arm that is named as an elbow."""
    model = human.model
    for c in human.actuated:
        dof = int(human.coordinate_dof[c])
        joint = int(model.dof_jntid[dof])
        hinge = int(model.jnt_type[joint]) == mujoco.mjtJoint.mjJNT_HINGE
        below = upper_arm in chain(human, int(model.dof_bodyid[dof]))
        if hinge and below and re.search(_ELBOW, human.coordinate_names[c], re.IGNORECASE):
            return Limb(
                int(model.dof_bodyid[dof]), np.array([model.jnt_qposadr[joint]]), human.lower[[c]], human.upper[[c]]
            )
    return None
