"""The upper body of a gait cycle: trunk and arms of whatever joints a model has, by inverse kinematics.

A spine may be one joint or a chain whose vertebrae share the bending, a shoulder three hinges in any order, some of
which carry the shoulder blade along. So the tables say how trunk and upper arms stand, and the joints between them are
solved.
"""

import re
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.models.sides import side
from soleus.motions.cycle import GaitCycle, Series
from soleus.motions.rotations import about_z, conjugate, exp, log, multiply

Floats = NDArray[np.float64]

_TRUNK = r"torso|thorax|trunk|chest"
_UPPER_ARM = r"humerus|upper_?arm"
_ELBOW = r"elbow"
_ITERATIONS = 12
_STEP = 1e-5  # [rad], of finite differences
_DAMPING = 0.02  # [rad] of a joint that counts as much as a radian of orientation near a gimbal's lock
_ABLE = 0.3  # of a turn, that a spine must be able to make about each axis to carry its trunk upright
_ABOUT = {"tilt": (0.0, 1.0, 0.0), "list": (-1.0, 0.0, 0.0), "rotation": (0.0, 0.0, 1.0)}
"""Axes of the trunk's turns, as of the pelvis': forward, right side up, right side forward."""


@dataclass(frozen=True, eq=False)
class _Limb:
    """A body that turns against another by some coordinates."""

    body: int
    coordinates: NDArray[np.int_]  # addresses in qpos
    lower: Floats
    upper: Floats


class UpperBody:
    """Trunk and arms of a human. `carries_trunk`: whether a spine can hold the trunk upright over a listing pelvis."""

    def __init__(self, human: Human) -> None:
        self._human = human
        self._data = mujoco.MjData(human.model)
        self._rest = self._orientations(human.qpos_rest)
        trunk = _trunk(human)
        self._trunk = _limb(human, human.root_body, trunk) if trunk is not None else None
        self._arms = {which: _limb(human, trunk or human.root_body, body) for which, body in _arms(human).items()}
        self._elbows = {which: _elbow(human, arm.body) for which, arm in self._arms.items()}
        self.carries_trunk = self._trunk is not None and self._turns_all_ways(self._trunk)

    def pose(self, qpos: Floats, phase: Floats, cycle: GaitCycle) -> Floats:
        """Poses (K, nq) whose trunk and arms follow the cycle at phases (K,), from those whose legs and root do."""
        result = qpos.copy()
        if self._trunk is not None and self.carries_trunk:
            self._solve(result, self._trunk, _turned(cycle.trunk, phase))
        for which, arm in self._arms.items():
            at = phase if which == "r" else phase + 0.5
            self._bend_elbow(result, which, cycle, at)
            if len(arm.coordinates) and "shoulder_flexion" in cycle.arms:
                trunk = self._trunk.body if self._trunk is not None else self._human.root_body
                self._solve(result, arm, _swing(cycle, at, which), trunk)
        return self._human.consistent(result)

    def _bend_elbow(self, qpos: Floats, which: str, cycle: GaitCycle, at: Floats) -> None:
        """Set the elbow, in place."""
        elbow = self._elbows[which]
        if elbow is None or "elbow_flexion" not in cycle.arms:
            return
        low, high = elbow.lower[0], elbow.upper[0]
        sign = -1.0 if high < -low else 1.0  # an elbow bends far one way alone
        qpos[:, elbow.coordinates[0]] = np.clip(sign * cycle.arms["elbow_flexion"](at), low, high)

    def _solve(self, qpos: Floats, limb: _Limb, turns: Floats, base: int | None = None) -> None:
        """Set a limb's coordinates, in place, so that it stands as at rest, turned by `turns` (K, 4) in the world, or
        before what turns the body `base`. Each frame starts from the one before.
        """
        columns = limb.coordinates
        for lap in range(2):  # the first frame starts where the last one ended
            for k in range(len(qpos)):
                qpos[k, columns] = qpos[k - 1, columns] if lap or k else qpos[k, columns]
                for _ in range(_ITERATIONS):
                    now = self._orientations(qpos[k])
                    carried = multiply(now[base], conjugate(self._rest[base])) if base is not None else about_z(0.0)
                    goal = multiply(multiply(carried, turns[k]), self._rest[limb.body])
                    error = log(multiply(goal, conjugate(now[limb.body])))
                    if np.linalg.norm(error) < 1e-9:
                        break
                    jacobian = self._jacobian(qpos[k], limb, base)
                    square = jacobian.T @ jacobian + _DAMPING**2 * np.eye(len(columns))
                    step = np.linalg.solve(square, jacobian.T @ error)
                    qpos[k, columns] = np.clip(qpos[k, columns] + step, limb.lower, limb.upper)

    def _jacobian(self, qpos: Floats, limb: _Limb, base: int | None) -> Floats:
        """(3, n) turn of a limb, in the world, against its base by each of its coordinates."""
        result, zero = np.zeros((3, len(limb.coordinates))), self._orientations(qpos)
        for i, adr in enumerate(limb.coordinates):
            moved = qpos.copy()
            moved[adr] += _STEP
            after = self._orientations(moved)
            result[:, i] = log(multiply(after[limb.body], conjugate(zero[limb.body]))) / _STEP
            if base is not None:
                result[:, i] -= log(multiply(after[base], conjugate(zero[base]))) / _STEP
        return result

    def _orientations(self, qpos: Floats) -> Floats:
        """(nbody, 4) quaternions of all bodies in the world, coupled joints following."""
        self._data.qpos[:] = self._human.consistent(qpos)
        mujoco.mj_kinematics(self._human.model, self._data)
        return np.array(self._data.xquat)

    def _turns_all_ways(self, limb: _Limb) -> bool:
        if len(limb.coordinates) < 3:
            return False
        singular = np.linalg.svd(self._jacobian(self._human.qpos_rest, limb, None), compute_uv=False)
        return bool(singular[-1] > _ABLE)


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


def _trunk(human: Human) -> int | None:
    """Return the last body of the spine, that which carries both arms, or else the first that is named as a trunk."""
    arms = _arms(human)
    if len(arms) == 2:
        chains = [_chain(human, body) for body in arms.values()]
        common = [body for body in chains[0] if body in chains[1]]
        return common[-1] if common and common[-1] != human.root_body else None
    return next((int(b) for b in human.own_bodies if re.search(_TRUNK, human.model.body(b).name, re.IGNORECASE)), None)


def _arms(human: Human) -> dict[str, int]:
    """Bodies of the upper arms by side, the first that is named so on each."""
    found = dict[str, int]()
    for body in human.own_bodies:
        name = str(human.model.body(body).name)
        if side(name) and re.search(_UPPER_ARM, name, re.IGNORECASE):
            found.setdefault(side(name), int(body))
    return found


def _chain(human: Human, body: int) -> list[int]:
    """Bodies from the root to a body."""
    chain = [body]
    while chain[-1] != human.root_body and chain[-1] > 0:
        chain.append(int(human.model.body_parentid[chain[-1]]))
    return chain[::-1]


def _limb(human: Human, base: int, body: int) -> _Limb:
    """Hinges that are coordinates of the human, on the way from the base to the body."""
    model = human.model
    way = [b for b in _chain(human, body) if b not in _chain(human, base)]
    found = [
        c
        for c in human.actuated
        if model.jnt_type[model.dof_jntid[human.coordinate_dof[c]]] == mujoco.mjtJoint.mjJNT_HINGE
        and model.dof_bodyid[human.coordinate_dof[c]] in way
    ]
    joints = model.dof_jntid[human.coordinate_dof[found]] if found else np.zeros(0, dtype=np.int_)
    return _Limb(body, model.jnt_qposadr[joints].astype(np.int_), human.lower[found], human.upper[found])


def _elbow(human: Human, upper_arm: int) -> _Limb | None:
    """Return the hinge below an upper arm that is named as an elbow."""
    model = human.model
    for c in human.actuated:
        dof = int(human.coordinate_dof[c])
        joint = model.dof_jntid[dof]
        hinge = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE
        below = upper_arm in _chain(human, int(model.dof_bodyid[dof]))
        if hinge and below and re.search(_ELBOW, human.coordinate_names[c], re.IGNORECASE):
            return _Limb(
                int(model.dof_bodyid[dof]), np.array([model.jnt_qposadr[joint]]), human.lower[[c]], human.upper[[c]]
            )
    return None
