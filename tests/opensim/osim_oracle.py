"""OpenSim's own kinematics and mass matrix at random poses, in our coordinates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from lane_oracle import LANES, Pair
from osim_files import opensim
from soleus.models import Human

UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
opensim.Logger.setLevelString("off")


def _vector(values: Any) -> np.ndarray:
    return np.array([values.get(i) for i in range(values.size())])


def _matrix(values: Any) -> np.ndarray:
    return np.array([[values.get(i, k) for k in range(values.ncol())] for i in range(values.nrow())])


def _factor(coupler: Any) -> float:
    return float(coupler.getPropertyByName("scale_factor").toString())


@dataclass
class Oracle:
    """An OpenSim model beside the human that was imported from it."""

    path: Path
    human: Human

    def __post_init__(self) -> None:
        self.model = opensim.Model(str(self.path))
        self.state = self.model.initSystem()
        self.matter = self.model.getMatterSubsystem()
        coordinates = self.model.getCoordinateSet()
        casts = [opensim.CoordinateCouplerConstraint.safeDownCast(c) for c in self.model.getConstraintSet()]
        self.couplers = [
            (
                c,
                coordinates.get(c.getIndependentCoordinateNames().get(0)),
                coordinates.get(c.getDependentCoordinateName()),
            )
            for c in casts
        ]
        self.place = {str(c.getName()): self._place(c) for c in coordinates}
        self.pair = Pair(self.human, muscles=False)
        self.moving = [
            c for c in self.model.getCoordinateSet() if not c.getDefaultLocked() and not c.isDependent(self.state)
        ]
        self.names = [str(c.getName()) for c in self.moving]
        m = self.human.model
        self.free = m.jnt_type[m.body_jntadr[self.human.root_body]] == int(mujoco.mjtJoint.mjJNT_FREE)

    def _place(self, coordinate: Any) -> int:
        """Where a coordinate is in OpenSim's positions."""
        before, value = _vector(self.state.getQ()), coordinate.getValue(self.state)
        locked = coordinate.getLocked(self.state)
        coordinate.setLocked(self.state, False)
        coordinate.setValue(self.state, value + 0.01, False)
        moved = int(np.argmax(np.abs(_vector(self.state.getQ()) - before)))
        coordinate.setValue(self.state, value, False)
        coordinate.setLocked(self.state, locked)
        return moved

    def pose(self, rng: np.random.Generator) -> None:
        """Put OpenSim's coordinates anywhere in their ranges."""
        for c in self.moving:
            c.setValue(self.state, rng.uniform(c.getRangeMin(), c.getRangeMax()), False)
        # By the couplers' own functions: what OpenSim assembles meets them to 1e-7 alone.
        for coupler, driver, driven in self.couplers:
            driven.setValue(self.state, _factor(coupler) * self._function(coupler, driver), False)
        self.model.realizeVelocity(self.state)

    def qpos(self) -> np.ndarray:
        """(nq,) of the human in this pose."""
        m, qpos = self.human.model, self.human.qpos_rest.copy()
        for c, name in zip(self.moving, self.names, strict=True):
            joint = mujoco.mj_name2id(m, mujoco.mjtObj.mjOBJ_JOINT, name)
            assert joint >= 0 or self.free, name
            if joint >= 0:
                qpos[m.jnt_qposadr[joint]] = c.getValue(self.state)
        if self.free:
            place, turn = self.frame(str(m.body(self.human.root_body).name))
            qpos[:3] = place
            mujoco.mju_mat2Quat(qpos[3:7], turn.ravel())
        return qpos

    def frame(self, body: str) -> tuple[np.ndarray, np.ndarray]:
        """Place and axes of a body in the world."""
        transform = self.model.getBodySet().get(body).getTransformInGround(self.state)
        place = np.array([transform.p().get(i) for i in range(3)])
        turn = transform.R().asMat33()
        return UPRIGHT @ place, UPRIGHT @ np.array([[turn.get(i, k) for k in range(3)] for i in range(3)])

    def tangent(self) -> np.ndarray:
        """(nu, nc) OpenSim's speeds by the velocities of our coordinates."""
        nu, columns = self.state.getNU(), []
        root = [] if not self.free else list(range(6))
        for name in self.human.coordinate_names[len(root) :]:
            columns.append(self._speeds(name, nu))
        if not root:
            return np.column_stack(columns)
        body = self.model.getBodySet().get(str(self.human.model.body(self.human.root_body).name))
        jacobian = opensim.Matrix()
        self.matter.calcFrameJacobian(self.state, body.getMobilizedBodyIndex(), opensim.Vec3(0), jacobian)
        _, axes = self.frame(str(body.getName()))
        moved = np.zeros((6, 6))  # angular, then linear, in the ground's axes
        moved[3:, :3] = UPRIGHT.T
        moved[:3, 3:] = UPRIGHT.T @ axes
        solved, *_ = np.linalg.lstsq(_matrix(jacobian), moved, rcond=None)
        return np.column_stack([solved, *columns])

    def _function(self, coupler: Any, driver: Any, derivative: bool = False) -> float:
        at = opensim.Vector(1, driver.getValue(self.state))
        if not derivative:
            return float(coupler.getFunction().calcValue(at))
        first = opensim.StdVectorInt()
        first.append(0)
        return float(coupler.getFunction().calcDerivative(first, at))

    def _speeds(self, name: str, nu: int) -> np.ndarray:
        """(nu,) while a coordinate moves at 1, and those that follow it with it."""
        given, speeds = opensim.Vector(self.state.getNQ(), 0.0), opensim.Vector(nu, 0.0)
        given.set(self.place[name], 1.0)
        for coupler, driver, driven in self.couplers:
            if driver.getName() == name:
                given.set(self.place[str(driven.getName())], _factor(coupler) * self._function(coupler, driver, True))
        self.matter.multiplyByNInv(self.state, False, given, speeds)
        return _vector(speeds)

    def inertia(self, tangent: np.ndarray) -> np.ndarray:
        found = opensim.Matrix()
        self.matter.calcM(self.state, found)
        return tangent.T @ _matrix(found) @ tangent

    def gravity(self, tangent: np.ndarray) -> np.ndarray:
        """(nc,) generalized force of gravity."""
        force = np.zeros(self.state.getNU())
        down = np.array([self.model.getGravity().get(i) for i in range(3)])
        for body in self.model.getBodySet():
            jacobian = opensim.Matrix()
            self.matter.calcStationJacobian(self.state, body.getMobilizedBodyIndex(), body.getMassCenter(), jacobian)
            force += _matrix(jacobian).T @ (body.getMass() * down)
        return tangent.T @ force


def compare(path: Path, human: Human, poses: int, seed: int = 0) -> dict[str, float]:
    """Greatest differences between OpenSim's poses, mass matrix and gravity and those in the lanes."""
    oracle, rng = Oracle(path, human), np.random.default_rng(seed)
    m, worst = human.model, dict.fromkeys(("place", "turn", "inertia", "gravity"), 0.0)
    for _ in range(-(-poses // LANES)):
        expected, qpos = [], np.empty((LANES, m.nq))
        for lane in range(LANES):
            oracle.pose(rng)
            qpos[lane] = oracle.qpos()
            tangent = oracle.tangent()
            frames = {str(b.getName()): oracle.frame(str(b.getName())) for b in oracle.model.getBodySet()}
            expected.append((frames, oracle.inertia(tangent), oracle.gravity(tangent)))
        tile = oracle.pair.tile
        oracle.pair.set(qpos, np.zeros((LANES, m.nv)))
        bodies, inertia, bias = tile.bodies, tile.inertia, tile.bias
        for lane, (frames, whole, force) in enumerate(expected):
            found = {
                "inertia": np.abs(inertia[lane] - whole).max() / np.abs(whole).max(),
                "gravity": np.abs(bias[lane] + force).max() / np.abs(force).max(),
                "place": max(np.abs(bodies[lane, m.body(n).id, :3] - place).max() for n, (place, _) in frames.items()),
                "turn": max(_apart(bodies[lane, m.body(n).id, 3:7], axes) for n, (_, axes) in frames.items()),
            }
            worst = {key: max(value, float(found[key])) for key, value in worst.items()}
    return worst


def _apart(quat: np.ndarray, axes: np.ndarray) -> float:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quat)
    return float(np.abs(matrix.reshape(3, 3) - axes).max())
