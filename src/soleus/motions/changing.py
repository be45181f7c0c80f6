"""A motion brought to another speed or cadence, or mirrored."""

from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.ground import foot_heights
from soleus.models.human import Human
from soleus.motions.cycle import GaitCycle
from soleus.motions.motion import Motion, make_motion, play_once
from soleus.motions.posing import root_slots
from soleus.motions.rotations import conjugate, continuous, exp, log, multiply

Floats = NDArray[np.float64]

_STEPS = 2  # of a lap
_FASTEST = 4.0  # times, that a motion may be played faster or slower
_JOINT = mujoco.mjtJoint
_VECTOR, _AXIAL = np.array([1.0, -1.0, 1.0]), np.array([-1.0, 1.0, -1.0])  # what a mirror in y makes of them


def timed(motion: Motion, human: Human, speed: float | None, cadence: float | None) -> Motion:
    """Play a motion faster or slower, so that it gets to a speed [m/s] or a cadence [steps/min]; its strides stay.

    Raises UserError for a motion that is played once, that rests, for both at once, and for a change that is too large.
    """
    if speed is None and cadence is None:
        return motion
    key = "speed" if speed is not None else "cadence"
    if motion.once:
        raise UserError(f"motion.{key}: expected a cyclic motion, got '{motion.name}', which is played once")
    if speed is not None and cadence is not None:
        raise UserError(
            f"motion.speed: expected speed or cadence for the recording '{motion.name}', whose strides stay, got both"
        )
    now = motion.speed if speed is not None else 60 * _STEPS / motion.duration
    wanted = speed if speed is not None else cadence
    assert wanted is not None
    if not now / _FASTEST <= wanted <= now * _FASTEST:
        raise UserError(
            f"motion.{key}: expected from {now / _FASTEST:.3g} to {now * _FASTEST:.3g}, a quarter to four times that of"
            f" '{motion.name}', got {wanted:g}"
        )
    changed = make_motion(
        motion.name, motion.duration * now / wanted, motion.qpos, motion.displacement, human, motion.turn
    )
    return replace(changed, notes=motion.notes)


def scaled_cycle(cycle: GaitCycle, speed: float | None, cadence: float | None, leg: float) -> GaitCycle:
    """Return a gait cycle for a speed [m/s] and a cadence [steps/min] of a person with legs of a length [m].

    At a speed alone strides and cadence change alike, each by the root of the change, as people's nearly do (Grieve and
    Gear 1966, Ergonomics 9:379); at a cadence alone the strides stay. Angles of the legs and arms grow with the stride.
    Raises UserError for a change that is too large.
    """
    size = leg / cycle.leg_length
    duration, stride = cycle.duration * np.sqrt(size), cycle.stride * leg
    if cadence is not None:
        lasts = 60 * _STEPS / cadence
        far = stride if speed is None else speed * lasts
    else:
        assert speed is not None
        root = np.sqrt(speed * duration / stride)
        lasts, far = duration / root, stride * root
    longer = far / stride
    arms = dict(cycle.arms)
    if "shoulder_flexion" in arms:
        arms["shoulder_flexion"] = arms["shoulder_flexion"].scaled(longer)
    for key, wanted, factor in (("cadence", cadence, duration / lasts), ("speed", speed, longer)):
        if wanted is not None and not 0.5 <= factor <= 1.6:
            what = "strides" if key == "speed" else "steps a minute"
            raise UserError(
                f"motion.{key}: expected one at which '{cycle.name}' has half to 1.6 times its {what}, got {wanted:g},"
                f" at which it has {factor:.3g} times"
            )
    return replace(
        cycle,
        duration=float(lasts / np.sqrt(size)),
        stride=float(far / leg),
        angles={key: series.scaled(longer) for key, series in cycle.angles.items()},
        arms={
            key: series.scaled(longer) if key == "shoulder_flexion" else series for key, series in cycle.arms.items()
        },
    )


def strided(motion: Motion, human: Human, factor: float) -> Motion:
    """Make the strides of a cyclic motion longer or shorter, at its cadence.

    Each joint swings as much farther about its mean over the cycle as the strides are longer, as those of people nearly
    do, and the lowest point of the feet stays where it is at each instant.
    """
    slots = root_slots(human)
    qpos = human.consistent(_swung(motion.qpos, human, factor))
    ahead = slots.shift[0]
    if ahead >= 0:
        qpos[:, ahead] = motion.qpos[0, ahead] + factor * (motion.qpos[:, ahead] - motion.qpos[0, ahead])
    up = slots.shift[2]
    qpos[:, up] += foot_heights(human, motion.qpos).min(axis=1) - foot_heights(human, qpos).min(axis=1)
    changed = make_motion(motion.name, motion.duration, qpos, motion.displacement * factor, human, motion.turn)
    return replace(changed, notes=motion.notes)


def _swung(qpos: Floats, human: Human, factor: float) -> Floats:
    """Copy of poses (K, nq) whose joints but the root's are farther from their means over the poses by a factor."""
    model, result = human.model, qpos.copy()
    for joint in dict.fromkeys(model.dof_jntid[human.coordinate_dof[human.actuated]].tolist()):
        adr = int(model.jnt_qposadr[joint])
        if model.jnt_type[joint] == _JOINT.mjJNT_BALL:
            vectors = log(qpos[:, adr : adr + 4])
            mean = vectors.mean(axis=0)
            result[:, adr : adr + 4] = continuous(exp(mean + factor * (vectors - mean)))
        else:
            mean = qpos[:, adr].mean()
            result[:, adr] = mean + factor * (qpos[:, adr] - mean)
    return result


def mirrored(motion: Motion, human: Human) -> Motion:
    """Exchange left and right."""
    qpos = _mirror_joints(motion.qpos, human)
    slots = root_slots(human)
    if slots.quaternion >= 0:
        at = slice(slots.quaternion, slots.quaternion + 4)
        canonical = multiply(motion.qpos[:, at], human.root_align)
        qpos[:, at] = continuous(multiply(_reflected(canonical), conjugate(human.root_align)))
    for adr, sign in zip(slots.shift, _VECTOR, strict=True):
        if adr >= 0:
            qpos[:, adr] = sign * motion.qpos[:, adr]
    qpos = human.consistent(qpos)
    if motion.once:
        changed = play_once(motion.name, motion.duration, qpos, human)
    else:
        changed = make_motion(
            motion.name, motion.duration, qpos, motion.displacement * _VECTOR, human, turn=-motion.turn
        )
    return replace(changed, notes=motion.notes)


def _mirror_joints(qpos: Floats, human: Human) -> Floats:
    """Copy of poses (K, nq) whose hinges, slides and balls but the root's are those of the mirrored person."""
    model, result = human.model, qpos.copy()
    values = {}
    for c in human.actuated:
        dof = int(human.coordinate_dof[c])
        joint = int(model.dof_jntid[dof])
        adr = int(model.jnt_qposadr[joint])
        if model.jnt_type[joint] == _JOINT.mjJNT_BALL:
            values[int(c)] = log(qpos[:, adr : adr + 4])[:, dof - model.jnt_dofadr[joint]]
        else:
            values[int(c)] = qpos[:, adr] - human.qpos_rest[adr]
    balls: dict[int, Floats] = {}
    for c, other in zip(human.actuated, human.mirror_coordinate[human.actuated], strict=True):
        dof = int(human.coordinate_dof[c])
        joint = int(model.dof_jntid[dof])
        adr = int(model.jnt_qposadr[joint])
        value = human.mirror_sign[c] * values[int(other)]
        if model.jnt_type[joint] == _JOINT.mjJNT_BALL:
            vectors = balls.setdefault(adr, np.zeros((len(qpos), 3)))
            vectors[:, dof - model.jnt_dofadr[joint]] = value
        else:
            result[:, adr] = human.qpos_rest[adr] + value
    for adr, vectors in balls.items():
        result[:, adr : adr + 4] = continuous(exp(vectors))
    return result


def _reflected(q: Floats) -> Floats:
    """Rotations (K, 4) seen in a mirror in y: axes of rotation are axial vectors."""
    return np.concatenate([q[:, :1], q[:, 1:] * _AXIAL], axis=1)
