"""A MASS model in DART: what an importer and its muscles are held against. Needs dartpy.

Coordinates, in the order of the file's nodes (a Free joint 6, a Ball joint 3, a Revolute joint 1). A joint has a frame
on its parent's body (the world, for the root) and one on its own, the same at the T-pose, where q = 0; R and p are the
rotation and the translation from the first to the second.

  Free      q = [log R, p]      qd = [w, v]: angular velocity of the second frame and linear velocity of its origin
  Ball      q = log R           qd = w: angular velocity of the second frame relative to the first
  Revolute  q = angle about the joint's axis (in the joint's frame), qd its rate

log R is axis times angle; w and v are in the axes of the second frame, which move with the body, so qd is not q's rate.
These are the coordinates of the DART that the format was written for. Later DARTs turn a free joint's velocity into
axes that do not move (and, where joint and body differ, into something mixed), so the root's velocities and forces are
converted here from whatever DART's own Jacobian says of them.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import dartpy
import numpy as np

from polylines import Polylines, numbers


def orthonormal(linear: np.ndarray) -> np.ndarray:
    """Gram-Schmidt over the columns of a (3, 3) matrix, in order: the first keeps its direction."""
    columns: list[np.ndarray] = []
    for column in linear.T:
        rest = column - sum((np.dot(column, other) * other for other in columns), np.zeros(3))
        columns.append(rest / np.linalg.norm(rest))
    return np.stack(columns, axis=1)


def transform_of(element: ElementTree.Element) -> np.ndarray:
    """(4, 4) of the Transformation of a Body or a Joint, in the world at the T-pose."""
    child = element.find("Transformation")
    result = np.eye(4)
    result[:3, :3] = orthonormal(numbers(child.get("linear")).reshape(3, 3))
    result[:3, 3] = numbers(child.get("translation"))
    return result


def rotation(vector: np.ndarray) -> np.ndarray:
    """(3, 3) from axis times angle, radians: the exponential map."""
    return dartpy.math.expMapRot(vector)


def rotation_vector(matrix: np.ndarray) -> np.ndarray:
    """Axis times angle (3,), radians, the angle in [0, pi]: the logarithm."""
    spin = dartpy.math.AngleAxis(matrix)
    return spin.angle() * spin.axis()


class DartHuman:
    """A skeleton of b bodies and n coordinates, with m muscles where a file of them is given."""

    kp, kv = 300.0, np.sqrt(2 * 300.0)  # stable PD, on every coordinate

    def __init__(
        self,
        skeleton: Path,
        muscles: Path | None = None,
        dt: float = 1 / 600,
        damping: float = 0.0,
        stretch: np.ndarray | None = None,
    ):
        """dt: seconds a step. damping: of every joint but the root, N m s/rad; DART takes it implicitly in a step.

        stretch: (b, 3, 3) of the points of each body, in its own frame, about its centre of mass.
        """
        nodes = ElementTree.parse(skeleton).getroot().findall("Node")
        self.names = [node.get("name") for node in nodes]
        self.parents = [-1 if node.get("parent") == "None" else self.names.index(node.get("parent")) for node in nodes]
        self.types = [node.find("Joint").get("type") for node in nodes]
        self.rest = np.stack([transform_of(node.find("Body")) for node in nodes])  # (b, 4, 4) at the T-pose
        self.joint_rest = np.stack([transform_of(node.find("Joint")) for node in nodes])
        self.child_frame = np.linalg.inv(self.rest) @ self.joint_rest  # joint frames, in their bodies
        above = np.stack([np.eye(4) if parent < 0 else self.rest[parent] for parent in self.parents])
        self.parent_frame = np.linalg.inv(above) @ self.joint_rest  # and in their parents'
        self.stretch = np.tile(np.eye(3), (len(nodes), 1, 1)) if stretch is None else stretch
        self._lengthen()
        self.dt, self.skeleton = dt, dartpy.dynamics.Skeleton()
        self.bodies = []
        for b, node in enumerate(nodes):
            self._add(b, node, damping)
        sizes = {"Free": 6, "Ball": 3, "Revolute": 1}
        starts = np.cumsum([0] + [sizes[kind] for kind in self.types])
        self.coordinates = {name: slice(*starts[b : b + 2]) for b, name in enumerate(self.names)}
        self.n = self.skeleton.getNumDofs()
        self.world = dartpy.simulation.World()
        self.world.setTimeStep(dt)
        self.world.addSkeleton(self.skeleton)
        if hasattr(self.world, "getDeactivationOptions"):  # a body at rest shall not fall asleep
            options = self.world.getDeactivationOptions()
            options.mEnabled = False
            self.world.setDeactivationOptions(options)
        self.set_gravity((0.0, -9.81, 0.0))
        self.set_state(np.zeros(self.n), np.zeros(self.n))
        self.muscles = None
        if muscles is not None:
            self.muscles = Polylines(muscles, self.names, self.parents, self.joint_rest[:, :3, 3], self.rest)
            self.muscles.stretch(self.stretch, self.transforms())

    def _lengthen(self) -> None:
        """Stretch the places of joints on their bodies."""
        for b, parent in enumerate(self.parents):
            self.child_frame[b, :3, 3] = self.stretch[b] @ self.child_frame[b, :3, 3]
            if parent >= 0:
                self.parent_frame[b, :3, 3] = self.stretch[parent] @ self.parent_frame[b, :3, 3]

    def _add(self, b: int, node: ElementTree.Element, damping: float) -> None:
        joint, body = node.find("Joint"), node.find("Body")
        kind = joint.get("type")
        properties = getattr(dartpy.dynamics, f"{kind}JointProperties")()
        properties.mName = joint.get("bvh") or self.names[b]
        properties.mT_ParentBodyToJoint = dartpy.math.Isometry3(self.parent_frame[b])
        properties.mT_ChildBodyToJoint = dartpy.math.Isometry3(self.child_frame[b])
        if kind == "Revolute":
            properties.mAxis = numbers(joint.get("axis"))
        parent = None if self.parents[b] < 0 else self.bodies[self.parents[b]]
        made, of_body = getattr(self.skeleton, f"create{kind}JointAndBodyNodePair")(parent, properties)
        of_body.setName(self.names[b])
        made.setLimitEnforcement(False)
        for i in range(made.getNumDofs() if parent else 0):
            made.setDampingCoefficient(i, damping)
        mass, size = float(body.get("mass")), numbers(body.get("size"))
        # Second moments of a box, of which a stretch makes S P S^T at det(S) times the mass
        second = np.linalg.det(self.stretch[b]) * self.stretch[b] @ np.diag(mass / 12 * size**2) @ self.stretch[b].T
        moments = np.trace(second) * np.eye(3) - second
        of_body.setInertia(dartpy.dynamics.Inertia(np.linalg.det(self.stretch[b]) * mass, np.zeros(3), moments))
        self.bodies.append(of_body)

    # State

    def set_gravity(self, gravity: tuple[float, float, float]) -> None:
        """m/s^2, in the world."""
        self.world.setGravity(np.array(gravity))

    def set_state(self, q: np.ndarray, qd: np.ndarray) -> None:
        """q (n,), qd (n,): metres, radians and their rates, as the module describes them."""
        self.skeleton.setPositions(q)
        own = np.array(qd, float)
        own[:6] = np.linalg.solve(self._root_map(), own[:6])
        self.skeleton.setVelocities(own)

    @property
    def q(self) -> np.ndarray:
        """(n,)."""
        return self.skeleton.getPositions()

    @property
    def qd(self) -> np.ndarray:
        """(n,)."""
        result = self.skeleton.getVelocities()
        result[:6] = self._root_map() @ result[:6]
        return result

    def _root_frame(self) -> tuple[np.ndarray, np.ndarray]:
        """The root's joint frame, in the world: its rotation (3, 3), and its origin relative to the body's (3,)."""
        body = self.bodies[0].getTransform().matrix()
        frame = body @ self.child_frame[0]
        return frame[:3, :3], frame[:3, 3] - body[:3, 3]

    def _root_map(self) -> np.ndarray:
        """(6, 6) from DART's own velocities of the root to [w, v]."""
        axes, offset = self._root_frame()
        angular, linear = np.split(self.skeleton.getWorldJacobian(self.bodies[0])[:, :6], 2)
        return np.vstack([axes.T @ angular, axes.T @ (linear + np.cross(angular, offset, axis=0))])

    def _own(self) -> np.ndarray:
        """(n, n) from qd to DART's own velocities; its transpose takes DART's own forces to ours."""
        result = np.eye(self.n)
        result[:6, :6] = np.linalg.inv(self._root_map())
        return result

    # Kinematics

    def transforms(self) -> np.ndarray:
        """(b, 4, 4) body frames in the world; their origins are the centres of mass."""
        return np.stack([body.getTransform().matrix() for body in self.bodies])

    def jacobians(self) -> np.ndarray:
        """(b, 6, n) from qd to each body's angular velocity and the linear velocity of its origin, in the world."""
        return np.stack([self.skeleton.getWorldJacobian(body) for body in self.bodies]) @ self._own()

    def positions(self, transforms: np.ndarray) -> np.ndarray:
        """q (n,) of a pose given as body frames (b, 4, 4) in the world."""
        q = np.zeros(self.n)
        for b, parent in enumerate(self.parents):
            above = np.eye(4) if parent < 0 else transforms[parent]
            moved = np.linalg.inv(above @ self.parent_frame[b]) @ transforms[b] @ self.child_frame[b]
            turn = rotation_vector(moved[:3, :3])
            if self.types[b] == "Revolute":
                turn = [turn @ self.bodies[b].getParentJoint().getAxis()]
            q[self.coordinates[self.names[b]]] = np.append(turn, moved[:3, 3]) if parent < 0 else turn
        return q

    def velocities(self, twists: np.ndarray) -> np.ndarray:
        """qd (n, ...) at the state's pose of body velocities (b, 6, ...): angular, then of the origin, in the world.

        Given another engine's body Jacobians (b, 6, k), the matrix from its velocities to ours; that matrix's
        transpose takes our generalized forces to its own.
        """
        stacked = twists.reshape(len(self.names) * 6, -1)
        found = np.linalg.lstsq(self.jacobians().reshape(-1, self.n), stacked, rcond=None)[0]
        return found.reshape(self.n, *twists.shape[2:])

    def moved(self, q: np.ndarray, qd: np.ndarray, seconds: float) -> np.ndarray:
        """q (n,) moved on at velocities qd; the root's translation along a straight line."""
        q, result = np.asarray(q, float), np.array(q, float)
        for name, kind in zip(self.names, self.types, strict=True):
            at = self.coordinates[name]
            if kind == "Revolute":
                result[at] += seconds * qd[at]
                continue
            turned = rotation(q[at][:3])
            result[at][:3] = rotation_vector(turned @ rotation(seconds * qd[at][:3]))
            if kind == "Free":
                result[at][3:] += seconds * turned @ qd[at][3:]
        return result

    # Dynamics

    def mass_matrix(self) -> np.ndarray:
        """(n, n) without the damping that DART adds in a step."""
        own = self._own()
        return own.T @ self.skeleton.getMassMatrix() @ own

    def coriolis_and_gravity(self) -> np.ndarray:
        """(n,) generalized forces that hold qdd = 0, qdd being the rate of qd."""
        own = self._own()
        self.skeleton.setAccelerations(np.zeros(self.n))
        axes, offset = self._root_frame()
        root, qd = self.bodies[0], self.qd
        angular = root.getAngularAcceleration()
        spin = root.getAngularVelocity()
        linear = root.getLinearAcceleration() + np.cross(angular, offset) + np.cross(spin, np.cross(spin, offset))
        rate = np.append(
            axes.T @ angular, axes.T @ linear - np.cross(qd[:3], qd[3:6])
        )  # of [w, v] while DART's own rest
        held = np.zeros(self.n)
        held[:6] = own[:6, :6] @ rate
        return own.T @ (self.skeleton.getCoriolisAndGravityForces() - self.skeleton.getMassMatrix() @ held)

    def stable_pd(self, q: np.ndarray, qd: np.ndarray, q_target: np.ndarray) -> np.ndarray:
        """tau (n,) at a state, which it sets: the format's formula on coordinate vectors, rotations as vectors too.

        No constraint forces. The root's six take part in the equation for qdd; of tau they are zero.
        """
        self.set_state(q, qd)
        wanted = -self.kp * (q + self.dt * qd - q_target) - self.kv * qd
        implicit = self.mass_matrix() + self.dt * self.kv * np.eye(self.n)
        qdd = np.linalg.solve(implicit, wanted - self.coriolis_and_gravity())
        tau = wanted - self.dt * self.kv * qdd
        tau[:6] = 0
        return tau

    def step(self, tau: np.ndarray) -> None:
        """Advance the state by dt under generalized forces tau (n,), with no ground: velocities, then positions.

        DART's own step, so the velocity that is advanced along a straight line is DART's own at the root.
        """
        forces = np.array(tau, float)
        forces[:6] = self._root_map().T @ forces[:6]
        self.skeleton.setForces(forces)
        self.world.step()

    # Muscles, at the state's pose. spread: see Polylines.wrenches

    def muscle_lengths(self) -> np.ndarray:
        """(m,) path lengths over those of the T-pose."""
        return self.muscles.lengths(self.transforms())

    def per_tension(self, spread: bool = False) -> np.ndarray:
        """(n, m) generalized force of each muscle under 1 N."""
        return np.einsum(
            "bkn,bmk->nm", self.jacobians(), self.muscles.wrenches(self.transforms(), spread), optimize=True
        )

    def active(self, spread: bool = False) -> np.ndarray:
        """(n, m) generalized force of each muscle at activation 1, without the passive part: N m, and N at [3:6]."""
        return self.per_tension(spread) * self.muscles.active_tensions(self.transforms())

    def passive(self, spread: bool = False) -> np.ndarray:
        """(n,) passive generalized force of all muscles together."""
        return self.per_tension(spread) @ self.muscles.passive_tensions(self.transforms())
