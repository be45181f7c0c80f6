"""OpenSim's coordinates on joints of other names, and on balls: legs, trunk and arms by what their angles mean.

Hip, back and shoulder of OpenSim's models turn by flexion (or extension), adduction (or bending) and rotation, each
carried along by those before (Rajagopal et al. 2016, IEEE Trans. Biomed. Eng. 63:2068; Delp et al. 1990, IEEE Trans.
Biomed. Eng. 37:757). A ball joint takes the three together. Angles are zero where a person stands with hanging arms.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.human import Human
from soleus.motions.anatomy import leg_bodies, standing
from soleus.motions.joints import anatomical_axis, elbow_sign
from soleus.motions.limbs import limbs_of, trunk_of
from soleus.motions.orienting import chain
from soleus.motions.rotations import conjugate, continuous, exp, log, multiply

Floats = NDArray[np.float64]

_JOINT = mujoco.mjtJoint
_THREE = ("hip_flexion", "hip_adduction", "hip_internal_rotation")  # whose axes those of a shoulder and a back are too
_HIP = ("hip_flexion_{}", "hip_adduction_{}", "hip_rotation_{}")
_BACK = ("lumbar_extension", "lumbar_bending", "lumbar_rotation")
_SHOULDER = ("arm_flex_{}", "arm_add_{}", "arm_rot_{}")
_KNEE, _ANKLE, _ELBOW = "knee_angle_{}", "ankle_angle_{}", "elbow_flex_{}"
_DOWN = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True, eq=False)
class Meaning:
    """What coordinates of OpenSim's are on a model: some of its joints, which no column names."""

    coordinates: tuple[str, ...]
    joints: tuple[int, ...]
    put: Callable[[Floats, Mapping[str, Floats]], None]
    """Set the joints in poses (K, nq), in place, by angles (K,) [rad] of some of the coordinates by name; a knee's grow
    as it is flexed"""


def knees_of(meanings: Sequence[Meaning]) -> list[str]:
    """Return which of the coordinates are knees'; some models of OpenSim count their flexion downwards."""
    return [name for meaning in meanings for name in meaning.coordinates if name.startswith("knee_angle")]


def meanings_of(human: Human) -> list[Meaning]:
    """Return what a model has of legs, trunk and arms; those parts whose joints are of other kinds are left out."""
    data, limbs, trunk = standing(human), limbs_of(human), trunk_of(human)
    found: list[Meaning | None] = []
    for which in "rl":
        for body, names in zip(leg_bodies(human, which), (_HIP, (_KNEE,), (_ANKLE,)), strict=False):
            found.append(_part(human, data, [body], [name.format(which) for name in names], which))
        arm, forearm = limbs.get(("upper_arm", which)), limbs.get(("forearm", which))
        if arm is not None and forearm is not None:
            hang = _hanging(_anchor(human, data, forearm) - _anchor(human, data, arm))
            found.append(_part(human, data, [arm], [name.format(which) for name in _SHOULDER], which, hang))
            found.append(_elbow(human, forearm, _ELBOW.format(which)))
    if trunk is not None:
        spine = [body for body in chain(human, trunk) if body != human.root_body]
        found.append(_part(human, data, spine, list(_BACK), "r"))
    return [meaning for meaning in found if meaning is not None]


def _part(
    human: Human,
    data: mujoco.MjData,
    bodies: list[int],
    names: list[str],
    which: str,
    before: Floats | None = None,
) -> Meaning | None:
    """Of balls that share a turn, one a body, or of the hinge of one body. before (4,): what brings it to hang."""
    joints = [_joints_of(human, body) for body in bodies]
    if any(len(own) != 1 for own in joints):
        return None
    alone = [own[0] for own in joints]
    kinds = {_JOINT(human.model.jnt_type[joint]) for joint in alone}
    if kinds == {_JOINT.mjJNT_BALL}:
        return _balls(human, data, alone, names, which, before)
    if kinds == {_JOINT.mjJNT_HINGE} and len(names) == 1 and len(alone) == 1:
        angle = "knee_flexion" if names[0].startswith("knee") else "ankle_dorsiflexion"
        along = float(data.xaxis[alone[0]] @ anatomical_axis(angle, which))
        return _hinge(human, alone[0], names[0], float(np.sign(along))) if abs(along) > 0.5 else None
    return None


def _anchor(human: Human, data: mujoco.MjData, body: int) -> Floats:
    """Where a body turns, in the world (3,)."""
    joints = _joints_of(human, body)
    return np.array(data.xanchor[joints[0]] if joints else data.xpos[body])


def _joints_of(human: Human, body: int) -> list[int]:
    start, count = int(human.model.body_jntadr[body]), int(human.model.body_jntnum[body])
    return list(range(start, start + count))


def _balls(
    human: Human, data: mujoco.MjData, joints: list[int], names: list[str], which: str, before: Floats | None
) -> Meaning:
    model = human.model
    # A ball as a knee or an ankle turns about the axis of its one angle, any other about the three.
    angles = {_KNEE.format(which): "knee_flexion", _ANKLE.format(which): "ankle_dorsiflexion"}
    axes = {name: anatomical_axis(angles.get(name, _THREE[k]), which) for k, name in enumerate(names)}

    def put(qpos: Floats, given: Mapping[str, Floats]) -> None:
        turn = np.tile([1.0, 0.0, 0.0, 0.0], (len(qpos), 1))
        for name, axis in axes.items():
            if name in given:
                turn = multiply(turn, exp(given[name][:, None] * axis))
        if before is not None:
            turn = multiply(turn, before)
        share = exp(log(turn) / len(joints))
        for joint in joints:
            adr, own = int(model.jnt_qposadr[joint]), np.array(data.xquat[model.jnt_bodyid[joint]])
            rest = human.qpos_rest[adr : adr + 4]
            frame = multiply(own, conjugate(rest))
            qpos[:, adr : adr + 4] = continuous(multiply(multiply(multiply(conjugate(frame), share), frame), rest))

    return Meaning(tuple(names), tuple(joints), put)


def _hinge(human: Human, joint: int, name: str, sign: float) -> Meaning:
    adr = int(human.model.jnt_qposadr[joint])

    def put(qpos: Floats, given: Mapping[str, Floats]) -> None:
        qpos[:, adr] = human.qpos_rest[adr] + sign * given[name]

    return Meaning((name,), (joint,), put)


def _elbow(human: Human, forearm: int, name: str) -> Meaning | None:
    joints = _joints_of(human, forearm)
    if len(joints) != 1 or _JOINT(human.model.jnt_type[joints[0]]) != _JOINT.mjJNT_HINGE:
        return None
    low, high = human.model.jnt_range[joints[0]] if human.model.jnt_limited[joints[0]] else (0.0, np.pi)
    return _hinge(human, joints[0], name, elbow_sign(low, high))


def _hanging(along: Floats) -> Floats:
    """Quaternion (4,) by the shortest way from an arm along (3,) to one that hangs."""
    unit = along / np.linalg.norm(along)
    axis, cosine = np.cross(unit, _DOWN), float(unit @ _DOWN)
    length = float(np.linalg.norm(axis))
    if length < 1e-9:
        return np.array([1.0, 0.0, 0.0, 0.0])
    return np.asarray(exp(axis[None] / length * np.arctan2(length, cosine))[0])
