"""Where the ground would have to press for a walk to move as it does, and where it presses on people.

A motion asks for one centre of pressure in the sagittal plane, the zero moment point (Vukobratovic and Borovac 2004,
Int. J. Humanoid Robotics 1:157): p = x - (z x'' + L' / m) / (g + z''), with x and z of the centre of mass over the
ground and L the angular momentum about it, which moves by the centroidal momentum matrix (Orin, Goswami, Lee 2013,
Autonomous Robots 35:161). Angles that were averaged over people ask for one that jumps over decimetres, behind the heel
and ahead of the toes; under people it goes along each foot as the foot rocks over heel, ankle, ball and toes in turn
(Perry and Burnfield 2010, chapter 3), and over from foot to foot, as the weight does, while both stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.motions.cycle import GaitCycle
from soleus.motions.posing import Poser

Floats = NDArray[np.float64]

_AT_FOOT_FLAT, _AT_HEEL_RISE = 0.33, 0.85  # of the way from heel to ball: about the ankle; where the heel bears no more
_HARMONICS = 8  # of accelerations: those of people have next to nothing above (Winter 2009)


@dataclass(frozen=True, eq=False)
class Move:
    """A coordinate of a motion of K frames that is to be changed: by coefficients (n,) of a shape over the cycle."""

    columns: slice
    """The coefficients among all unknowns"""
    way: Floats
    """(K, nv) speeds of the model while the coordinate grows by one a second"""
    shape: Floats
    """(K, n)"""


@dataclass(frozen=True, eq=False)
class Demand:
    """What a motion of K frames asks of the ground, with derivatives by n unknowns."""

    load: Floats
    """(K,) that the feet bear [body weights]"""
    ahead: Floats
    """(K,) how far the pressure is ahead of where it is wanted, times the load [m]; it falls by the load as the heel's
    place goes ahead"""
    ahead_by: Floats
    """(K, n)"""
    turn: Floats
    """(K,) how far it is behind where it would be without the change of angular momentum, times the load [m]"""
    turn_by: Floats
    """(K, n)"""
    rise: Floats
    """(K,) how far the centre of mass is above where people's is, beside the mean of that [m]"""
    rise_by: Floats
    """(K, n)"""


class Balance:
    """The centre of pressure of a cycle in K frames."""

    def __init__(self, poser: Poser, duration: float, stride: float, foot: tuple[float, float], frames: int) -> None:
        """duration [s] and length [m] of a stride as it is wanted; foot: ball and tip ahead of the heel [m]."""
        self._human, self._data, self._cycle = poser.human, poser.data, poser.cycle
        self._x = poser.slots.shift[0]
        self._duration, self._foot = duration, foot
        self._phase = np.arange(frames) / frames
        self._once, self._twice = _derivatives(frames, duration)
        self._height = (
            -0.5
            * vertical_excursion(stride / duration)
            * np.cos(4 * np.pi * (self._phase - 0.5 * (poser.cycle.stance - 0.5)))
        )
        self._gravity = float(np.linalg.norm(poser.human.model.opt.gravity))

    def linearize(self, qpos: Floats, stride: float, heel: float, moves: Sequence[Move], size: int) -> Demand:
        """Return what poses (K, nq) that get ahead by `stride` [m] a lap ask for, where the right heel stands at `heel`
        [m], and its derivatives by the `size` unknowns that move.
        """
        mass = float(self._human.model.body_subtreemass[self._human.root_body])
        com, com_by, spin, spin_by = self._momenta(qpos, stride)
        load = self._gravity + self._twice @ com[:, 1]
        ahead = com[:, 0] - pressure_under_people(self._phase, self._cycle, stride, self._foot) - heel
        forward = self._twice @ (com[:, 0] - stride * self._phase)
        residual = load * ahead - com[:, 1] * forward - self._once @ spin / mass
        slopes, spun, lifted = np.zeros((3, len(qpos), size))
        for move in moves:
            x_by, z_by = (np.einsum("kv,kv->k", com_by[:, i], move.way)[:, None] * move.shape for i in (0, 1))
            turned = np.einsum("kv,kv->k", spin_by, move.way)[:, None] * (self._once @ move.shape)
            spun[:, move.columns] += self._once @ turned
            lifted[:, move.columns] += z_by
            slopes[:, move.columns] += (
                load[:, None] * x_by + ahead[:, None] * (self._twice @ z_by)
                - com[:, 1:] * (self._twice @ x_by) - forward[:, None] * z_by - self._once @ turned / mass
            )  # fmt: skip
        weight = mass * self._gravity
        rise = com[:, 1] - self._height
        return Demand(
            load=load / self._gravity,
            ahead=residual / self._gravity,
            ahead_by=slopes / self._gravity,
            turn=self._once @ spin / weight,
            turn_by=spun / weight,
            rise=rise - rise.mean(),
            rise_by=lifted - lifted.mean(axis=0),
        )

    def _momenta(self, qpos: Floats, stride: float) -> tuple[Floats, Floats, Floats, Floats]:
        """Place (K, 2) of the centre of mass [m], x and z over the ground, and its derivatives (K, 2, nv); angular
        momentum (K,) about it to the front [kg m^2/s], and its derivatives by the speeds (K, nv).
        """
        model, data, root = self._human.model, self._data, self._human.root_body
        frames = len(qpos)
        com, com_by = np.zeros((frames, 2)), np.zeros((frames, 2, model.nv))
        spin, spin_by = np.zeros(frames), np.zeros((frames, model.nv))
        jacobian, momentum, speed = np.zeros((3, model.nv)), np.zeros((3, model.nv)), np.zeros(model.nv)
        for k, pose in enumerate(qpos):
            before, after = qpos[k - 1].copy(), qpos[(k + 1) % frames].copy()
            before[self._x] -= stride * (k == 0)
            after[self._x] += stride * (k == frames - 1)
            mujoco.mj_differentiatePos(model, speed, 2 * self._duration / frames, before, after)
            data.qpos[:] = pose
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_jacSubtreeCom(model, data, jacobian, root)
            mujoco.mj_angmomMat(model, data, momentum, root)
            com[k], com_by[k] = data.subtree_com[root, [0, 2]], jacobian[[0, 2]]
            spin_by[k] = momentum[1]
            spin[k] = momentum[1] @ speed
        com[:, 1] -= self._human.ground_height
        return com, com_by, spin, spin_by


def _derivatives(frames: int, duration: float) -> tuple[Floats, Floats]:
    """Matrices (K, K) that take a periodic function's values to its first and second derivative in time."""
    harmonics = np.fft.rfft(np.eye(frames), axis=0)
    harmonics[_HARMONICS + 1 :] = 0
    rate = (2j * np.pi * np.arange(len(harmonics)) / duration)[:, None]
    once, twice = (np.fft.irfft(harmonics * rate**n, frames, axis=0) for n in (1, 2))
    return np.asarray(once), np.asarray(twice)


def vertical_excursion(speed: float) -> float:
    """Return how far up and down the centre of mass of people goes who walk at a speed [m/s] [m]: from 2.7 cm at 0.7 to
    4.8 cm at 1.6 m/s (Orendurff et al. 2004, J. Rehabil. Res. Dev. 41:829).
    """
    return 0.0274 + (0.0483 - 0.0274) / 0.9 * (min(max(speed, 0.3), 2.2) - 0.7)


def pressure_under_people(phase: Floats, cycle: GaitCycle, stride: float, foot: tuple[float, float]) -> Floats:
    """(K,) [m] of the pressure ahead of the place of the right heel in the stance that begins the cycle."""
    stance, both, half = cycle.stance, cycle.stance - 0.5, len(phase) // 2
    ball, tip = foot
    bears = np.clip(np.minimum(phase, stance - phase) / max(both, 1e-9), 0, 1)
    rocks = np.maximum.accumulate([0.0, cycle.foot_flat, cycle.heel_rise, 0.5, stance])
    along = np.interp(phase, rocks, [0.0, _AT_FOOT_FLAT * ball, _AT_HEEL_RISE * ball, ball, tip])
    # The left foot is half a stride away, behind the right one's next or ahead of its last.
    left = np.roll(bears * (along + stride / 2), half) - stride * np.where(phase < both, np.roll(bears, half), 0.0)
    return np.asarray(bears * along + left)
