"""Motions of the successor of MASS: coordinates of DART's in HDF5, or its features of poses in NPZ, to a lap."""

import importlib
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import TableMotion
from soleus.errors import UserError, first_line
from soleus.models.human import Human
from soleus.models.mass.skeleton import Skeleton
from soleus.motions.lapping import lap_of
from soleus.motions.laps import Lap
from soleus.motions.looping import loop, resample
from soleus.motions.motion import Motion, make_motion
from soleus.motions.placing import put_on_feet
from soleus.motions.posing import root_slots
from soleus.motions.recording import check_times
from soleus.motions.rotations import exp, from_matrices, log, multiply, rotated
from soleus.motions.table import recording_of

Floats = NDArray[np.float64]

HZ = 60.0
"""Frames a second that motions are resampled to."""
_STRIDE = 1.34  # [m] of a file of features whose stride is 1
_LAP = 30  # frames of a lap of such a file
_CONTROL_HZ = 30.0  # of the steps that its displacements are of
_WIDTHS = {"Free": 6, "Ball": 3, "Revolute": 1, "Weld": 0}
"""Coordinates of a joint; those of a free one are its exponential map, then its shift from the T-pose."""
_FEATURES = {"Free": 9, "Ball": 6, "Revolute": 1, "Weld": 0}
"""Features of a joint: two rows of its matrix, of a free one its shift too."""


def read_h5(path: Path, skeleton: Skeleton, human: Human) -> Motion:
    """Read coordinates (F, n) over time, whose last row is about the first one lap later; its lap begins at phase 0.

    Raises UserError for a file that is none, arrays that do not fit, and a lap that does not close.
    """
    arrays = _datasets(path)
    motions = _numbers(path, arrays, "motions", 2)
    width = sum(_WIDTHS[node.joint] for node in skeleton.nodes.values())
    if motions.shape[1] != width:
        raise UserError(
            f"motion file '{path}': expected motions of {width} columns, the coordinates of {skeleton.path.name},"
            f" got {motions.shape[1]}"
        )
    times, phase = (_numbers(path, arrays, name, 1) for name in ("time", "phase"))
    for name, values in (("time", times), ("phase", phase)):
        if len(values) != len(motions):
            raise UserError(f"motion file '{path}': expected {len(motions)} numbers in {name}, got {len(values)}")
    if (phase < 0).any() or (phase > 1).any():
        raise UserError(f"motion file '{path}': expected phases from 0 to 1, got {phase.min():g} to {phase.max():g}")
    check_times(path, list(range(len(times))), times, "row", "motion file")
    qpos = _poses(motions, skeleton, human)
    falls = np.flatnonzero(np.diff(phase) < -0.5)
    return _lap(path, times - times[0], qpos, human, int(falls[0]) + 1 if len(falls) else 0)


def read_npz(path: Path, skeleton: Skeleton, human: Human) -> Motion:
    """Read features of poses, 30 a lap, whose forward displacements are those of a control step of 1/30 s.

    The file has no time: a lap takes as long as its stride needs at those displacements. Raises UserError as read_h5.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {str(name): np.asarray(file[name]) for name in file}
    except OSError as error:
        raise UserError(f"motion file '{path}' cannot be read: {error.strerror or error}") from None
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError, TypeError) as error:
        raise UserError(f"motion file '{path}': expected arrays of NumPy's, but {first_line(error)}") from None
    motions, params = _numbers(path, arrays, "motions", 2), _numbers(path, arrays, "params", 2)
    width = sum(_FEATURES[node.joint] for node in skeleton.nodes.values())
    if motions.shape[1] % width or motions.shape[1] // width <= _LAP:
        raise UserError(
            f"motion file '{path}': expected rows of more than {_LAP} frames of {width} features, as"
            f" {skeleton.path.name} has joints, got {motions.shape[1]} numbers"
        )
    frames = motions[0].reshape(-1, width)[: _LAP + 1]
    steps = _CONTROL_HZ * frames[:_LAP, 6:9] * [1.0, 0.0, 1.0]
    speed = float(np.linalg.norm(steps.mean(axis=0)))
    stride = _STRIDE * float(params[0, 0])
    if speed <= 0 or stride <= 0:
        raise UserError(f"motion file '{path}': expected a walk with a stride, got {speed:g} m/s and {stride:g} m")
    times = np.linspace(0.0, stride / speed, _LAP + 1)
    shift = np.vstack([np.zeros(3), np.cumsum(steps, axis=0) * times[1]])
    coordinates = _from_features(frames, shift, skeleton)
    return _lap(path, times, _poses(coordinates, skeleton, human), human, 0)


def _datasets(path: Path) -> dict[str, Any]:
    try:
        h5py = importlib.import_module("h5py")
    except ImportError as error:
        raise UserError(
            f"motion file '{path}': expected the package h5py to read HDF5, but {error}: pip install 'soleus[gaitnet]'"
        ) from None
    if not path.is_file():
        raise UserError(f"motion file '{path}' does not exist")
    try:
        with h5py.File(path, "r") as file:
            return {name: file[name][()] for name in file if isinstance(file[name], h5py.Dataset)}
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise UserError(f"motion file '{path}': expected an HDF5 file, but {first_line(error)}") from None


def _numbers(path: Path, arrays: dict[str, Any], name: str, dimensions: int) -> Floats:
    if name not in arrays:
        raise UserError(f"motion file '{path}': expected the array {name}, got {', '.join(arrays) or 'none'}")
    array = np.asarray(arrays[name])
    if array.ndim != dimensions or array.dtype.kind not in "fiu" or not array.size:
        raise UserError(
            f"motion file '{path}': expected numbers of {dimensions} dimensions in {name}, got {array.dtype} of shape"
            f" {array.shape}"
        )
    for at in np.argwhere(~np.isfinite(array))[:1]:
        raise UserError(f"motion file '{path}': expected finite numbers in {name}, got another in row {at[0]}")
    return array.astype(np.float64)


def _poses(coordinates: Floats, skeleton: Skeleton, human: Human) -> Floats:
    """Poses (F, nq) of coordinates (F, n) in the order of the skeleton's file."""
    qpos, at = np.tile(human.qpos_rest, (len(coordinates), 1)), 0
    for node in skeleton.nodes.values():
        width = _WIDTHS[node.joint]
        own = coordinates[:, at : at + width]
        at += width
        if node.joint == "Weld":
            continue
        adr = int(human.model.joint(node.name).qposadr[0])
        if node.joint == "Revolute":
            qpos[:, adr] = human.model.qpos0[adr] + own[:, 0]
        elif node.joint == "Ball":
            qpos[:, adr : adr + 4] = exp(own)
        else:
            standing = multiply(human.channel_axes, from_matrices(node.joint_rotation[None]))
            place = own[:, 3:] @ node.joint_rotation.T + node.joint_place
            qpos[:, adr : adr + 3] = rotated(human.channel_axes, place)
            qpos[:, adr + 3 : adr + 7] = multiply(standing, exp(own[:, :3]))
    return qpos


def _from_features(frames: Floats, shift: Floats, skeleton: Skeleton) -> Floats:
    """Coordinates (F, n) of features (F, w); shift (F, 3): of the root in the plane, in place of its displacements."""
    made, at = list[Floats](), 0
    for node in skeleton.nodes.values():
        width = _FEATURES[node.joint]
        own = frames[:, at : at + width]
        at += width
        if width == 1:
            made.append(own)
        elif width > 1:
            rows = own[:, :6].reshape(-1, 2, 3)
            first = rows[:, 0] / np.linalg.norm(rows[:, 0], axis=1, keepdims=True)
            second = rows[:, 1] - np.sum(first * rows[:, 1], axis=1, keepdims=True) * first
            second /= np.linalg.norm(second, axis=1, keepdims=True)
            matrices = np.stack([first, second, np.cross(first, second)], axis=1)
            made.append(log(from_matrices(matrices)))
            if width > 6:
                made.append(shift + own[:, 6:9] * [0.0, 1.0, 0.0])
    return np.hstack(made)


def _lap(path: Path, times: Floats, qpos: Floats, human: Human, first: int) -> Motion:
    """Close the lap of poses (F, nq), the last of which is about the first one lap later; begin it at a row of them.

    What of it does not close is spread over the lap, and a slight turn is straightened.
    """
    recording = recording_of(
        path, list(range(len(times))), times, qpos, human, TableMotion(table=str(path), unit="radian"), "row"
    )
    closed = lap_of(recording, human, find=False, retargeted=False)
    slots, count = root_slots(human), len(closed.qpos)
    start = np.array([closed.qpos[0, adr] for adr in slots.shift])
    lap = Lap(start, closed.displacement, closed.turn)
    around = np.vstack([closed.qpos, lap.poses(closed.qpos, 1, slots), lap.poses(closed.qpos[:1], 2, slots)])
    begun, own = loop(around[first : first + count + 1], human)
    frames = resample(begun, own, human, max(2, round(closed.duration * HZ)))
    put_on_feet(frames, human)
    motion = make_motion(path.stem, closed.duration, frames, own.displacement, human, own.turn)
    return replace(motion, notes=closed.notes)
