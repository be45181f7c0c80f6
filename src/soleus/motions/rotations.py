"""Rotations of many frames at once: unit quaternions (..., 4), w first, and rotation vectors (..., 3) [rad]."""

import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def multiply(a: Floats, b: Floats) -> Floats:
    """Products of quaternions, broadcast."""
    w, v, u, r = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    real = w * u - np.sum(v * r, axis=-1, keepdims=True)
    return np.concatenate([real, w * r + u * v + np.cross(v, r)], axis=-1)


def conjugate(q: Floats) -> Floats:
    """Inverses of unit quaternions."""
    return np.concatenate([q[..., :1], -q[..., 1:]], axis=-1)


def log(q: Floats) -> Floats:
    """Rotation vectors (..., 3) of quaternions: the shorter way round, at most pi long."""
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    # angle / sine tends to 2 where both vanish.
    return q[..., 1:] * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)


def exp(vectors: Floats) -> Floats:
    """Quaternions (..., 4) of rotation vectors."""
    half = 0.5 * np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.concatenate([np.cos(half), 0.5 * vectors * np.sinc(half / np.pi)], axis=-1)


def about_z(angle: float) -> Floats:
    """Quaternion (4,) of a turn about z [rad]."""
    return np.array([np.cos(angle / 2), 0.0, 0.0, np.sin(angle / 2)])


def turn_of(q: Floats) -> float:
    """Angle [rad] of the turn about z of a rotation (4,): what is left before it has its axis level.

    Rounding is no turn: 0 below 1e-9 rad.
    """
    angle = float(2 * np.arctan2(q[3] if q[0] >= 0 else -q[3], abs(q[0])))
    return angle if abs(angle) > 1e-9 else 0.0


def cardan(q: Floats) -> Floats:
    """Angles (T, 3) [rad] about x, y and z of rotations Ry Rx Rz, from unit quaternions (T, 4)."""
    w, x, y, z = q.T
    about_x = np.arcsin(np.clip(2 * (w * x - y * z), -1, 1))
    about_y = np.arctan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
    about_z = np.arctan2(2 * (x * y + w * z), 1 - 2 * (x * x + z * z))
    return np.stack([about_x, about_y, about_z], axis=-1)


def from_matrices(matrices: Floats) -> Floats:
    """Quaternions (F, 4) of rotation matrices (F, 3, 3), each of the sign that is nearer to the one before."""
    result = np.zeros((len(matrices), 4))
    for q, matrix in zip(result, matrices, strict=True):
        mujoco.mju_mat2Quat(q, matrix.ravel())
    return continuous(result)


def continuous(q: Floats) -> Floats:
    """The same rotations (F, ..., 4), the signs of each frame nearer to the one before: what interpolation needs."""
    flips = np.sum(q[1:] * q[:-1], axis=-1, keepdims=True) < 0
    signs = np.cumprod(np.where(flips, -1.0, 1.0), axis=0)
    return np.concatenate([q[:1], q[1:] * signs])


def rotated(q: Floats, vectors: Floats) -> Floats:
    """Vectors (..., 3) turned by quaternions (..., 4), broadcast."""
    twice = 2 * np.cross(q[..., 1:], vectors)
    return vectors + q[..., :1] * twice + np.cross(q[..., 1:], twice)
