"""The anatomical angles of a model over time, by the conventions of the gait tables.

Hip flexion, knee flexion and dorsiflexion are positive, zero is the standing pose. A hinge is an angle by its axis. A
ball joint has three: flexion about the axis of the proximal body, rotation about that of the distal one, adduction
about the one between them, as clinics do it (Grood and Suntay 1983, J. Biomech. Eng. 105:136; Wu et al. 2002, J.
Biomech. 35:543).
"""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.models.sides import side
from soleus.motions.cycle import ANGLES
from soleus.motions.joints import anatomical_axis, known_targets
from soleus.motions.posing import root_slots
from soleus.motions.rotations import cardan, conjugate, multiply, rotated

Floats = NDArray[np.float64]

_SEGMENTS = (  # angles about the joints of a leg, from the hip down
    ("hip_flexion", "hip_adduction", "hip_internal_rotation"),
    ("knee_flexion",),
    ("ankle_dorsiflexion",),
)
_JOINT = mujoco.mjtJoint


@dataclass(frozen=True, eq=False)
class Angle:
    """One angle of one leg."""

    name: str
    """Of soleus.motions.cycle.ANGLES."""
    side: str
    """'r' or 'l'"""
    read: Callable[[Floats], Floats]
    """Of poses (T, nq): (T,) [rad]."""
    direction: Floats
    """(nv,) velocity at which a standing person's angle grows by 1 rad/s."""


def angles_of(human: Human) -> list[Angle]:
    """Return the angles that a model has, right before left. Those of joints that it lacks are missing."""
    found = {(target.angle, target.side): target for target in known_targets(human, ANGLES)}
    angles = {key: _hinge(human, *key, target.qpos_adr, target.dof, target.sign) for key, target in found.items()}
    for which in ("r", "l"):
        for names, body in zip(_SEGMENTS, leg_bodies(human, which), strict=False):
            for name in names:
                if (name, which) not in angles and (angle := _of_body(human, name, which, body)):
                    angles[name, which] = angle
    return [angles[name, which] for name in ANGLES for which in ("r", "l") if (name, which) in angles]


def foot_body(human: Human, which: int) -> int:
    """Body id of the right (0) or left (1) foot: the one nearest to the shank."""
    return int(human.feet[which].min())


def leg_bodies(human: Human, which: str) -> list[int]:
    """Bodies that turn against their parents, from the thigh to the foot."""
    model, body = human.model, foot_body(human, "rl".index(which))
    chain: list[int] = []
    while body not in (0, human.root_body):
        joints = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
        if side(model.body(body).name) == which and any(model.jnt_type[j] != _JOINT.mjJNT_SLIDE for j in joints):
            chain.insert(0, body)
        body = int(model.body_parentid[body])
    return chain if len(chain) >= len(_SEGMENTS) else []


def _of_body(human: Human, name: str, which: str, body: int) -> Angle | None:
    """The angle as one of a body's joints: a ball, or a hinge along its axis."""
    model = human.model
    data = standing(human)
    for joint in range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body]):
        dof, adr = int(model.jnt_dofadr[joint]), int(model.jnt_qposadr[joint])
        if model.jnt_type[joint] == _JOINT.mjJNT_BALL:
            return _ball(human, data, name, which, joint)
        along = float(data.xaxis[joint] @ anatomical_axis(name, which))
        if model.jnt_type[joint] == _JOINT.mjJNT_HINGE and abs(along) > 0.5 and not human.dof_coupled[dof]:
            return _hinge(human, name, which, adr, dof, float(np.sign(along)))
    return None


def standing(human: Human) -> mujoco.MjData:
    """Return the bodies of a person in the rest pose."""
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    return data


def _hinge(human: Human, name: str, which: str, adr: int, dof: int, sign: float) -> Angle:
    rest = float(human.qpos_rest[adr])
    direction = np.zeros(human.model.nv)
    direction[dof] = sign
    return Angle(name, which, lambda qpos: sign * (qpos[:, adr] - rest), direction)


def _ball(human: Human, data: mujoco.MjData, name: str, which: str, joint: int) -> Angle:
    model = human.model
    adr, dof = int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint])
    body = int(model.jnt_bodyid[joint])
    own = np.array(data.xquat[body])
    rest = human.qpos_rest[adr : adr + 4]
    # Of the joint before it turns, in the world of the standing person, which is the canonical frame.
    frame = multiply(own, conjugate(rest))
    axis = anatomical_axis(name, which)
    direction = np.zeros(model.nv)
    direction[dof : dof + 3] = rotated(conjugate(own), axis)

    def read(qpos: Floats) -> Floats:
        turn = multiply(qpos[:, adr : adr + 4], conjugate(rest))
        turn = multiply(multiply(frame, turn), conjugate(frame))
        return np.asarray(cardan(turn)[:, np.flatnonzero(axis)[0]] * axis.sum())

    return Angle(name, which, read, direction)


@dataclass(frozen=True, eq=False)
class Root:
    """The pelvis over time."""

    planar: bool
    place: Floats
    """(T, 3) [m] world, up to a constant; the third is the height above the ground"""
    turn: Floats
    """(T, 3) [rad] tilt forward, list with the right side up, rotation with the right side forward, from +x."""


def root_of(human: Human, qpos: Floats) -> Root:
    """Return where the pelvis is at poses (T, nq), in the terms of the gait tables."""
    slots = root_slots(human)
    place = np.zeros((len(qpos), 3))
    for axis, adr in enumerate(slots.shift):
        if adr >= 0:
            place[:, axis] = qpos[:, adr] - human.qpos_rest[adr]
    place[:, 2] += human.root_height
    turn = np.zeros((len(qpos), 3))
    if slots.quaternion < 0:
        if slots.tilt >= 0:
            turn[:, 0] = slots.tilt_sign * (qpos[:, slots.tilt] - human.qpos_rest[slots.tilt])
        return Root(True, place, turn)
    pose = multiply(qpos[:, slots.quaternion : slots.quaternion + 4], human.root_align)
    forward = rotated(pose, np.array([1.0, 0.0, 0.0]))
    left, up = rotated(pose, np.array([0.0, 1.0, 0.0]))[:, 2], rotated(pose, np.array([0.0, 0.0, 1.0]))[:, 2]
    turn[:, 0] = -np.arcsin(np.clip(forward[:, 2], -1, 1))
    turn[:, 1] = -np.arctan2(left, up)
    turn[:, 2] = np.unwrap(np.arctan2(forward[:, 1], forward[:, 0]))
    return Root(False, place, turn)
