"""From a compiled model to a Human."""

from collections.abc import Callable

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.coupling import Coupling, read_coupling
from soleus.models.crossings import crossings, muscles
from soleus.models.gains import gains
from soleus.models.ground import contact_geoms, lowest
from soleus.models.human import Human
from soleus.models.mirror import mirror_coordinates
from soleus.models.root import Root, conjugate, find_root, root_axes
from soleus.models.segments import find_feet, find_hands, find_head, find_tracked
from soleus.models.sides import partners

_FREE_NAMES = ("root_tx", "root_ty", "root_tz", "root_rx", "root_ry", "root_rz")


def build_human(
    name: str, model: mujoco.MjModel, render_model: Callable[[], mujoco.MjModel], yaw: float = 0.0
) -> Human:
    """Read a model's structure. yaw [rad]: where it faces at qpos0, 0 being +x.

    Raises UserError where the model is no human: nothing floats, no feet, ball joints.
    """
    root = find_root(model, yaw)
    coupling = read_coupling(model)
    feet = find_feet(model)
    qpos_rest = _rest(model, root, coupling, np.concatenate(feet))
    data = mujoco.MjData(model)
    data.qpos[:] = qpos_rest
    mujoco.mj_kinematics(model, data)

    coordinate_dof = np.flatnonzero(~coupling.coupled).astype(np.int32)
    names = _coordinate_names(model, root, coordinate_dof)
    dof_coordinate = _dof_coordinate(coupling, coordinate_dof, root)
    actuated = np.flatnonzero(~np.isin(coordinate_dof, root.dofs)).astype(np.int32)
    mass = float(model.body_mass.sum())
    kp, kd, limit = gains(model, [names[c] for c in actuated], coordinate_dof[actuated], mass)
    muscle_actuator = muscles(model)
    muscle_names = tuple(str(model.actuator(a).name) for a in muscle_actuator)
    crossing_adr, crossing = crossings(model, _fold(coupling, dof_coordinate, actuated, len(coordinate_dof)))
    head = find_head(model, root.body)
    tracked = find_tracked(model, root.body)
    end_effectors = np.array([feet[0][0], feet[1][0], head, *find_hands(model)], dtype=np.int32)
    permutation, sign = mirror_coordinates(model, qpos_rest, coordinate_dof, names, root_axes(root))
    return Human(
        name=name, model=model, render_model=render_model, coupling=coupling, qpos_rest=qpos_rest,
        root_body=root.body, root_align=root.align, root_height=float(data.xpos[root.body, 2]),
        head_body=head, head_height=float(data.xpos[head, 2]), mass=mass,
        dof_coordinate=dof_coordinate, dof_coupled=coupling.coupled, dof_polynomial=coupling.polynomial,
        coordinate_dof=coordinate_dof, coordinate_names=tuple(names),
        actuated=actuated, kp=kp, kd=kd, torque_limit=limit,
        muscle_names=muscle_names, muscle_actuator=muscle_actuator, crossing_adr=crossing_adr, crossing=crossing,
        tracked_bodies=tracked, end_effectors=end_effectors, feet=feet,
        mirror_coordinate=permutation, mirror_sign=sign, mirror_muscle=np.array(partners(muscle_names), dtype=np.int32),
        mirror_tracked=_mirror_bodies(model, tracked), mirror_end_effector=_mirror_bodies(model, end_effectors),
    )  # fmt: skip


def _rest(model: mujoco.MjModel, root: Root, coupling: Coupling, feet: NDArray[np.int32]) -> NDArray[np.float64]:
    """qpos0, made consistent, turned to face +x and set down on the ground above the origin."""
    qpos = coupling.consistent(model.qpos0)
    height = coupling.qpos_adr[root.dofs[2]] if root.free else _vertical(model, root)
    if root.free:
        qpos[height - 2 : height] = 0.0
        qpos[height + 1 : height + 5] = conjugate(root.align)
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    qpos[height] -= lowest(model, data, contact_geoms(model, feet))
    return qpos


def _vertical(model: mujoco.MjModel, root: Root) -> int:
    """qpos address of a planar root's upward slide."""
    upward = max(root.dofs, key=lambda d: _upness(model, int(d)))
    return int(model.jnt_qposadr[model.dof_jntid[upward]])


def _upness(model: mujoco.MjModel, dof: int) -> float:
    joint = model.dof_jntid[dof]
    return float(model.jnt_axis[joint, 2]) if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE else -1.0


def _coordinate_names(model: mujoco.MjModel, root: Root, coordinate_dof: NDArray[np.int32]) -> list[str]:
    start = int(root.dofs[0])
    return [
        _FREE_NAMES[d - start] if root.free and d in root.dofs else str(model.joint(model.dof_jntid[d]).name)
        for d in coordinate_dof
    ]


def _dof_coordinate(coupling: Coupling, coordinate_dof: NDArray[np.int32], root: Root) -> NDArray[np.int32]:
    """(nv,) coordinate of each dof. A locked dof follows nothing; it gets the first that is not the root's, whose
    derivative in its constant polynomial is zero, so that no reader needs to know the case.
    """
    index = {int(d): c for c, d in enumerate(coordinate_dof)}
    spare = next((c for c, d in enumerate(coordinate_dof) if d not in root.dofs), 0)
    return np.array([index[int(d)] if d >= 0 else spare for d in coupling.driver], dtype=np.int32)


def _fold(
    coupling: Coupling, dof_coordinate: NDArray[np.int32], actuated: NDArray[np.int32], nc: int
) -> NDArray[np.int32]:
    """(nv,) actuated index that each dof folds into; -1 for the root's and for locked dofs."""
    index = np.full(nc, -1, dtype=np.int32)
    index[actuated] = np.arange(len(actuated))
    return np.where(coupling.driver >= 0, index[dof_coordinate], -1).astype(np.int32)


def _mirror_bodies(model: mujoco.MjModel, bodies: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.array(partners([model.body(b).name for b in bodies]), dtype=np.int32)
