"""Fit a gait cycle to the ground: the smallest smooth change of the leg's angles that lets a model's feet stand.

Legs differ in length from those that were measured, so tables put on a model let its feet float, sink and slip by centimetres.
Unknown are Fourier series of corrections to the right leg's angles (the left leg has the same half a stride later), of the
pelvis height, of its progress and of its sway, and where the foot stands. Gauss-Newton on these residuals, with their tolerances:
the lowest point of the foot at the ground through stance, heel and ball down and in place while they bear, the foot clear of
the ground in swing, small corrections.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models.ground import contact_geoms, lowest, reach
from soleus.motions.cycle import GaitCycle, Series, fourier
from soleus.motions.posing import Poser

Floats = NDArray[np.float64]

_FRAMES = 64
_ITERATIONS = 8
_CORRECTED = ("hip_flexion", "knee_flexion", "ankle_dorsiflexion", "toe_extension", "hip_adduction")
_ANGLE_ORDERS = list(range(7))
_EVEN, _ODD = [2, 4, 6], [1, 3]
_STEP = 1e-4  # [rad], of finite differences
# Tolerances: a residual of this size counts one.
_HEIGHT, _PLACE, _SIDEWAYS, _CLEAR = 0.002, 0.006, 0.008, 0.003  # [m]
_ANGLE, _SWAY, _PROGRESS, _LIMIT = np.deg2rad(4.0), 0.01, 0.03, np.deg2rad(0.5)
_CLEARANCE = 0.015  # [m], of the toes in mid-swing (Winter 2009: 1.3 cm)


@dataclass(frozen=True, eq=False)
class Footing:
    """What makes a cycle stand: corrections that add to it."""

    speed: float  # [m/s] mean
    angles: dict[str, Series]  # of the right leg [rad]
    progress: Series  # root x beside speed * t [m]
    sway: Series  # root y beside the cycle's own [m]
    height: Series  # root z above that at rest [m]

    def root(self, cycle: GaitCycle, phase: Floats) -> Floats:
        """Root shift (K, 3) [m] from its place at rest, at phases (K,)."""
        x = self.speed * cycle.duration * phase + self.progress(phase) - self.progress(np.zeros(1))
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
    """Right foot: contact geoms, and points under heel and ball in the frame of the calcaneus."""

    geoms: NDArray[np.int32]
    body: int
    points: Floats  # (2, 3)


def _right_foot(poser: Poser) -> _Foot:
    human, data = poser.human, poser.data
    model, bodies = human.model, human.feet[0]
    data.qpos[:] = human.qpos_rest
    mujoco.mj_kinematics(model, data)
    main = contact_geoms(model, bodies[:1])
    forward = np.array([1.0, 0.0, 0.0])
    heel_x, ball_x = -reach(model, data, main, -forward), reach(model, data, main, forward)
    inset = 0.1 * (ball_x - heel_x)
    center = float(np.mean(data.geom_xpos[main, 1]))
    ground = lowest(model, data, main)
    world = np.array([[heel_x + inset, center, ground], [ball_x - inset, center, ground]])
    body = int(bodies[0])
    points = (world - data.xpos[body]) @ data.xmat[body].reshape(3, 3)
    return _Foot(contact_geoms(model, bodies), body, points)


def fit_footing(poser: Poser) -> Footing:
    """Gauss-Newton from the uncorrected cycle. About 4,000 poses are computed: some tenths of a second."""
    problem = _Fit(poser)
    x = problem.start()
    for _ in range(_ITERATIONS):
        residual, jacobian = problem.linearize(x)
        x = x - np.linalg.lstsq(jacobian, residual, rcond=None)[0]
    return problem.footing(x)


class _Fit:
    """The least-squares problem over x: the series of the corrections angle by angle, of height, progress and sway, then
    the speed and the place of the heel (x, y).
    """

    def __init__(self, poser: Poser) -> None:
        self.poser, self.cycle, self.foot = poser, poser.cycle, _right_foot(poser)
        self.phase = np.arange(_FRAMES) / _FRAMES
        present = {t.angle: t for t in poser.targets if t.side == "r"}
        self.targets = {n: present[n] for n in _CORRECTED if n in present and (poser.free or n != "hip_adduction")}
        self.orders = {**{n: _ANGLE_ORDERS for n in self.targets}, "height": [0, *_EVEN], "progress": _EVEN, "sway": _ODD}
        self.basis = {key: fourier(self.phase, orders) for key, orders in self.orders.items()}
        sizes = {**{key: basis.shape[1] for key, basis in self.basis.items()}, "speed": 1, "place": 2}
        edges = np.cumsum([0, *sizes.values()])
        self.columns = {key: slice(edges[i], edges[i + 1]) for i, key in enumerate(sizes)}
        self.size = int(edges[-1])

    def start(self) -> Floats:
        """The cycle as it is, at a usual speed."""
        x = np.zeros(self.size)
        x[self.columns["speed"]] = 1.2
        return x

    def footing(self, x: Floats) -> Footing:
        """A solution as series."""
        series = {key: Series(orders, x[self.columns[key]]) for key, orders in self.orders.items()}
        angles = {name: series[name] for name in self.targets}
        return Footing(float(x[self.columns["speed"]][0]), angles, series["progress"], series["sway"], series["height"])

    def linearize(self, x: Floats) -> tuple[Floats, Floats]:
        """Residuals (m,) and their Jacobian (m, n) at x."""
        features, slopes = self._features(x)
        place = x[self.columns["place"]]
        span = float(np.linalg.norm(self.foot.points[1] - self.foot.points[0]))
        phase, cycle = self.phase, self.cycle
        stance, push_off = phase < cycle.stance, phase < cycle.stance - 0.06
        flat = phase >= cycle.foot_flat
        height, heel, ball = features[:, 0], features[:, 1:4], features[:, 4:7]
        clearance = _CLEARANCE * np.sin(np.pi * np.clip((phase - cycle.stance) / (1 - cycle.stance), 0, 1))
        rows = [
            self._rows(stance, height, slopes[:, 0], _HEIGHT),
            self._rows(~stance & (height < clearance), height - clearance, slopes[:, 0], _CLEAR),
            self._rows(flat & (phase < cycle.heel_rise), heel[:, 2], slopes[:, 3], _HEIGHT),
            self._rows(flat & push_off, ball[:, 2], slopes[:, 6], _HEIGHT),
            self._rows(phase < cycle.heel_rise, heel[:, 0] - place[0], slopes[:, 1], _PLACE, 0),
            self._rows(flat & push_off, ball[:, 0] - place[0] - span, slopes[:, 4], _PLACE, 0),
            self._rows(stance, heel[:, 1] - place[1], slopes[:, 2], _SIDEWAYS, 1),
            *self._preferences(x),
        ]
        return np.concatenate([r for r, _ in rows]), np.concatenate([j for _, j in rows])

    def _rows(
        self, frames: NDArray[np.bool_], value: Floats, slope: Floats, tolerance: float, place: int = -1
    ) -> tuple[Floats, Floats]:
        """Residuals and Jacobian of one feature in some frames; `place`: the footprint coordinate it is held against."""
        jacobian = slope[frames] / tolerance
        if place >= 0:
            jacobian[:, self.columns["place"].start + place] -= 1.0 / tolerance
        return value[frames] / tolerance, jacobian

    def _preferences(self, x: Floats) -> list[tuple[Floats, Floats]]:
        """Small corrections, and joints within their ranges."""
        rows = []
        tolerance = {"progress": _PROGRESS, "sway": _SWAY, **dict.fromkeys(self.targets, _ANGLE)}
        for key, scale in tolerance.items():
            jacobian = np.zeros((_FRAMES, self.size))
            jacobian[:, self.columns[key]] = self.basis[key] / scale
            rows.append((jacobian @ x, jacobian))
        model = self.poser.human.model
        leg = self.footing(x).leg(self.cycle, self.phase, "r")
        for name, target in self.targets.items():
            low, high = model.jnt_range[model.dof_jntid[target.dof]]
            q = self.poser.human.qpos_rest[target.qpos_adr] + target.sign * leg[name]
            beyond = np.minimum(q - low, 0.0) + np.maximum(q - high, 0.0)
            jacobian = np.zeros((_FRAMES, self.size))
            jacobian[:, self.columns[name]] = self.basis[name] * (target.sign * (beyond != 0))[:, None] / _LIMIT
            rows.append((beyond / _LIMIT, jacobian))
        return rows

    def _features(self, x: Floats) -> tuple[Floats, Floats]:
        """Per frame the lowest point, heel (3) and ball (3): (K, 7) [m], and their derivatives (K, 7, n)."""
        cycle, footing = self.cycle, self.footing(x)
        right, left = footing.leg(cycle, self.phase, "r"), footing.leg(cycle, self.phase, "l")
        root = footing.root(cycle, self.phase)

        def measure(leg: dict[str, Floats]) -> Floats:
            return np.stack([self._measure(q) for q in self.poser.qpos(self.phase, leg, left, root)])

        features = measure(right)
        slopes = np.zeros((*features.shape, self.size))
        for name in self.targets:
            moved = (measure({**right, name: right[name] + _STEP}) - features) / _STEP
            slopes[:, :, self.columns[name]] = moved[:, :, None] * self.basis[name][:, None, :]
        progress = self.basis["progress"] - fourier(np.zeros(1), self.orders["progress"])
        for axis, key, basis in ((0, "progress", progress), (1, "sway", self.basis["sway"]), (2, "height", self.basis["height"])):
            for feature in [0] * (axis == 2) + [1 + axis, 4 + axis]:
                if self.poser.slots.shift[axis] >= 0:
                    slopes[:, feature, self.columns[key]] = basis
        for feature in (1, 4):
            slopes[:, feature, self.columns["speed"]] = (cycle.duration * self.phase)[:, None]
        return features, slopes

    def _measure(self, qpos: Floats) -> Floats:
        """Lowest point, heel and ball of the right foot, (7,) [m]."""
        data, foot = self.poser.data, self.foot
        data.qpos[:] = qpos
        mujoco.mj_kinematics(self.poser.human.model, data)
        points = data.xpos[foot.body] + foot.points @ data.xmat[foot.body].reshape(3, 3).T
        return np.concatenate([[lowest(self.poser.human.model, data, foot.geoms)], points.ravel()])
