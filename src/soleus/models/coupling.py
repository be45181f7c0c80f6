"""Joint equalities: which degrees of freedom are independent, and how the others follow.

MuJoCo's joint equality holds q_i - qpos0_i = p_0 + p_1 u + ... + p_4 u^4 with u = q_driver - qpos0_driver.
A joint may have a spline beside its equality: the lanes and all that is computed here follow the spline, MuJoCo's
engine the polynomial.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.errors import UserError

ORDER = 5
_SAMPLES = 500


@dataclass(frozen=True, eq=False)
class Coupling:
    """What each dof follows. Arrays over the nv dofs; `driver` is -1 where the dof is free."""

    coupled: NDArray[np.bool_]  # (nv,)
    driver: NDArray[np.int32]  # (nv,) dof; itself where free; -1 where locked to a constant
    polynomial: NDArray[np.float64]  # (nv, 5)
    qpos_adr: NDArray[np.int32]  # (nv,) address in qpos; of rotations of free and ball joints, -1
    qpos0: NDArray[np.float64]  # (nq,)
    splines: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    """(pieces, 5) by dof: start s and c_0 to c_3 of q_i = c_0 + c_1 x + c_2 x^2 + c_3 x^3, x = q_driver - s; a piece
    holds up to the next one's start, the first one before its own too."""

    def consistent(self, qpos: NDArray[np.float64]) -> NDArray[np.float64]:
        """Copy of qpos (..., nq) with the coupled joints set from their drivers."""
        result = np.array(qpos, dtype=np.float64)
        for dof in np.flatnonzero(self.coupled):
            adr, driver = self.qpos_adr[dof], self.driver[dof]
            if dof in self.splines:
                result[..., adr] = spline_value(self.splines[int(dof)], result[..., self.qpos_adr[driver]])
                continue
            source = self.qpos_adr[driver] if driver >= 0 else adr
            offset = result[..., source] - self.qpos0[source] if driver >= 0 else 0.0
            result[..., adr] = self.qpos0[adr] + np.polynomial.polynomial.polyval(offset, self.polynomial[dof])
        return result

    def derivative(self, qpos: NDArray[np.float64]) -> NDArray[np.float64]:
        """dq_i/dq_driver of each dof at qpos (nq,): (nv,); 1 where free, 0 where locked."""
        slope = np.ones(len(self.coupled))
        for dof in np.flatnonzero(self.coupled):
            driver = self.driver[dof]
            if dof in self.splines:
                slope[dof] = spline_value(self.splines[int(dof)], qpos[self.qpos_adr[driver]], derivative=1)
                continue
            offset = qpos[self.qpos_adr[driver]] - self.qpos0[self.qpos_adr[driver]] if driver >= 0 else 0.0
            terms = np.polynomial.polynomial.polyder(self.polynomial[dof])
            slope[dof] = np.polynomial.polynomial.polyval(offset, terms) if driver >= 0 else 0.0
        return slope

    def turns(self, model: mujoco.MjModel, data: mujoco.MjData, dofs: NDArray[np.int32]) -> NDArray[np.float64]:
        """By how much each of these free dofs (n,) turns the body that it turns most, with all that follows it, where
        data stands (mj_kinematics and mj_comPos done): (n,), 1 of a hinge that nothing follows, 0 of a slide.
        """
        slope, rotation = self.derivative(data.qpos), np.empty((3, model.nv))
        follows = (self.driver[:, None] == dofs) & self.coupled[:, None] | (np.arange(model.nv)[:, None] == dofs)
        most = np.zeros(len(dofs))
        for body in range(1, model.nbody):
            mujoco.mj_jacBody(model, data, None, rotation, body)
            most = np.maximum(most, np.linalg.norm((rotation * slope) @ follows, axis=0))
        return most


def spline_gap(coupling: Coupling, dof: int, low: float, high: float) -> float:
    """How far a dof's polynomial is from its spline at most, [rad] or [m], while its driver is from low to high."""
    own, driver = coupling.qpos_adr[dof], coupling.qpos_adr[coupling.driver[dof]]
    x = np.linspace(low, high, _SAMPLES)
    polynomial = np.polynomial.polynomial.polyval(x - coupling.qpos0[driver], coupling.polynomial[dof])
    return float(np.abs(coupling.qpos0[own] + polynomial - spline_value(coupling.splines[dof], x)).max())


def spline_value(
    pieces: NDArray[np.float64], x: NDArray[np.float64] | np.float64, derivative: int = 0
) -> NDArray[np.float64]:
    """Value of a spline, (pieces, 5) as Coupling has them, at positions of the driver, or its n-th derivative."""
    piece = pieces[np.maximum(np.searchsorted(pieces[:, 0], x, side="right") - 1, 0)]
    terms = np.polynomial.polynomial.polyder(np.moveaxis(piece[..., 1:], -1, 0), derivative)
    return np.asarray(np.polynomial.polynomial.polyval(x - piece[..., 0], terms, tensor=False), dtype=np.float64)


def read_coupling(
    model: mujoco.MjModel, own: NDArray[np.bool_], splines: Mapping[str, NDArray[np.float64]] | None = None
) -> Coupling:
    """Read the active joint equalities of a person; chains are resolved to the independent joint where that is exact.

    own (nv,): the person's dofs; equalities that drive others are MuJoCo's alone. splines: by joint, in place of its
    polynomial. Raises UserError for a joint driven twice or by somebody else's, a circle, a chain whose composition
    exceeds degree 4, or a spline of a joint that no equality drives.
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
    chained = driver.copy()
    _resolve_chains(model, coupled, driver, polynomial)
    by_dof = _splines(model, coupled, chained, splines or {})
    return Coupling(coupled, driver, polynomial, _qpos_addresses(model), model.qpos0.copy(), by_dof)


def _splines(
    model: mujoco.MjModel,
    coupled: NDArray[np.bool_],
    driver: NDArray[np.int32],
    splines: Mapping[str, NDArray[np.float64]],
) -> dict[int, NDArray[np.float64]]:
    """Splines by dof. driver: as the equalities name them, before chains are resolved."""
    found = {}
    for name, pieces in splines.items():
        dof = int(model.joint(name).dofadr[0])
        if not coupled[dof] or driver[dof] < 0:
            raise UserError(
                f"numeric 'spline:{name}': expected a joint of the person that an equality drives by another joint"
            )
        found[dof] = pieces
    for dof in map(int, np.flatnonzero(coupled)):
        if driver[dof] in found or (dof in found and coupled[driver[dof]]):
            raise UserError(
                f"joint '{_name(model, dof)}' follows '{_name(model, driver[dof])}', which follows another: expected"
                " the independent joint directly where one of the two follows a spline"
            )
    return found


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
