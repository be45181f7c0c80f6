"""From a compiled model to a Human."""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError
from soleus.models.coupling import Coupling, read_coupling
from soleus.models.crossings import crossings, muscles
from soleus.models.floor import check_contacts, ground_height
from soleus.models.gains import gains
from soleus.models.ground import contact_geoms, lowest
from soleus.models.hill_muscles import HillMuscles, fit_hill, hill_crossings
from soleus.models.hill_table import HillTable
from soleus.models.hints import END_EFFECTORS, Hints, read_hints
from soleus.models.human import Human
from soleus.models.mirror import mirror_coordinates
from soleus.models.motors import acts_on, enabled, find_motors, name_of
from soleus.models.muscle_table import MuscleTable
from soleus.models.person import Person, find_person
from soleus.models.polylines import Polylines, fit_polylines, polyline_crossings
from soleus.models.root import Root, conjugate, root_axes, standing_axes
from soleus.models.segments import find_feet, find_hands, find_head, find_tracked
from soleus.models.sides import partners
from soleus.models.ties import find_ties
from soleus.models.weights import pose_weight

_SCALAR = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
_LEAST_GRAVITY, _MOST_GRAVITY = 0.1, 50.0  # [m/s^2] the moon has 1.6, Jupiter 25, and centimetres 981
_FREE_NAMES = ("root_tx", "root_ty", "root_tz", "root_rx", "root_ry", "root_rz")


def build_human(
    name: str,
    model: mujoco.MjModel,
    render_model: Callable[[], mujoco.MjModel],
    yaw: float | None = 0.0,
    muscle_table: MuscleTable | HillTable | None = None,
    spread: bool = False,
    pelvis: str | None = None,
) -> Human:
    """Read a model's structure. yaw [rad]: where it faces at qpos0, 0 being +x; yaw, pelvis: see find_person.

    muscle_table: muscles beside those of the model, which then may have none; spread: see Polylines.
    Raises UserError where the model is no human: nothing floats, no feet, no ground; or where muscles do not fit it.
    """
    check_contacts(model)
    _check_enabled(model)
    hints = read_hints(model)
    _apply(model, hints)
    person = find_person(model, yaw, pelvis)
    root = person.root
    coupling = read_coupling(model, person.dofs, hints.splines)
    feet = find_feet(model, person.bodies)
    qpos_rest, ground = _rest(model, person, coupling, np.concatenate(feet))
    data = _posed(model, qpos_rest)
    coordinate_dof = np.flatnonzero(~coupling.coupled & person.dofs).astype(np.int32)
    names = _coordinate_names(model, root, coordinate_dof)
    dof_coordinate = _dof_coordinate(coupling, coordinate_dof, person)
    actuated = np.flatnonzero(~np.isin(coordinate_dof, root.dofs)).astype(np.int32)
    limits = _limits(model, hints, coordinate_dof)
    turns = coupling.turns(model, data, coordinate_dof[actuated])
    pd = _gains(model, hints, [names[c] for c in actuated], coordinate_dof[actuated], person.mass, turns)
    fold = _fold(coupling, dof_coordinate, actuated, len(coordinate_dof))
    own = (
        _muscles_of_table(muscle_table, model, person, coupling, fold, names, actuated, spread, hints.curves)
        if muscle_table
        else _muscles_of_model(model, person, fold)
    )
    head = find_head(model, person.bodies, root.body)
    tracked = find_tracked(model, person.bodies, root.body, person.mass)
    end_effectors = _end_effectors(model, hints, person, [feet[0][0], feet[1][0], head])
    permutation, sign = mirror_coordinates(model, qpos_rest, coordinate_dof, names, root_axes(root))
    motors = find_motors(model, person.owns, _joint_mirror(model, coordinate_dof, permutation, sign))
    return Human(
        name=name, model=model, render_model=render_model, coupling=coupling, qpos_rest=qpos_rest,
        root_body=root.body, root_align=root.align, root_height=float(data.xpos[root.body, 2]) - ground,
        head_body=head, head_height=float(data.xpos[head, 2]) - ground, mass=person.mass, ground_height=ground,
        own_bodies=person.bodies, motors=motors, ties=find_ties(model, person.owns),
        dof_coordinate=dof_coordinate, dof_coupled=coupling.coupled, dof_polynomial=coupling.polynomial,
        coordinate_dof=coordinate_dof, coordinate_names=tuple(names),
        actuated=actuated, kp=pd.kp, kd=pd.kd, torque_limit=pd.limit,
        torque_driven=pd.driven[0], torque_beside=pd.driven[1],
        pose_weight=_weights(model, hints, coordinate_dof[actuated], turns), root_kp=pd.root_kp, root_kd=pd.root_kd,
        lower=limits[0], upper=limits[1], channels=hints.channels, channel_axes=hints.channel_axes,
        polylines=own.polylines, hill=own.hill, muscle_names=own.names, muscle_actuator=own.actuator,
        crossing_adr=own.crossing[0], crossing=own.crossing[1],
        tracked_bodies=tracked, end_effectors=end_effectors, feet=feet,
        mirror_coordinate=permutation, mirror_sign=sign, mirror_muscle=np.array(partners(own.names), dtype=np.int32),
        mirror_tracked=_mirror_bodies(model, tracked), mirror_end_effector=_mirror_bodies(model, end_effectors),
    )  # fmt: skip


def _check_enabled(model: mujoco.MjModel) -> None:
    """Raise UserError for what a model has and its options switch off: nobody would see why nothing moves."""
    if model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_GRAVITY:
        raise UserError('expected gravity, got <option><flag gravity="disable"/></option>: take it away')
    x, y, z = model.opt.gravity
    if z > -_LEAST_GRAVITY or np.hypot(x, y) > -z or z < -_MOST_GRAVITY:  # a slope may tilt it
        raise UserError(
            f'expected gravity down along z [m/s^2], such as <option gravity="0 0 -9.81"/>, got "{x:g} {y:g} {z:g}"'
        )
    off = [a for a in muscles(model) if not enabled(model, int(a))]
    if off:
        raise UserError(
            f"muscle '{model.actuator(off[0]).name}': expected a muscle that can pull, but its group is disabled by"
            " actuatorgroupdisable"
        )


@dataclass(frozen=True, eq=False)
class _Gains:
    kp: NDArray[np.float64]
    kd: NDArray[np.float64]
    limit: NDArray[np.float64]
    driven: tuple[NDArray[np.int32], NDArray[np.int32]]
    root_kp: float = 0.0
    root_kd: float = 0.0


def _gains(
    model: mujoco.MjModel,
    hints: Hints,
    names: list[str],
    dofs: NDArray[np.int32],
    mass: float,
    turns: NDArray[np.float64],
) -> _Gains:
    """Of the actuated coordinates: what the model says, without a limit to the torque, or else by what joints are."""
    driven = _torque_driven(model, hints, dofs)
    if hints.stable_pd is None:
        found = _Gains(*gains(model, names, dofs, mass, turns), driven)
    else:
        kp, kd, root = hints.stable_pd
        count = len(names)
        found = _Gains(np.full(count, kp), np.full(count, kd), np.full(count, np.inf), driven, kp * root, kd * root)
    for k, (joint, axis) in enumerate(_axes_of(model, dofs)):
        if joint in hints.gains:
            found.kp[k], found.kd[k] = hints.gains[joint][:, axis]
        if joint in hints.torques and hints.torques[joint][0] > 0:
            found.limit[k] = hints.torques[joint][0]
    return found


def _torque_driven(
    model: mujoco.MjModel, hints: Hints, dofs: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Indices of the actuated coordinates that the model drives by torque, and of those where it does beside muscles.

    Raises UserError for one that is none.
    """
    names = [joint for joint, _ in _axes_of(model, dofs)]
    for joint in hints.torques:
        if joint not in names:
            raise UserError(f"numeric 'torque/{joint}': expected a joint of the person's that follows no other")
    driven = np.flatnonzero([joint in hints.torques for joint in names]).astype(np.int32)
    return driven, driven[[hints.torques[names[k]][1] > 0 for k in driven]]


def _weights(
    model: mujoco.MjModel, hints: Hints, dofs: NDArray[np.int32], turns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(na,) of the actuated coordinates in what is imitated."""
    own = [
        hints.weight[joint][axis] if joint in hints.weight else pose_weight(joint, turn)
        for (joint, axis), turn in zip(_axes_of(model, dofs), turns, strict=True)
    ]
    return np.array(own, dtype=np.float64)


def _axes_of(model: mujoco.MjModel, dofs: NDArray[np.int32]) -> list[tuple[str, int]]:
    """Name of the joint that each dof is of, and which of its axes it is."""
    joints = model.dof_jntid[dofs]
    return [(str(model.joint(j).name), int(d - model.jnt_dofadr[j])) for j, d in zip(joints, dofs, strict=True)]


def _apply(model: mujoco.MjModel, hints: Hints) -> None:
    """Set what a compiled model has by axis, and MJCF for all axes of a joint alone."""
    for mapping, target in ((hints.damping, model.dof_damping), (hints.friction, model.dof_frictionloss)):
        for joint, values in mapping.items():
            start = int(model.joint(joint).dofadr[0])
            target[start : start + len(values)] = values


def _limits(model: mujoco.MjModel, hints: Hints, dofs: NDArray[np.int32]) -> NDArray[np.float64]:
    """(2, nc) lower and upper."""
    result = np.tile([[-np.inf], [np.inf]], len(dofs))
    for c, dof in enumerate(dofs):
        joint = model.dof_jntid[dof]
        own = hints.limits.get(str(model.joint(joint).name))
        if own is not None:
            result[:, c] = own.reshape(2, 3)[:, dof - model.jnt_dofadr[joint]]
        elif model.jnt_limited[joint] and int(model.jnt_type[joint]) in _SCALAR:
            result[:, c] = model.jnt_range[joint]
    return result


@dataclass(frozen=True, eq=False)
class _Muscles:
    names: tuple[str, ...]
    actuator: NDArray[np.int32]
    crossing: tuple[NDArray[np.int32], NDArray[np.int32]]
    """Sparse rows of the actuated indices that each crosses."""
    polylines: Polylines | None = None
    hill: HillMuscles | None = None


def _muscles_of_model(model: mujoco.MjModel, person: Person, fold: NDArray[np.int32]) -> _Muscles:
    own = np.array([a for a in muscles(model) if acts_on(model, int(a), person.owns)], dtype=np.int32)
    return _Muscles(tuple(name_of(model, int(a)) for a in own), own, crossings(model, own, fold))


def _muscles_of_table(
    table: MuscleTable | HillTable,
    model: mujoco.MjModel,
    person: Person,
    coupling: Coupling,
    fold: NDArray[np.int32],
    names: list[str],
    actuated: NDArray[np.int32],
    spread: bool,
    curves: NDArray[np.float64] | None,
) -> _Muscles:
    """Of a file beside the model, which then may have none. Raises UserError where they do not fit it."""
    actuators = _muscles_of_model(model, person, fold).names
    if actuators:
        raise UserError(
            f"expected muscles in the model or in a table, got both: '{actuators[0]}' and '{table.names[0]}'"
        )
    none = np.zeros(0, dtype=np.int32)
    if isinstance(table, HillTable):
        hill = fit_hill(table, names, actuated)
        return _Muscles(table.names, none, hill_crossings(hill, actuated), hill=hill)
    if coupling.coupled.any():
        raise UserError("expected a model without joint equalities for muscles in a table")
    polylines = fit_polylines(table, model, person.bodies, spread, curves)
    return _Muscles(table.names, none, polyline_crossings(polylines, model, fold), polylines)


def _rest(
    model: mujoco.MjModel, person: Person, coupling: Coupling, feet: NDArray[np.int32]
) -> tuple[NDArray[np.float64], float]:
    """qpos0, made consistent, turned to face +x and set down on the ground above the origin; its height [m]."""
    root = person.root
    qpos = coupling.consistent(model.qpos0)
    height = coupling.qpos_adr[root.dofs[2]] if root.free else _vertical(model, root)
    if root.free:
        qpos[height - 2 : height] = 0.0
        qpos[height + 1 : height + 5] = conjugate(root.align)
    data = _posed(model, qpos)
    soles = contact_geoms(model, feet)
    ground = ground_height(model, data, soles, person.owns, float(data.xpos[root.body, 2]))
    qpos[height] -= lowest(model, data, soles) - ground
    return qpos, ground


def _posed(model: mujoco.MjModel, qpos: NDArray[np.float64]) -> mujoco.MjData:
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    return data


def _vertical(model: mujoco.MjModel, root: Root) -> int:
    """qpos address of a planar root's upward slide."""
    joints = model.dof_jntid[root.dofs]
    slides = model.jnt_type[joints] == mujoco.mjtJoint.mjJNT_SLIDE
    upness = np.where(slides, standing_axes(model)[joints, 2], -1.0)
    return int(model.jnt_qposadr[joints[np.argmax(upness)]])


def _coordinate_names(model: mujoco.MjModel, root: Root, coordinate_dof: NDArray[np.int32]) -> list[str]:
    return [_coordinate_name(model, root, int(d)) for d in coordinate_dof]


def _coordinate_name(model: mujoco.MjModel, root: Root, dof: int) -> str:
    if root.free and dof in root.dofs:
        return _FREE_NAMES[dof - int(root.dofs[0])]
    joint = model.dof_jntid[dof]
    name = str(model.joint(joint).name) or f"joint{joint}"
    ball = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_BALL
    return f"{name}_{'xyz'[dof - model.jnt_dofadr[joint]]}" if ball else name


def _dof_coordinate(coupling: Coupling, coordinate_dof: NDArray[np.int32], person: Person) -> NDArray[np.int32]:
    """(nv,) coordinate of each dof, -1 of one that is not the person's. A locked dof follows nothing; it gets the first
    that is not the root's, whose derivative in its constant polynomial is zero: no reader needs to know the case.
    """
    index = {int(d): c for c, d in enumerate(coordinate_dof)}
    spare = next((c for c, d in enumerate(coordinate_dof) if d not in person.root.dofs), 0)
    own = [index.get(int(d), -1) if d >= 0 else spare for d in coupling.driver]
    return np.where(person.dofs, own, -1).astype(np.int32)


def _fold(
    coupling: Coupling, dof_coordinate: NDArray[np.int32], actuated: NDArray[np.int32], nc: int
) -> NDArray[np.int32]:
    """(nv,) actuated index that each dof folds into; -1 for the root's and for locked dofs."""
    index = np.full(nc, -1, dtype=np.int32)
    index[actuated] = np.arange(len(actuated))
    follows = (coupling.driver >= 0) & (dof_coordinate >= 0)
    return np.where(follows, index[dof_coordinate], -1).astype(np.int32)


def _mirror_bodies(model: mujoco.MjModel, bodies: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.array(partners([model.body(b).name for b in bodies]), dtype=np.int32)


def _joint_mirror(
    model: mujoco.MjModel,
    coordinate_dof: NDArray[np.int32],
    permutation: NDArray[np.int32],
    sign: NDArray[np.float64],
) -> dict[int, tuple[int, float]]:
    """Mirror image and sign of each hinge and slide that is a coordinate, by joint."""
    joint = model.dof_jntid[coordinate_dof]
    return {
        int(joint[c]): (int(joint[permutation[c]]), float(sign[c]))
        for c in range(len(joint))
        if int(model.jnt_type[joint[c]]) in _SCALAR
    }


def _end_effectors(model: mujoco.MjModel, hints: Hints, person: Person, least: list[int]) -> NDArray[np.int32]:
    """Those that the model names, or else the least and the hands."""
    if hints.end_effectors is None:
        return np.array([*least, *find_hands(model, person.bodies)], dtype=np.int32)
    for body in hints.end_effectors:
        if not person.owns[body]:
            raise UserError(f"tuple '{END_EFFECTORS}': expected bodies of the person, got '{model.body(body).name}'")
    return hints.end_effectors
