"""Which coordinate of a model is which anatomical angle, and with which sign."""

import re
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.models.sides import side

# angle: names of the joint, and the axis about which the right leg turns positively, in the canonical frame
# (x forward, y left, z up): flexing a hip swings the leg forward, round -y, and so on.
_ANATOMY: dict[str, tuple[str, tuple[float, float, float]]] = {
    "hip_flexion": (r"hip_?flex|^hip(_[rl])?$|(left|right)_hip$|hip_(y|pitch)", (0, -1, 0)),
    "knee_flexion": (r"knee", (0, 1, 0)),
    "ankle_dorsiflexion": (r"ankle", (0, -1, 0)),
    "toe_extension": (r"mtp|toe", (0, -1, 0)),
    "hip_adduction": (r"hip_?(add|abd)|hip_(x|roll)", (1, 0, 0)),
    "hip_internal_rotation": (r"hip_?rot|hip_(z|yaw)", (0, 0, 1)),
}
_SAGITTAL = ("hip_flexion", "knee_flexion", "ankle_dorsiflexion")


@dataclass(frozen=True)
class JointTarget:
    """An anatomical angle as a joint of a model: q = qpos_rest + sign * angle."""

    angle: str
    side: str  # 'r' or 'l'
    qpos_adr: int
    dof: int
    sign: float


def joint_targets(human: Human, angles: tuple[str, ...]) -> list[JointTarget]:
    """The model's joints for the angles; those outside the sagittal plane, and the toes, may be missing.

    Raises UserError naming an angle that the model needs but the motion lacks, or the other way round.
    """
    for angle in _SAGITTAL:
        if angle not in angles:
            raise UserError(
                f"the motion has no '{angle}', which model '{human.name}' needs; it has {', '.join(angles)}"
            )
    targets = known_targets(human, angles)
    known = {(target.angle, target.side) for target in targets}
    for angle in _SAGITTAL:
        for which in ("r", "l"):
            if (angle, which) not in known:
                leg = "right" if which == "r" else "left"
                raise UserError(
                    f"model '{human.name}' has no joint for the {leg} '{angle}' of the motion: expected a hinge named "
                    f"like '{_example(angle)}_{which}' among {', '.join(human.coordinate_names)}"
                )
    return targets


def known_targets(human: Human, angles: tuple[str, ...]) -> list[JointTarget]:
    """The hinges among the model's joints that are named as these angles are; angles without one are left out."""
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    found = [_find(human, data, angle, which) for angle in angles for which in ("r", "l")]
    return [target for target in found if target is not None]


def leg_length(human: Human) -> float:
    """Height of the right hip above the sole, in the rest pose [m]; that of the root where no hip is known."""
    data = mujoco.MjData(human.model)
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    for hip in known_targets(human, ("hip_flexion",)):
        return float(data.xanchor[human.model.dof_jntid[hip.dof], 2]) - human.ground_height
    return human.root_height


def anatomical_axis(angle: str, side: str) -> NDArray[np.float64]:
    """Axis (3,) about which a leg, 'r' or 'l', turns positively, in the canonical frame: x forward, y left, z up."""
    axis = np.array(_ANATOMY[angle][1], dtype=np.float64)
    # Frontal and transverse angles are axial vectors across the mirror plane: the left leg's run the other way.
    return axis * (1 if side == "r" or axis[1] else -1)


def elbow_sign(low: float, high: float) -> float:
    """Which way an elbow flexes, 1 or -1, by its limits [rad]: it bends far one way alone."""
    return -1.0 if high < -low else 1.0


def _example(angle: str) -> str:
    return {"hip_flexion": "hip_flexion", "knee_flexion": "knee_angle"}.get(angle, "ankle_angle")


def _find(human: Human, data: mujoco.MjData, angle: str, which: str) -> JointTarget | None:
    pattern, expected = _ANATOMY[angle][0], anatomical_axis(angle, which)
    for c in human.actuated:
        name, dof = human.coordinate_names[c], int(human.coordinate_dof[c])
        joint = human.model.dof_jntid[dof]
        hinge = human.model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE
        if hinge and side(name) == which and re.search(pattern, name, re.IGNORECASE):
            along = float(data.xaxis[joint] @ expected)
            if abs(along) > 0.5:
                return JointTarget(angle, which, int(human.model.jnt_qposadr[joint]), dof, float(np.sign(along)))
    return None
