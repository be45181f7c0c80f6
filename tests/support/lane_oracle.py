"""The dynamics in lanes beside MuJoCo: states for both, and what MuJoCo makes of them in independent coordinates."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mujoco
import numpy as np

from soleus import _core
from soleus.config import load_human_config
from soleus.models import Human
from soleus.sim.handover import human_data

LANES: int = _core.LANES


@dataclass
class Pair:
    """A tile of the lanes and one simulation of MuJoCo's, of the same person."""

    human: Human
    muscles: bool

    def __post_init__(self) -> None:
        config = load_human_config("walk2d", {"control.mode": "muscle" if self.muscles else "torque"})
        self.told: dict[str, Any] = human_data(self.human, config)
        self.model = self.human.model
        self.data = mujoco.MjData(self.model)
        self.tile = _core.DynamicsTile(self.model._address, self.told, muscles=self.muscles)

    @cached_property
    def dof_coordinate(self) -> np.ndarray:
        return np.array(self.told["dof_coordinate"])

    @cached_property
    def coordinate_dof(self) -> np.ndarray:
        return np.array(self.told["coordinate_dof"])

    def states(self, rng: np.random.Generator, speed: float = 2.0, turn: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
        """One state a lane: anywhere within the joints' ranges, and a little beyond them."""
        m = self.model
        qpos = np.empty((LANES, m.nq))
        for lane in range(LANES):
            qpos[lane] = self.human.qpos_rest
            mujoco.mj_integratePos(m, qpos[lane], turn * rng.normal(size=m.nv), 1.0)
            for joint in range(m.njnt):
                if m.jnt_limited[joint] and m.jnt_type[joint] >= int(mujoco.mjtJoint.mjJNT_SLIDE):
                    low, high = m.jnt_range[joint]
                    beyond = 0.05 * (high - low)
                    qpos[lane, m.jnt_qposadr[joint]] = rng.uniform(low - beyond, high + beyond)
        return qpos, speed * rng.normal(size=(LANES, m.nv))

    def on_the_ground(self, qpos: np.ndarray, rng: np.random.Generator, depth: float = 0.02) -> np.ndarray:
        """The same poses with their lowest collision geom up to `depth` [m] in the ground, or up to 2 cm above it."""
        m, d = self.model, self.data
        touching = np.flatnonzero(m.geom_contype | m.geom_conaffinity)
        feet = [g for g in touching if m.body_weldid[m.geom_bodyid[g]] != 0]
        (floor,) = [g for g in touching if m.geom_type[g] == int(mujoco.mjtGeom.mjGEOM_PLANE)]
        out = qpos.copy()
        for row in out:
            d.qpos[:] = row
            mujoco.mj_kinematics(m, d)
            normal = d.geom_xmat[floor].reshape(3, 3)[:, 2]
            low = min((d.geom_xpos[g] - d.geom_xpos[floor]) @ normal - self._reach(g) for g in feet)
            row[self.height] -= low + rng.uniform(-0.02, depth)
        return out

    @cached_property
    def height(self) -> int:
        """Where the root's height is in the positions."""
        return next(a for a in range(self.model.nq) if self._raises(a))

    def _raises(self, address: int) -> bool:
        """Whether a position is the root's height."""
        m = self.model
        d = mujoco.MjData(m)
        d.qpos[:] = self.human.qpos_rest
        d.qpos[address] += 0.1
        mujoco.mj_kinematics(m, d)
        moved = d.xpos[self.human.root_body].copy()
        d.qpos[address] -= 0.1
        mujoco.mj_kinematics(m, d)
        return bool(np.allclose(moved - d.xpos[self.human.root_body], [0, 0, 0.1]))

    def _reach(self, geom: int) -> float:
        """How far a geom reaches down from its centre, in its present pose."""
        m, kinds, size = self.model, mujoco.mjtGeom, self.model.geom_size[geom]
        down = self.data.geom_xmat[geom].reshape(3, 3)[2]
        if m.geom_type[geom] == int(kinds.mjGEOM_SPHERE):
            return float(size[0])
        if m.geom_type[geom] == int(kinds.mjGEOM_CAPSULE):
            return float(size[0] + size[1] * abs(down[2]))
        if m.geom_type[geom] == int(kinds.mjGEOM_ELLIPSOID):
            return float(np.linalg.norm(down * size))
        if m.geom_type[geom] == int(kinds.mjGEOM_CYLINDER):
            return float(size[0] * np.hypot(down[0], down[1]) + size[1] * abs(down[2]))
        if m.geom_type[geom] == int(kinds.mjGEOM_MESH):
            mesh = m.geom_dataid[geom]
            first = m.mesh_vertadr[mesh]
            return float(-(m.mesh_vert[first : first + m.mesh_vertnum[mesh]] @ down).min())
        return float(abs(down) @ size)

    def set(self, qpos: np.ndarray, qvel: np.ndarray) -> None:
        """Put the lanes into states; coupled joints follow."""
        self.tile.set(np.ascontiguousarray(qpos), np.ascontiguousarray(qvel))

    def lanes(self) -> Iterator[int]:
        """Put MuJoCo's simulation into the state of each lane in turn, velocities included, and give the lane."""
        qpos, velocity, coupling = self.tile.qpos, self.tile.velocity, self.tile.coupling
        for lane in range(LANES):
            mujoco.mj_resetData(self.model, self.data)
            self.data.qpos[:] = qpos[lane]
            self.data.qvel[:] = coupling[lane] * velocity[lane][self.dof_coordinate]
            mujoco.mj_forward(self.model, self.data)
            yield lane

    def tangent(self, lane: int) -> np.ndarray:
        """(nv, nc): velocities of dofs by those of coordinates, of the tile's present states."""
        out = np.zeros((self.model.nv, len(self.coordinate_dof)))
        out[np.arange(self.model.nv), self.dof_coordinate] = self.tile.coupling[lane]
        return out

    def inertia(self) -> np.ndarray:
        """(nv, nv) of MuJoCo's present state."""
        out = np.zeros((self.model.nv, self.model.nv))
        mujoco.mj_fullM(self.model, self.data, out)
        return out


def exact(model: mujoco.MjModel) -> None:
    """Let MuJoCo's solver come as near to the minimum as it can: the lanes go there."""
    model.opt.tolerance, model.opt.ls_tolerance, model.opt.iterations, model.opt.ls_iterations = 1e-15, 1e-8, 200, 200
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ACTUATION)


def relative(got: np.ndarray, expected: np.ndarray) -> float:
    """The greatest difference over the greatest number."""
    return float(np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-12))


def force_law(both: Pair, actuator: int, output: int) -> tuple[float, float]:
    """MuJoCo's own gain and bias of a muscle in the simulation's present state [N]."""
    m, d = both.model, both.data
    length, span, acc0 = d.actuator_length[output], m.actuator_lengthrange[output], m.actuator_acc0[output]
    return (
        mujoco.mju_muscleGain(length, d.actuator_velocity[output], span, acc0, m.actuator_gainprm[actuator, :9]),
        mujoco.mju_muscleBias(length, span, acc0, m.actuator_biasprm[actuator, :9]),
    )
