"""Poses that paths are fitted and compared at: all over a box of coordinates, and denser near a reference motion."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mujoco
import numpy as np
from numpy.typing import NDArray

from soleus.models import Human
from soleus.motions import Clips, Motion

if TYPE_CHECKING:
    from soleus.paths.fit import Measure

Floats = NDArray[np.float64]
_SPREAD = 4096  # poses all over the box, a power of two as Sobol's sequence wants it
_NEAR = 1024  # poses near the reference motion
_BEYOND = 0.05  # of a range: soft limits let joints go a little beyond it
_MARGIN = np.deg2rad(20.0)  # round the reference motion, of rotations [rad]
_SLIDE_MARGIN = 0.05  # the same of slides [m]
_TEST_EVERY = 4  # of so many poses one is for comparing alone


@dataclass(frozen=True, eq=False)
class Box:
    """A range of each coordinate, (nc,); half is 0 of ball joints, the root, and joints without limits."""

    centre: Floats
    half: Floats


def is_scalar(human: Human) -> NDArray[np.bool_]:
    """Return whether each coordinate is a hinge's or a slide's, (nc,)."""
    kinds = human.model.jnt_type[human.model.dof_jntid[human.coordinate_dof]]
    return np.isin(kinds, (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE))


def qpos_address(human: Human) -> NDArray[np.int64]:
    """Return where each coordinate's joint begins in qpos, (nc,)."""
    joints = human.model.dof_jntid[human.coordinate_dof]
    return np.asarray(human.model.jnt_qposadr[joints], np.int64)


def whole_box(human: Human, motion: Motion | Clips | None) -> Box:
    """Return the range that the joint limits allow, and a little more; of unlimited joints that of a motion."""
    low, high = np.array(human.lower, float), np.array(human.upper, float)
    limited = is_scalar(human) & np.isfinite(low) & np.isfinite(high) & (high > low)
    low, high = np.where(limited, low, 0.0), np.where(limited, high, 0.0)
    centre, half = (low + high) / 2, (high - low) * (0.5 + _BEYOND)
    if motion is None:
        return Box(centre, half)
    near = reference_box(human, motion, within_limits=False)
    return Box(np.where(limited, centre, near.centre), np.where(limited, half, near.half))


def reference_box(human: Human, motion: Motion | Clips, within_limits: bool = True) -> Box:
    """Return the range of a motion and a margin, no wider than the joint limits and a little more."""
    scalar = is_scalar(human)
    poses = motion.qpos[:, qpos_address(human)]
    hinge = human.model.jnt_type[human.model.dof_jntid[human.coordinate_dof]] == mujoco.mjtJoint.mjJNT_HINGE
    margin = np.where(hinge, _MARGIN, _SLIDE_MARGIN)
    low, high = poses.min(axis=0) - margin, poses.max(axis=0) + margin
    if within_limits:
        whole = whole_box(human, None)
        limited = whole.half > 0
        low = np.where(limited, np.maximum(low, whole.centre - whole.half), low)
        high = np.where(limited, np.minimum(high, whole.centre + whole.half), high)
    low, high = np.where(scalar, low, 0.0), np.where(scalar, high, 0.0)
    return Box((low + high) / 2, np.maximum((high - low) / 2, 0.0))


@dataclass(frozen=True, eq=False)
class Poses:
    """Poses within a box, and the exact paths there."""

    box: Box
    coordinates: Floats
    """(n, nc)"""
    lengths: Floats
    """(n, nm) [m]"""
    moments: Floats
    """(n, crossings) [m]"""
    training: NDArray[np.bool_]
    """(n,) whether fits see a pose; the others are for comparing alone."""

    @classmethod
    def draw(cls, human: Human, box: Box, motion: Motion | Clips | None, measure: "Measure") -> "Poses":
        """Return poses by Sobol's sequence (always the same ones) and, with a motion, as many frames of it as there is
        time for, each joint turned by a little."""
        from scipy.stats import qmc  # it takes long to import, and only fits need it

        ranged = np.flatnonzero(box.half > 0)
        at = np.tile(box.centre, (_SPREAD, 1))
        if len(ranged):
            unit = qmc.Sobol(len(ranged), scramble=True, seed=0).random(_SPREAD)
            at[:, ranged] += box.half[ranged] * (2 * unit - 1)
        if motion is not None:
            noise = np.random.default_rng(0)
            frames = motion.qpos[noise.integers(len(motion.qpos), size=_NEAR)][:, qpos_address(human)]
            near = frames + noise.normal(size=frames.shape) * (_MARGIN / 3)
            near = np.clip(near, box.centre - box.half, box.centre + box.half)
            at = np.concatenate([at, near])
        lengths, moments = measure(at)
        return cls(box, at, lengths, moments, np.arange(len(at)) % _TEST_EVERY != _TEST_EVERY - 1)
