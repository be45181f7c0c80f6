"""Fit a gait cycle to the ground: the smallest smooth change of the leg's angles that lets a model's feet stand.

Legs differ in length from those that were measured, so tables put on a model let its feet float, sink and slip by
centimetres. Strides scale with the leg and their duration with its root, as dynamic similarity has it (Hof 1996, Gait &
Posture 4:222). Unknown are Fourier series of corrections to the right leg's angles (the left leg has the same half a
stride later), of the pelvis height, of its progress and of its sway, and where the foot stands. Gauss-Newton on these
residuals, with their tolerances: the lowest point of the foot at the ground through stance; heel, ball and toes down
and in place while they bear; the foot clear of the ground in swing; length and width of the steps; small corrections.
Where neither foot is on the ground, as in running, the pelvis falls freely; in walking the ground presses where it does
on people (balance.py): by the leg's joints alone the body would go in jerks that no ground reaction could give it.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.ground import contact_geoms, lowest, reach
from soleus.motions.balance import Balance, Move
from soleus.motions.cycle import GaitCycle, Series, fourier
from soleus.motions.joints import leg_length
from soleus.motions.posing import Poser

Floats = NDArray[np.float64]

_FRAMES = 64
_ITERATIONS = 6
_RIDGE = 1e-6
_SAGITTAL = ("hip_flexion", "knee_flexion", "ankle_dorsiflexion", "toe_extension")
_LATERAL = ("hip_adduction", "hip_internal_rotation")
_ANGLE_ORDERS = list(range(7))
_EVEN, _ODD = [2, 4, 6], [1, 3]
_STEP = 1e-4  # [rad], of finite differences
# Tolerances: a residual of this size counts one.
_HEIGHT, _PLACE, _SIDEWAYS, _SWING, _CLEAR = 0.0015, 0.005, 0.008, 0.02, 0.003  # [m]
_ANGLE = 4.0  # [degree]
# [degree]: people differ more at the knee than at the ankle, and a degree at the ankle moves the body the most.
_ANGLES = {"hip_flexion": 3.0, "ankle_dorsiflexion": 1.6}
_SWAY, _LIMIT = 0.007, np.deg2rad(0.5)
_RUN, _WALK = 0.03, 0.05  # [m] of progress from that at constant speed, in running and in walking
_PRESSURE, _OVER = 0.06, 0.3  # [m] of the centre of pressure from where it is under people, on one foot and on both
_RISE = 0.0025  # [m] of the height of the centre of mass from people's
_TURN = 0.07  # [m] of it by which the body turns as a whole: people's angular momentum is small (Herr, Popovic 2008)
_STRIDE, _SIDEWAYS_PLACE = 0.005, 0.003  # [m]
_TOE_OUT = np.deg2rad(5.0)  # of the feet on the ground (Perry and Burnfield 2010)
_STRIKE = 0.02  # of the cycle, in which the heel is on the ground more surely than later: there the cycle begins
_FALL = 1.0  # [m/s^2], of the pelvis' vertical acceleration from that of gravity, in flight
_COM_SWAY = 0.72  # of the pelvis: the trunk follows it, the legs half or less
_CLEARANCE = 0.017  # [m], of the toes in mid-swing (Winter 2009: 1.3 cm), some of which the fit gives away


@dataclass(frozen=True, eq=False)
class Footing:
    """What makes a cycle stand: corrections that add to it."""

    duration: float  # [s] of a stride
    speed: float  # [m/s] mean
    angles: dict[str, Series]  # of the right leg [rad]
    progress: Series  # root x beside speed * t [m]
    sway: Series  # root y beside the cycle's own [m]
    height: Series  # root z above that at rest [m]

    def root(self, cycle: GaitCycle, phase: Floats) -> Floats:
        """Root shift (K, 3) [m] from its place at rest, at phases (K,)."""
        x = self.speed * self.duration * phase + self.progress(phase) - self.progress(np.zeros(1))
        y = self.sway(phase) + (cycle.pelvis["sway"](phase) if "sway" in cycle.pelvis else 0.0)
        return np.stack([x, y, self.height(phase)], axis=-1)

    def leg(self, cycle: GaitCycle, phase: Floats, side: str) -> dict[str, Floats]:
        """Angles (K,) by name of the right ('r') or left ('l') leg [rad]."""
        at = phase if side == "r" else phase + 0.5
        return {
            key: series(at) + (self.angles[key](at) if key in self.angles else 0.0)
            for key, series in cycle.angles.items()
        }

    def qpos(self, poser: Poser, phase: Floats) -> Floats:
        """Poses (K, nq)."""
        cycle = poser.cycle
        return poser.qpos(phase, self.leg(cycle, phase, "r"), self.leg(cycle, phase, "l"), self.root(cycle, phase))


@dataclass(frozen=True, eq=False)
class _Foot:
    """Right foot: its contact geoms, and points on its sole in the frames of their bodies."""

    geoms: NDArray[np.int32]
    bodies: list[int]  # of the points: heel, ball, and the tip of the toes where they have a body of their own
    points: Floats  # (2 or 3, 3)
    print: Floats  # (2 or 3, 2) [m] x and y of each point from the heel, on the ground and turned out


def _right_foot(poser: Poser) -> _Foot:
    human, data = poser.human, poser.data
    model, main, others = human.model, human.feet[0][:1], human.feet[0][1:]
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(model, data)
    forward = np.array([1.0, 0.0, 0.0])
    back, front, ground, middle = _extents(poser, main, forward)
    inset = 0.1 * (front - back)
    world, bodies = [[back + inset, middle, ground], [front - inset, middle, ground]], [int(main[0])] * 2
    if len(others):
        _, front, ground, middle = _extents(poser, others, forward)
        world.append([front - inset, middle, ground])
        bodies.append(int(others[-1]))
    points = [(np.array(w) - data.xpos[b]) @ data.xmat[b].reshape(3, 3) for w, b in zip(world, bodies, strict=True)]
    flat = np.array(world)[:, :2] - world[0][:2]
    turned = flat @ np.array([[np.cos(_TOE_OUT), -np.sin(_TOE_OUT)], [np.sin(_TOE_OUT), np.cos(_TOE_OUT)]])
    return _Foot(contact_geoms(model, human.feet[0]), bodies, np.array(points), turned if poser.free else flat)


def _extents(poser: Poser, bodies: NDArray[np.int32], forward: Floats) -> tuple[float, float, float, float]:
    """Rearmost and foremost x, lowest z and middle y [m] of the bodies' contact geoms."""
    model, data = poser.human.model, poser.data
    geoms = contact_geoms(model, bodies)
    back, front = -reach(model, data, geoms, -forward), reach(model, data, geoms, forward)
    return back, front, lowest(model, data, geoms), float(np.mean(data.geom_xpos[geoms, 1]))


def _pendulum_rate(poser: Poser) -> float:
    """g / h [1/s^2] of the standing person as an inverted pendulum, whose height h is that of the centre of mass."""
    human, data = poser.human, poser.data
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(human.model, data)
    mujoco.mj_comPos(human.model, data)
    height = data.subtree_com[human.root_body, 2] - human.ground_height
    return float(np.linalg.norm(human.model.opt.gravity) / height)


def _step_width(poser: Poser, duration: float) -> float:
    """Distance between the lines of the feet that lets the cycle's sway balance [m].

    In the frontal plane the body is an inverted pendulum over its feet, y'' = (g / h) (y - y_foot) (MacKinnon and
    Winter 1993, J. Biomech. 26:633), where y_foot is nearly a square wave: its first harmonic, 4 / pi of half the
    width, moves y by (g / h) / (omega^2 + g / h) of itself.
    """
    pendulum = _pendulum_rate(poser)
    sway = poser.cycle.pelvis.get("sway")
    amplitude = float(np.hypot(*sway.coefficients[:2])) if sway else 0.0  # odd orders: the first two are the harmonic's
    return 2 * _COM_SWAY * amplitude * np.pi / 4 * ((2 * np.pi / duration) ** 2 + pendulum) / pendulum


def fit_footing(poser: Poser) -> Footing:
    """Gauss-Newton from the uncorrected cycle. About 4,000 poses are computed: some tenths of a second."""
    problem = _Fit(poser)
    x = problem.start()
    for _ in range(_ITERATIONS):
        residual, jacobian = problem.linearize(x)
        # Normal equations: a hundred unknowns, made regular by the preference for small corrections.
        step = np.linalg.solve(jacobian.T @ jacobian + _RIDGE * np.eye(problem.size), jacobian.T @ residual)
        x = x - step
    return problem.footing(x)


class _Fit:
    """The least-squares problem over x: the series of the corrections angle by angle, of height, progress and sway,
    then the speed and the place of the footprint (x and y of the heel).
    """

    def __init__(self, poser: Poser) -> None:
        self.poser, self.cycle, self.foot = poser, poser.cycle, _right_foot(poser)
        self.phase = np.arange(_FRAMES) / _FRAMES
        present = {t.angle: t for t in poser.targets if t.side == "r"}
        self.targets = {n: present[n] for n in _SAGITTAL + _LATERAL * poser.free if n in present}
        self.orders = {
            **{n: _ANGLE_ORDERS for n in self.targets},
            "height": [0, *_EVEN],
            "progress": _EVEN if self.cycle.stance < 0.5 else [2, 4],
            "sway": _ODD,
        }
        self.basis = {key: fourier(self.phase, orders) for key, orders in self.orders.items()}
        sizes = {
            **{key: basis.shape[1] for key, basis in self.basis.items()},
            "speed": 1,
            "place": 2,
        }
        edges = np.cumsum([0, *sizes.values()])
        self.columns = {key: slice(edges[i], edges[i + 1]) for i, key in enumerate(sizes)}
        self.size = int(edges[-1])
        leg = leg_length(poser.human)
        self.stride = self.cycle.stride * leg
        self.duration = self.cycle.duration * float(np.sqrt(leg / self.cycle.leg_length))
        self.step_width = _step_width(poser, self.duration)
        foot = (float(self.foot.print[1, 0]), float(self.foot.print[-1, 0]))
        walks = self.cycle.stance >= 0.5 and poser.slots.shift[0] >= 0  # and goes anywhere
        self.balance = Balance(poser, self.duration, self.stride, foot, _FRAMES) if walks else None
        self.moves = self._moves()

    def start(self) -> Floats:
        """The cycle as it is."""
        x = np.zeros(self.size)
        x[self.columns["speed"]] = self.stride / self.duration
        return x

    def footing(self, x: Floats) -> Footing:
        """A solution as series."""
        series = {key: Series(orders, x[self.columns[key]]) for key, orders in self.orders.items()}
        angles = {name: series[name] for name in self.targets}
        speed = float(x[self.columns["speed"]][0])
        return Footing(self.duration, speed, angles, series["progress"], series["sway"], series["height"])

    def linearize(self, x: Floats) -> tuple[Floats, Floats]:
        """Residuals (m,) and their Jacobian (m, n) at x."""
        footing = self.footing(x)
        qpos = footing.qpos(self.poser, self.phase)
        features, slopes = self._features(footing, qpos)
        phase, cycle, place = self.phase, self.cycle, x[self.columns["place"]]
        stance, height = phase < cycle.stance, features[:, 0]
        clearance = _CLEARANCE * np.sin(np.pi * np.clip((phase - cycle.stance) / (1 - cycle.stance), 0, 1))
        rows = [
            self._rows(stance, height, slopes[:, 0], _HEIGHT),
            self._rows(phase < _STRIKE, height, slopes[:, 0], _HEIGHT / 3),
            self._rows(~stance & (height < clearance), height - clearance, slopes[:, 0], _CLEAR),
            self._rows(~stance, features[:, 2] - place[1], slopes[:, 2], _SWING, 1),
            *self._preferences(x),
            *self._flight(x),
            *self._balance(x, qpos),
        ]
        for i, (down, up) in enumerate(self._bearing()):
            x_at, y_at, z_at = range(1 + 3 * i, 4 + 3 * i)
            landed = (phase >= down) & (phase < up)
            settled = landed & (phase >= cycle.foot_flat)
            ahead = features[:, x_at] - place[0] - self.foot.print[i, 0]
            aside = features[:, y_at] - place[1] - self.foot.print[i, 1]
            rows.append(self._rows(settled, features[:, z_at], slopes[:, z_at], _HEIGHT))
            rows.append(self._rows(landed, ahead, slopes[:, x_at], _PLACE, 0))
            rows.append(self._rows(phase < up, aside, slopes[:, y_at], _SIDEWAYS, 1))
        return np.concatenate([r for r, _ in rows]), np.concatenate([j for _, j in rows])

    def _flight(self, x: Floats) -> list[tuple[Floats, Floats]]:
        """The pelvis falls while neither foot bears: its height's second derivative in time is that of gravity."""
        flying = self.phase % 0.5 >= self.cycle.stance
        if not flying.any():
            return []
        orders = np.repeat(self.orders["height"], [1 if n == 0 else 2 for n in self.orders["height"]])
        curved = -((2 * np.pi * orders / self.duration) ** 2) * self.basis["height"]
        jacobian = np.zeros((int(flying.sum()), self.size))
        jacobian[:, self.columns["height"]] = curved[flying] / _FALL
        gravity = float(np.linalg.norm(self.poser.human.model.opt.gravity))
        return [(jacobian @ x + gravity / _FALL, jacobian)]

    def _balance(self, x: Floats, qpos: Floats) -> list[tuple[Floats, Floats]]:
        """In walking the ground presses where it does on people, who hardly turn as a whole."""
        if self.balance is None:
            return []
        heel = self.columns["place"].start
        stride = float(x[self.columns["speed"]][0]) * self.duration
        demand = self.balance.linearize(qpos, stride, x[heel], self.moves, self.size)
        demand.ahead_by[:, heel] -= demand.load
        # Over from foot to foot the pressure goes tens of centimetres: when is not to the millisecond.
        tolerance = np.where(self.phase % 0.5 < self.cycle.stance - 0.5, _OVER, _PRESSURE)
        return [
            (demand.ahead / tolerance, demand.ahead_by / tolerance[:, None]),
            (demand.turn / _TURN, demand.turn_by / _TURN),
            (demand.rise / _RISE, demand.rise_by / _RISE),
        ]

    def _bearing(self) -> list[tuple[float, float]]:
        """Phases in which heel, ball and, where the model has them, toes bear the foot. A stiff foot rolls over its
        ball to the end; with toes the ball rises once they are bent to their limit.
        """
        flat, rise, off = self.cycle.foot_flat, self.cycle.heel_rise, self.cycle.stance
        if len(self.foot.bodies) < 3:
            return [(0.0, rise), (flat, off - 0.06)]
        return [(0.0, rise), (flat, 0.5 * (rise + off)), (flat, off - 0.02)]

    def _rows(
        self, frames: NDArray[np.bool_], value: Floats, slope: Floats, tolerance: float, place: int = -1
    ) -> tuple[Floats, Floats]:
        """Residuals and Jacobian of one feature in some frames; `place`: the footprint coordinate it is held to."""
        jacobian = slope[frames] / tolerance
        if place >= 0:
            jacobian[:, self.columns["place"].start + place] -= 1.0 / tolerance
        return value[frames] / tolerance, jacobian

    def _preferences(self, x: Floats) -> list[tuple[Floats, Floats]]:
        """Length and width of the steps, small corrections, and joints short of the ends of their ranges."""
        wanted = np.zeros((1, self.size))
        wanted[0, self.columns["speed"]] = self.duration / _STRIDE
        rows = [(wanted @ x - self.stride / _STRIDE, wanted)]
        if self.poser.free:
            aside = np.zeros((1, self.size))
            aside[0, self.columns["place"].start + 1] = 1.0 / _SIDEWAYS_PLACE
            middle = -self.step_width / 2 - 0.5 * self.foot.print[1, 1]  # of heel and ball: there the foot bears
            rows.append((aside @ x - middle / _SIDEWAYS_PLACE, aside))
        tolerance = {"progress": _RUN if self.balance is None else _WALK, "sway": _SWAY} | {
            name: np.deg2rad(_ANGLES.get(name, _ANGLE)) for name in self.targets
        }
        for key, scale in tolerance.items():
            jacobian = np.zeros((_FRAMES, self.size))
            jacobian[:, self.columns[key]] = self.basis[key] / scale
            rows.append((jacobian @ x, jacobian))
        model = self.poser.human.model
        leg = self.footing(x).leg(self.cycle, self.phase, "r")
        for name, target in self.targets.items():
            joint = model.dof_jntid[target.dof]
            if not model.jnt_limited[joint]:
                continue
            low, high = model.jnt_range[joint] + _LIMIT * np.array([1, -1])
            q = self.poser.human.qpos_rest[target.qpos_adr] + target.sign * leg[name]
            beyond = np.minimum(q - low, 0.0) + np.maximum(q - high, 0.0)
            jacobian = np.zeros((_FRAMES, self.size))
            jacobian[:, self.columns[name]] = self.basis[name] * (target.sign * (beyond != 0))[:, None] / _LIMIT
            rows.append((beyond / _LIMIT, jacobian))
        return rows

    def _features(self, footing: Footing, qpos: Floats) -> tuple[Floats, Floats]:
        """Per frame the lowest point and the sole's points in poses (K, nq) of a footing, (K, 1 + 3 points) [m]; their
        derivatives by the unknowns (..., n).
        """
        cycle = self.cycle
        right, left = footing.leg(cycle, self.phase, "r"), footing.leg(cycle, self.phase, "l")
        root = footing.root(cycle, self.phase)

        def measure(poses: Floats) -> Floats:
            return np.stack([self._measure(pose) for pose in poses])

        features = measure(qpos)
        slopes = np.zeros((*features.shape, self.size))
        for name in self.targets:
            turned = {**right, name: right[name] + _STEP}
            moved = (measure(self.poser.qpos(self.phase, turned, left, root)) - features) / _STEP
            slopes[:, :, self.columns[name]] = moved[:, :, None] * self.basis[name][:, None, :]
        progress = self.basis["progress"] - fourier(np.zeros(1), self.orders["progress"])
        for axis, key in enumerate(("progress", "sway", "height")):
            if self.poser.slots.shift[axis] >= 0:
                slopes[:, 1 + axis :: 3, self.columns[key]] = (progress if axis == 0 else self.basis[key])[:, None]
        slopes[:, 0, self.columns["height"]] = self.basis["height"]
        slopes[:, 1::3, self.columns["speed"]] = (self.duration * self.phase)[:, None, None]
        return features, slopes

    def _moves(self) -> list[Move]:
        """What the unknowns do to the model's speeds."""
        nv, half = self.poser.human.model.nv, _FRAMES // 2
        moves = []
        for target in self.poser.targets:
            if target.angle in self.targets:
                way = np.zeros((_FRAMES, nv))
                way[:, target.dof] = target.sign
                shape = self.basis[target.angle]
                moves.append(
                    Move(self.columns[target.angle], way, shape if target.side == "r" else np.roll(shape, half, axis=0))
                )
        for axis, key in ((0, "progress"), (2, "height")):
            moves.append(Move(self.columns[key], self.poser.pushed(axis, _FRAMES), self.basis[key]))
        return moves

    def _measure(self, qpos: Floats) -> Floats:
        """Lowest point of the right foot, then its points, (1 + 3 points,) [m]."""
        data, foot = self.poser.data, self.foot
        data.qpos[:] = qpos
        mujoco.mj_kinematics(self.poser.human.model, data)
        points = data.xpos[foot.bodies] + np.einsum("pij,pj->pi", data.xmat[foot.bodies].reshape(-1, 3, 3), foot.points)
        points[:, 2] -= self.poser.human.ground_height
        low = lowest(self.poser.human.model, data, foot.geoms) - self.poser.human.ground_height
        return np.concatenate([[low], points.ravel()])
