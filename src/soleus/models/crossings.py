"""Which coordinates each muscle crosses, from the structure of the model alone."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

import mujoco
import numpy as np
from numpy.typing import NDArray

_MUSCLE_GAIN = mujoco.mjtGain.mjGAIN_MUSCLE


def muscles(model: mujoco.MjModel) -> NDArray[np.int32]:
    """Actuator ids of the muscles, (nm,)."""
    return np.flatnonzero(model.actuator_gaintype == _MUSCLE_GAIN).astype(np.int32)


def crossed_dofs(model: mujoco.MjModel, actuator: int) -> set[int]:
    """Dofs that can change the length of an actuator's path: those between the bodies that it touches."""
    kind, target = int(model.actuator_trntype[actuator]), int(model.actuator_trnid[actuator, 0])
    if kind in (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT):
        return {int(model.jnt_dofadr[target])}
    if kind != mujoco.mjtTrn.mjTRN_TENDON:
        return set()
    chains: list[set[int]] = []
    joints: set[int] = set()
    start = model.tendon_adr[target]
    for w in range(start, start + model.tendon_num[target]):
        wrap, obj = int(model.wrap_type[w]), model.wrap_objid[w]
        if wrap == mujoco.mjtWrap.mjWRAP_JOINT:
            joints.add(int(model.jnt_dofadr[obj]))
        elif wrap == mujoco.mjtWrap.mjWRAP_SITE:
            chains.append(ancestor_dofs(model, int(model.site_bodyid[obj])))
        elif wrap in (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER):
            chains.append(ancestor_dofs(model, int(model.geom_bodyid[obj])))
    if not chains:
        return joints
    return (set().union(*chains) - chains[0].intersection(*chains[1:])) | joints


def touched_bodies(model: mujoco.MjModel, tendon: int) -> Iterator[int]:
    """Bodies that a tendon runs along, or whose joints it adds up."""
    start = model.tendon_adr[tendon]
    for w in range(start, start + model.tendon_num[tendon]):
        wrap, obj = int(model.wrap_type[w]), model.wrap_objid[w]
        if wrap == mujoco.mjtWrap.mjWRAP_JOINT:
            yield int(model.jnt_bodyid[obj])
        elif wrap == mujoco.mjtWrap.mjWRAP_SITE:
            yield int(model.site_bodyid[obj])
        elif wrap in (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER):
            yield int(model.geom_bodyid[obj])


def ancestor_dofs(model: mujoco.MjModel, body: int) -> set[int]:
    """Dofs that move a body."""
    dofs: set[int] = set()
    while body > 0:
        dofs.update(range(model.body_dofadr[body], model.body_dofadr[body] + model.body_dofnum[body]))
        body = int(model.body_parentid[body])
    return dofs


def crossings(
    model: mujoco.MjModel, actuators: NDArray[np.int32], dof_actuated: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Sparse rows (adr (nm+1,), index (nnz,)) of the actuated indices that each muscle, of actuators (nm,), crosses.

    dof_actuated (nv,): the actuated index that each dof folds into, -1 for the root's, for locked and others' dofs.
    """
    return sparse_rows([crossed_dofs(model, int(a)) for a in actuators], dof_actuated)


def sparse_rows(
    crossed: Iterable[AbstractSet[int]], dof_actuated: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Rows of actuated indices, as of `crossings`, from each muscle's dofs."""
    rows = [sorted({int(dof_actuated[d]) for d in dofs if dof_actuated[d] >= 0}) for dofs in crossed]
    adr = np.cumsum([0] + [len(row) for row in rows]).astype(np.int32)
    return adr, np.array([i for row in rows for i in row], dtype=np.int32)
