"""Inverse kinematics of orientations: joints of whatever kind and order that bring a body to stand as is wanted."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.motions.rotations import conjugate, continuous, log, multiply

Floats = NDArray[np.float64]

_ITERATIONS = 12
_STEP = 1e-5  # [rad], of finite differences
_DAMPING = 0.02  # [rad] of a joint that counts as much as a radian of orientation, near a gimbal's lock
_JOINT = mujoco.mjtJoint


@dataclass(frozen=True, eq=False)
class Limb:
    """A body, and the joints by which it turns against another above it."""

    body: int
    coordinates: NDArray[np.int_]
    """Addresses in qpos of hinges"""
    lower: Floats
    upper: Floats
    ball: int = -1
    """Address in qpos of a ball joint, where the body hangs on one alone; -1: on hinges"""

    @property
    def moves(self) -> bool:
        """Whether there is a joint to set."""
        return self.ball >= 0 or len(self.coordinates) > 0


def chain(human: Human, body: int) -> list[int]:
    """Bodies from the root to a body."""
    found = [body]
    while found[-1] != human.root_body and found[-1] > 0:
        found.append(int(human.model.body_parentid[found[-1]]))
    return found[::-1]


def limb_of(human: Human, base: int, body: int) -> Limb:
    """Return the hinges that are coordinates of the human, or the ball joint, on the way from the base to the body."""
    model, above = human.model, chain(human, base)
    way = [b for b in chain(human, body) if b not in above]
    joints = [j for j in range(model.njnt) if model.jnt_bodyid[j] in way]
    if len(joints) == 1 and int(model.jnt_type[joints[0]]) == _JOINT.mjJNT_BALL:
        none = np.zeros(0)
        return Limb(body, np.zeros(0, dtype=np.int_), none, none, int(model.jnt_qposadr[joints[0]]))
    found = [c for c in human.actuated if _is_hinge(human, int(c)) and _joint(human, int(c)) in joints]
    addresses = np.array([model.jnt_qposadr[_joint(human, int(c))] for c in found], dtype=np.int_)
    return Limb(body, addresses, human.lower[found], human.upper[found])


def _joint(human: Human, coordinate: int) -> int:
    return int(human.model.dof_jntid[human.coordinate_dof[coordinate]])


def _is_hinge(human: Human, coordinate: int) -> bool:
    return bool(int(human.model.jnt_type[_joint(human, coordinate)]) == _JOINT.mjJNT_HINGE)


class Orienter:
    """Sets joints of a human so that bodies stand as is wanted. `rest`: (nbody, 4) how they stand at rest."""

    def __init__(self, human: Human) -> None:
        self._human = human
        self._data = mujoco.MjData(human.model)
        self.rest = self.orientations(human.qpos_rest)

    def orientations(self, qpos: Floats) -> Floats:
        """(nbody, 4) quaternions of all bodies in the world, coupled joints following."""
        self._data.qpos[:] = self._human.consistent(qpos)
        mujoco.mj_kinematics(self._human.model, self._data)
        return np.array(self._data.xquat)

    def solve(self, qpos: Floats, limb: Limb, goals: Floats, base: int | None = None) -> None:
        """Set a limb's joints in poses (K, nq), in place, so that its body stands as the goals (K, 4): in the world, or
        before what turns the body `base` from its rest. Each frame starts from the one before.
        """
        if limb.ball >= 0:
            self._solve_ball(qpos, limb, goals, base)
            return
        columns = limb.coordinates
        for lap in range(2):  # the first frame starts where the last one ended
            for k in range(len(qpos)):
                qpos[k, columns] = qpos[k - 1, columns] if lap or k else qpos[k, columns]
                for _ in range(_ITERATIONS):
                    now = self.orientations(qpos[k])
                    error = log(multiply(self._goal(now, goals[k], base), conjugate(now[limb.body])))
                    jacobian = self.jacobian(qpos[k], limb, base)
                    square = jacobian.T @ jacobian + _DAMPING**2 * np.eye(len(columns))
                    step = np.linalg.solve(square, jacobian.T @ error)
                    before = qpos[k, columns].copy()
                    qpos[k, columns] = np.clip(before + step, limb.lower, limb.upper)
                    if np.abs(qpos[k, columns] - before).max(initial=0.0) < 1e-9:
                        break

    def _goal(self, now: Floats, goal: Floats, base: int | None) -> Floats:
        return goal if base is None else multiply(multiply(now[base], conjugate(self.rest[base])), goal)

    def _solve_ball(self, qpos: Floats, limb: Limb, goals: Floats, base: int | None) -> None:
        """As solve, of a ball joint: whatever it stands at is turned by what is missing, seen from the body."""
        ball = slice(limb.ball, limb.ball + 4)
        for k in range(len(qpos)):
            now = self.orientations(qpos[k])
            missing = multiply(conjugate(now[limb.body]), self._goal(now, goals[k], base))
            qpos[k, ball] = multiply(qpos[k, ball], missing)
        qpos[:, ball] = continuous(qpos[:, ball])

    def jacobian(self, qpos: Floats, limb: Limb, base: int | None) -> Floats:
        """(3, n) turn of a limb, in the world, against its base by each of its coordinates."""
        result, zero = np.zeros((3, len(limb.coordinates))), self.orientations(qpos)
        for i, adr in enumerate(limb.coordinates):
            moved = qpos.copy()
            moved[adr] += _STEP
            after = self.orientations(moved)
            result[:, i] = log(multiply(after[limb.body], conjugate(zero[limb.body]))) / _STEP
            if base is not None:
                result[:, i] -= log(multiply(after[base], conjugate(zero[base]))) / _STEP
        return result
