"""Which muscle does what, by its moment arms about the anatomical angles in the standing pose: no list of names.

A moment arm is how much shorter a muscle gets while an angle grows, so a flexor has a positive one about flexion (An
et al. 1984, J. Biomech. Eng. 106:280). It is had from the lengths of the paths, whatever kind they are, with coupled
joints moving along: the kneecap too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.models.paths import muscle_paths
from soleus.motions.anatomy import Angle
from soleus.paths.everywhere import lengths_and_gradients
from soleus.paths.poses import qpos_address

Floats = NDArray[np.float64]

GROUPS = {  # key: name, angle, sign of the moment arm
    "hip_flexors": ("Hip flexors", "hip_flexion", 1),
    "hip_extensors": ("Hip extensors", "hip_flexion", -1),
    "hip_abductors": ("Hip abductors", "hip_adduction", -1),
    "hip_adductors": ("Hip adductors", "hip_adduction", 1),
    "hip_internal_rotators": ("Hip internal rotators", "hip_internal_rotation", 1),
    "hip_external_rotators": ("Hip external rotators", "hip_internal_rotation", -1),
    "knee_extensors": ("Knee extensors", "knee_flexion", -1),
    "knee_flexors": ("Knee flexors", "knee_flexion", 1),
    "ankle_plantarflexors": ("Ankle plantarflexors", "ankle_dorsiflexion", -1),
    "ankle_dorsiflexors": ("Ankle dorsiflexors", "ankle_dorsiflexion", 1),
}
"""Functions of muscles, by key."""
_LEAST_ARM = 0.005  # [m] shorter arms do nothing to speak of
_LEAST_SHARE = 0.5  # of the longest arm at the same joint
_LEAST_OF_MUSCLE = 0.2  # of the muscle's longest arm: a vastus that grazes the hip is no hip flexor
_STEP = 1e-4  # [rad]


@dataclass(frozen=True, eq=False)
class Function:
    """What one muscle does."""

    muscle: str
    side: str
    """'r' or 'l' leg; '' of a muscle that does nothing to a leg."""
    arms: dict[str, float]
    """Moment arms [m] about that leg's angles."""
    groups: tuple[str, ...]
    """Of GROUPS, the one of the longest arm first: a muscle of two joints does two things."""


def functions(human: Human, angles: Sequence[Angle]) -> list[Function]:
    """Return the function of each muscle, in the order of human.muscle_names."""
    arms = {(angle.name, angle.side): moment_arms(human, angle.direction) for angle in angles}
    return [_function(name, m, arms) for m, name in enumerate(human.muscle_names)]


def moment_arms(human: Human, direction: Floats) -> Floats:
    """Moment arms (nm,) [m] of the standing person about a direction (nv,) of motion at 1 rad/s."""
    ahead, back = (_lengths(human, step * direction) for step in (_STEP, -_STEP))
    return (back - ahead) / (2 * _STEP)


def _lengths(human: Human, shift: Floats) -> Floats:
    """Lengths (nm,) [m] of the muscles' paths, the standing person moved by `shift` (nv,)."""
    model, data = human.model, mujoco.MjData(human.model)
    qpos = human.qpos_rest.copy()
    mujoco.mj_integratePos(model, qpos, shift, 1.0)
    data.qpos[:] = human.consistent(qpos)
    if human.hill:
        own = data.qpos[qpos_address(human)]
        lengths, _ = lengths_and_gradients(human.hill, own[None])
        return np.asarray(lengths[0])
    mujoco.mj_kinematics(model, data)
    if human.polylines:
        steps = [np.diff(path, axis=0) for path in muscle_paths(human, data)]
        return np.array([np.linalg.norm(step, axis=1).sum() for step in steps])
    mujoco.mj_comPos(model, data)
    mujoco.mj_tendon(model, data)
    mujoco.mj_transmission(model, data)
    return np.array(data.actuator_length[human.muscle_actuator])


def _function(name: str, m: int, arms: dict[tuple[str, str], Floats]) -> Function:
    own = {key: float(values[m]) for key, values in arms.items()}
    reach = {side: max((abs(v) for (_, which), v in own.items() if which == side), default=0.0) for side in "rl"}
    side = max(reach, key=lambda which: reach[which])
    if reach[side] < _LEAST_ARM:
        return Function(name, "", {}, ())
    of_leg = {angle: value for (angle, which), value in own.items() if which == side}
    return Function(name, side, of_leg, _groups(of_leg))


def _groups(arms: dict[str, float]) -> tuple[str, ...]:
    """Groups by the longest arms at each joint; a rotator only what rotates above all: most hip muscles do a little."""
    found = []
    longest = max(map(abs, arms.values()))
    for key, (_, angle, sign) in GROUPS.items():
        arm = sign * arms.get(angle, 0.0)
        at_joint = max(abs(v) for other, v in arms.items() if other.startswith(angle.partition("_")[0])) if arm else 0.0
        share = 1.0 if angle == "hip_internal_rotation" else _LEAST_SHARE
        if arm >= max(_LEAST_ARM, share * at_joint, _LEAST_OF_MUSCLE * longest):
            found.append((arm, key))
    return tuple(key for _, key in sorted(found, reverse=True))
