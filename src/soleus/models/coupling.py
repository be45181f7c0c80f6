"""Joint equalities: which degrees of freedom are independent, and how the others follow.

MuJoCo's joint equality holds q_i - qpos0_i = p_0 + p_1 u + ... + p_4 u^4 with u = q_driver - qpos0_driver.
"""

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError

ORDER = 5


@dataclass(frozen=True, eq=False)
class Coupling:
    """What each dof follows. Arrays over the nv dofs; `driver` is -1 where the dof is free."""

    coupled: NDArray[np.bool_]  # (nv,)
    driver: NDArray[np.int32]  # (nv,) dof; itself where free; -1 where locked to a constant
    polynomial: NDArray[np.float64]  # (nv, 5)
    qpos_adr: NDArray[np.int32]  # (nv,) address in qpos; of rotations of free and ball joints, -1
    qpos0: NDArray[np.float64]  # (nq,)

    def consistent(self, qpos: NDArray[np.float64]) -> NDArray[np.float64]:
        """Copy of qpos (..., nq) with the coupled joints set from their drivers."""
        result = np.array(qpos, dtype=np.float64)
        for dof in np.flatnonzero(self.coupled):
            adr, driver = self.qpos_adr[dof], self.driver[dof]
            source = self.qpos_adr[driver] if driver >= 0 else adr
            offset = result[..., source] - self.qpos0[source] if driver >= 0 else 0.0
            result[..., adr] = self.qpos0[adr] + np.polynomial.polynomial.polyval(offset, self.polynomial[dof])
        return result

    def derivative(self, qpos: NDArray[np.float64]) -> NDArray[np.float64]:
        """dq_i/dq_driver of each dof at qpos (nq,): (nv,); 1 where free, 0 where locked."""
        slope = np.ones(len(self.coupled))
        for dof in np.flatnonzero(self.coupled):
            driver = self.driver[dof]
            offset = qpos[self.qpos_adr[driver]] - self.qpos0[self.qpos_adr[driver]] if driver >= 0 else 0.0
            terms = np.polynomial.polynomial.polyder(self.polynomial[dof])
            slope[dof] = np.polynomial.polynomial.polyval(offset, terms) if driver >= 0 else 0.0
        return slope


def read_coupling(model: mujoco.MjModel, own: NDArray[np.bool_]) -> Coupling:
    """Read the active joint equalities of a person; chains are resolved to the independent joint where that is exact.

    own (nv,): the person's dofs; equalities that drive others are MuJoCo's alone. Raises UserError for a joint driven
    twice or by somebody else's, a circle, or a chain whose composition exceeds degree 4.
    """
    nv = model.nv
    coupled = np.zeros(nv, dtype=np.bool_)
    driver = np.arange(nv, dtype=np.int32)
    polynomial = np.zeros((nv, ORDER))
    for eq in range(model.neq):
        if model.eq_type[eq] != mujoco.mjtEq.mjEQ_JOINT or not model.eq_active0[eq]:
            continue
        dof = int(model.jnt_dofadr[model.eq_obj1id[eq]])
        if not own[dof]:
            continue
        if model.eq_obj2id[eq] >= 0 and not own[model.jnt_dofadr[model.eq_obj2id[eq]]]:
            driven, by = _name(model, dof), model.joint(model.eq_obj2id[eq]).name
            raise UserError(f"joint '{driven}' of the person follows '{by}': expected a joint of the person's own")
        if coupled[dof]:
            raise UserError(f"joint '{_name(model, dof)}' is driven by two equalities, expected one")
        coupled[dof] = True
        driver[dof] = model.jnt_dofadr[model.eq_obj2id[eq]] if model.eq_obj2id[eq] >= 0 else -1
        polynomial[dof] = model.eq_data[eq, :ORDER]
        if driver[dof] < 0:
            polynomial[dof, 1:] = 0
    _resolve_chains(model, coupled, driver, polynomial)
    return Coupling(coupled, driver, polynomial, _qpos_addresses(model), model.qpos0.copy())


def _resolve_chains(
    model: mujoco.MjModel, coupled: NDArray[np.bool_], driver: NDArray[np.int32], polynomial: NDArray[np.float64]
) -> None:
    """Rewrite, in place, each dof whose driver is itself driven in terms of the independent dof."""
    for dof in np.flatnonzero(coupled):
        for _ in range(model.nv):
            middle = driver[dof]
            if middle < 0 or not coupled[middle]:
                break
            composed = np.zeros(1)
            for p in polynomial[dof][::-1]:
                composed = np.polynomial.polynomial.polymul(composed, polynomial[middle])
                composed[0] += p
            if np.any(composed[ORDER:] != 0):
                raise UserError(
                    f"joint '{_name(model, dof)}' follows '{_name(model, middle)}', which follows another: expected a "
                    "chain that stays within degree 4; drive it by the independent joint directly"
                )
            polynomial[dof] = np.resize(np.append(composed, np.zeros(ORDER)), ORDER)
            driver[dof] = driver[middle]
        else:
            raise UserError(f"joint '{_name(model, dof)}' drives itself through its equalities, expected a free driver")


def _qpos_addresses(model: mujoco.MjModel) -> NDArray[np.int32]:
    """qpos address of each dof, (nv,); -1 for the rotations of free and ball joints, which are quaternions."""
    adr = np.full(model.nv, -1, dtype=np.int32)
    for j in range(model.njnt):
        kind, dof, qadr = model.jnt_type[j], model.jnt_dofadr[j], model.jnt_qposadr[j]
        if kind == mujoco.mjtJoint.mjJNT_BALL:
            continue
        count = 3 if kind == mujoco.mjtJoint.mjJNT_FREE else 1
        adr[dof : dof + count] = range(qadr, qadr + count)
    return adr


def _name(model: mujoco.MjModel, dof: int | np.integer[Any]) -> str:
    return str(model.joint(model.dof_jntid[dof]).name)
