"""What an MJCF file may say about a human beside its body, in elements that MJCF keeps for its users (<custom>).

numeric stable_pd: kp [N m/rad] and kd [N m s/rad] of every joint, and 1 where stable PD's prediction drives the root
too. numeric stable_pd/JOINT: of one joint, of a ball's three axes first kp, then kd; damping/JOINT, friction/JOINT and
weight/JOINT (in the errors of imitation): by axis. numeric torque/JOINT: where no muscle crosses a joint, its torque
acts by itself in muscle control; the most of it [N m], or 0 for as much as by default; a 1 behind that: also where
muscles cross it, which then pull beside it and are asked for nothing there. numeric muscle_curves: of muscles that are
polylines, the width of the active force-length curve, and of the passive one the steepness and the strain at which it
is 1; those of MASS without it. numeric limits/JOINT: of
a ball joint, three lower and three upper limits of its exponential map [rad]. numeric spline:JOINT: pieces of a spline
that JOINT follows exactly where an equality of joints has a polynomial near it, five numbers each (Coupling.splines).
tuple end_effectors: bodies. text bvh/BODY: the joint of motion files that BODY follows; numeric bvh_axes: the
quaternion from their axes to the model's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError

STABLE_PD, END_EFFECTORS, CHANNEL, CHANNEL_AXES = "stable_pd", "end_effectors", "bvh/", "bvh_axes"
LIMITS, SPLINE, TORQUE, CURVES = "limits/", "spline:", "torque/", "muscle_curves"
_PIECE = 5  # numbers of a spline's piece
GAINS, DAMPING, FRICTION, WEIGHT = "stable_pd/", "damping/", "friction/", "weight/"
Y_UP = (0.5, 0.5, 0.5, 0.5)
"""Quaternion from axes with y up that face +z to axes with z up that face +x."""


@dataclass(frozen=True, eq=False)
class Hints:
    """None where the file says nothing."""

    stable_pd: tuple[float, float, bool] | None
    end_effectors: NDArray[np.int32] | None
    channels: Mapping[str, str]
    channel_axes: NDArray[np.float64]
    limits: Mapping[str, NDArray[np.float64]]
    """(6,) by ball joint"""
    gains: Mapping[str, NDArray[np.float64]]
    """(2, n) kp [N m/rad] and kd [N m s/rad] by joint of n axes"""
    damping: Mapping[str, NDArray[np.float64]]
    """(n,) [N m s/rad] likewise"""
    friction: Mapping[str, NDArray[np.float64]]
    """(n,) [N m]"""
    weight: Mapping[str, NDArray[np.float64]]
    """(n,) in what is imitated"""
    torques: Mapping[str, NDArray[np.float64]]
    """(2,) the most [N m], 0 where the file sets none, and 1 where it acts beside muscles; by joint"""
    curves: NDArray[np.float64] | None
    """(3,) of the force of muscles that are polylines"""
    splines: Mapping[str, NDArray[np.float64]]
    """(pieces, 5) by joint, as Coupling has them"""


def read_hints(model: mujoco.MjModel) -> Hints:
    """Read the custom elements of a model. Raises UserError for values that do not fit."""
    pd = _numeric(model, STABLE_PD, 3)
    if pd is not None and not ((pd >= 0).all() and pd[2] in (0, 1)):
        raise UserError(f"numeric '{STABLE_PD}': expected kp, kd of 0 or more and 0 or 1, got {pd.tolist()}")
    axes = _numeric(model, CHANNEL_AXES, 4)
    if axes is not None and abs(np.linalg.norm(axes) - 1) > 1e-6:
        raise UserError(f"numeric '{CHANNEL_AXES}': expected a unit quaternion, got {axes.tolist()}")
    return Hints(
        stable_pd=None if pd is None else (float(pd[0]), float(pd[1]), bool(pd[2])),
        end_effectors=_bodies(model),
        channels={name.removeprefix(CHANNEL): text for name, text in _texts(model).items() if name.startswith(CHANNEL)},
        channel_axes=np.array(Y_UP) if axes is None else axes,
        limits=_limits(model),
        gains={name: values.reshape(2, -1) for name, values in _by_joint(model, GAINS, 2).items()},
        damping=_by_joint(model, DAMPING),
        friction=_by_joint(model, FRICTION),
        weight=_by_joint(model, WEIGHT),
        torques=_torques(model),
        curves=_curves(model),
        splines=_splines(model),
    )


def _by_joint(model: mujoco.MjModel, prefix: str, times: int = 1) -> dict[str, NDArray[np.float64]]:
    """Numbers of 0 or more for each axis of a hinge, slide or ball joint, `times` as many."""
    found = {}
    for name, joint in _named(model, prefix):
        index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, joint)
        axes = 3 if model.jnt_type[index] == mujoco.mjtJoint.mjJNT_BALL else 1
        values = _numeric(model, name, times * axes)
        assert values is not None
        if (values < 0).any():
            raise UserError(f"numeric '{name}': expected numbers of 0 or more, got {values.tolist()}")
        found[joint] = values
    return found


def _torques(model: mujoco.MjModel) -> dict[str, NDArray[np.float64]]:
    found = {}
    for name, joint in _named(model, TORQUE):
        index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_NUMERIC, name)
        values = _numeric(model, name, int(np.clip(model.numeric_size[index], 1, 2)))
        assert values is not None
        most, beside = values[0], values[1] if len(values) > 1 else 0.0
        if most < 0 or beside not in (0, 1):
            raise UserError(
                f"numeric '{name}': expected a limit of 0 or more, and 1 or nothing behind it, got {values.tolist()}"
            )
        found[joint] = np.array([most, beside])
    return found


def _curves(model: mujoco.MjModel) -> NDArray[np.float64] | None:
    values = _numeric(model, CURVES, 3)
    if values is not None and not (values > 0).all():
        raise UserError(f"numeric '{CURVES}': expected numbers above 0, got {values.tolist()}")
    return values


def _named(model: mujoco.MjModel, prefix: str) -> list[tuple[str, str]]:
    """Names of numerics with a prefix, and the joint that each is of. Raises UserError for one of no such joint."""
    found = []
    for i in range(model.nnumeric):
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_NUMERIC, i) or ""  # it may have none
        if not name.startswith(prefix):
            continue
        joint = name.removeprefix(prefix)
        index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, joint)
        if index < 0 or model.jnt_type[index] == mujoco.mjtJoint.mjJNT_FREE:
            raise UserError(f"numeric '{name}': expected the name of a hinge, slide or ball joint after the slash")
        found.append((name, joint))
    return found


def _splines(model: mujoco.MjModel) -> dict[str, NDArray[np.float64]]:
    found = {}
    for i in range(model.nnumeric):
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_NUMERIC, i) or ""  # it may have none
        if not name.startswith(SPLINE):
            continue
        joint, start, size = name.removeprefix(SPLINE), model.numeric_adr[i], model.numeric_size[i]
        index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, joint)
        kinds = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
        if index < 0 or mujoco.mjtJoint(model.jnt_type[index]) not in kinds:
            raise UserError(f"numeric '{name}': expected the name of a hinge or slide after the colon")
        if size % _PIECE:
            raise UserError(
                f"numeric '{name}': expected {_PIECE} numbers for each piece of the spline, got {size} in all"
            )
        pieces = np.array(model.numeric_data[start : start + size]).reshape(-1, _PIECE)
        if not (np.diff(pieces[:, 0]) > 0).all():
            raise UserError(f"numeric '{name}': expected pieces whose starts rise, got {pieces[:, 0].tolist()}")
        found[joint] = pieces
    return found


def _limits(model: mujoco.MjModel) -> dict[str, NDArray[np.float64]]:
    found = {}
    for i in range(model.nnumeric):
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_NUMERIC, i) or ""  # it may have none
        if not name.startswith(LIMITS):
            continue
        values, joint = _numeric(model, name, 6), name.removeprefix(LIMITS)
        index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, joint)
        if index < 0 or model.jnt_type[index] != mujoco.mjtJoint.mjJNT_BALL:
            raise UserError(f"numeric '{name}': expected the name of a ball joint after the slash")
        if values is not None:
            if not (values[:3] < values[3:]).all():
                raise UserError(f"numeric '{name}': expected lower limits below the upper ones, got {values.tolist()}")
            found[joint] = values
    return found


def _texts(model: mujoco.MjModel) -> dict[str, str]:
    names = [mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_TEXT, i) or "" for i in range(model.ntext)]
    ends = [(int(start), int(size)) for start, size in zip(model.text_adr, model.text_size, strict=True)]
    data = bytes(model.text_data)
    return {name: data[at : at + size].rstrip(b"\0").decode() for name, (at, size) in zip(names, ends, strict=True)}


def _numeric(model: mujoco.MjModel, name: str, count: int) -> NDArray[np.float64] | None:
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_NUMERIC, name)
    if index < 0:
        return None
    start, size = model.numeric_adr[index], model.numeric_size[index]
    if size != count:
        raise UserError(f"numeric '{name}': expected {count} numbers, got {size}")
    return np.array(model.numeric_data[start : start + size])


def _bodies(model: mujoco.MjModel) -> NDArray[np.int32] | None:
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_TUPLE, END_EFFECTORS)
    if index < 0:
        return None
    part = slice(model.tuple_adr[index], model.tuple_adr[index] + model.tuple_size[index])
    if (model.tuple_objtype[part] != mujoco.mjtObj.mjOBJ_BODY).any():
        raise UserError(f"tuple '{END_EFFECTORS}': expected bodies, got an element of another type")
    return np.array(model.tuple_objid[part], dtype=np.int32)
