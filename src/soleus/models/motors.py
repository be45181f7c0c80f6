"""Motors and servos: actuators that are no muscles and act on the person, as an exoskeleton's or a prosthesis' do."""

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.crossings import touched_bodies
from soleus.models.sides import partners

Floats = NDArray[np.float64]

_TRN, _GAIN, _BIAS, _DYN = mujoco.mjtTrn, mujoco.mjtGain, mujoco.mjtBias, mujoco.mjtDyn
_JOINTS = (_TRN.mjTRN_JOINT, _TRN.mjTRN_JOINTINPARENT)
_CLOSE = 1e-6


@dataclass(frozen=True, eq=False)
class Motors:
    """nu motors; the action of each goes from -1 to 1."""

    names: tuple[str, ...]
    control: NDArray[np.int32]
    """(nu,) addresses of their controls"""
    low: Floats
    """(nu,) control at the action -1"""
    high: Floats
    """(nu,) control at the action 1"""
    mirror: NDArray[np.int32]
    """(nu,) left-right mirror: action_mirrored[k] = sign[k] * action[mirror[k]]"""
    sign: Floats
    """(nu,)"""
    lopsided: str | None
    """The first that no other mirrors; None: all have one."""


def acts_on(model: mujoco.MjModel, actuator: int, bodies: NDArray[np.bool_]) -> bool:
    """Whether an actuator moves one of the bodies, (nbody,) bool."""
    kind, first, second = int(model.actuator_trntype[actuator]), *map(int, model.actuator_trnid[actuator])
    if kind == _TRN.mjTRN_BODY:
        return bool(bodies[first])
    if kind in _JOINTS:
        return bool(bodies[model.jnt_bodyid[first]])
    if kind in (_TRN.mjTRN_SITE, _TRN.mjTRN_SLIDERCRANK):
        return any(site >= 0 and bool(bodies[model.site_bodyid[site]]) for site in (first, second))
    if kind == _TRN.mjTRN_TENDON:
        return any(bool(bodies[body]) for body in touched_bodies(model, first))
    return bool(bodies[model.jnt_bodyid[first]]) if 0 <= first < model.njnt else False


def enabled(model: mujoco.MjModel, actuator: int) -> bool:
    """Whether the model lets an actuator act: its group may be disabled."""
    group = int(model.actuator_group[actuator])
    return not (0 <= group <= 30 and model.opt.disableactuator >> group & 1)


def find_motors(model: mujoco.MjModel, bodies: NDArray[np.bool_], joint_mirror: dict[int, tuple[int, float]]) -> Motors:
    """Return the motors that act on the bodies, (nbody,) bool. joint_mirror: image and sign of each hinge and slide.

    Raises UserError for one that cannot be given an action.
    """
    found = [
        a
        for a in range(model.nactuator)
        if model.actuator_gaintype[a] != _GAIN.mjGAIN_MUSCLE
        and model.actuator_ctrlnum[a] > 0
        and enabled(model, a)
        and acts_on(model, a, bodies)
    ]
    names = [name_of(model, a) for a in found]
    ranges = np.array([_range(model, a) for a in found], dtype=np.float64).reshape(-1, 2)
    mirror = partners(names)
    signs = [_sign(model, found[k], found[other], joint_mirror) for k, other in enumerate(mirror)]
    lopsided = [
        name
        for name, own, other, sign in zip(names, ranges, ranges[mirror], signs, strict=True)
        if sign is None or not np.allclose(own, np.sort(sign * other), atol=_CLOSE)
    ]
    return Motors(
        tuple(names),
        model.actuator_ctrladr[found].astype(np.int32),
        ranges[:, 0].copy(),
        ranges[:, 1].copy(),
        np.array(mirror, dtype=np.int32),
        np.array([1.0 if sign is None else sign for sign in signs], dtype=np.float64),
        lopsided[0] if lopsided else None,
    )


def name_of(model: mujoco.MjModel, actuator: int) -> str:
    """Return an actuator's name, or one by its number where it has none."""
    return str(model.actuator(actuator).name) or f"actuator{actuator}"


def _range(model: mujoco.MjModel, actuator: int) -> Sequence[float]:
    """Least and greatest control: ctrlrange, or else what the kind of actuator says by itself."""
    name, control = name_of(model, actuator), int(model.actuator_ctrladr[actuator])
    if model.actuator_plugin[actuator] >= 0 or _GAIN(model.actuator_gaintype[actuator]) == _GAIN.mjGAIN_USER:
        raise UserError(f"actuator '{name}': expected a motor or servo of MuJoCo's own, got a user's or a plugin's")
    if model.actuator_biastype[actuator] == _BIAS.mjBIAS_USER or model.actuator_dyntype[actuator] == _DYN.mjDYN_USER:
        raise UserError(f"actuator '{name}': expected a motor or servo of MuJoCo's own, got a user's")
    if model.actuator_ctrlnum[actuator] != 1:
        count = int(model.actuator_ctrlnum[actuator])
        raise UserError(f"actuator '{name}': expected a motor or servo of one control, got one of {count}")
    low, high = (float(value) for value in model.actuator_ctrlrange[control])
    if (low, high) != (0.0, 0.0) and not low < high:
        raise UserError(f"actuator '{name}': expected a ctrlrange from less to more, got {low:g} to {high:g}")
    if model.actuator_ctrllimited[control]:
        return [low, high]
    fixed = model.actuator_gaintype[actuator] == _GAIN.mjGAIN_FIXED
    if fixed and model.actuator_biastype[actuator] == _BIAS.mjBIAS_NONE:
        if model.actuator_dyntype[actuator] == _DYN.mjDYN_NONE:
            return [-1.0, 1.0]  # a plain motor: its gear is the most that it gives
    elif fixed and (reach := _reach(model, actuator)):
        return reach
    raise UserError(
        f"actuator '{name}': expected a ctrlrange, over which the policy's action moves its control, got none"
    )


def _reach(model: mujoco.MjModel, actuator: int) -> Sequence[float] | None:
    """The limits of the joint that a position servo holds; None for other actuators."""
    joint = int(model.actuator_trnid[actuator, 0])
    follows = model.actuator_biasprm[actuator, 1] == -model.actuator_gainprm[actuator, 0] != 0
    stateful = model.actuator_dyntype[actuator] == _DYN.mjDYN_INTEGRATOR
    if not follows or stateful or int(model.actuator_trntype[actuator]) not in _JOINTS:
        return None
    if not model.jnt_limited[joint] or model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_BALL:
        return None
    gear = float(model.actuator_gear[model.actuator_outadr[actuator], 0])
    return sorted(gear * float(limit) for limit in model.jnt_range[joint])


def _sign(model: mujoco.MjModel, actuator: int, other: int, joint_mirror: dict[int, tuple[int, float]]) -> float | None:
    """Sign with which the mirrored person's motor is the other; None where the two are no mirror images."""
    kinds = [int(model.actuator_trntype[a]) for a in (actuator, other)]
    own, image = (int(model.actuator_trnid[a, 0]) for a in (actuator, other))
    if kinds[0] != kinds[1]:
        return None
    if kinds[0] in (_TRN.mjTRN_TENDON, _TRN.mjTRN_BODY):
        return 1.0  # lengths and pressures have no side
    if kinds[0] not in _JOINTS or own not in joint_mirror:
        return None
    partner, sign = joint_mirror[own]
    gears = [float(model.actuator_gear[model.actuator_outadr[a], 0]) for a in (actuator, other)]
    if partner != image or abs(abs(gears[0]) - abs(gears[1])) > _CLOSE:
        return None
    return sign if gears[0] * gears[1] > 0 else -sign
