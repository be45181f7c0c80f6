"""The files of an episode: its poses in the one that was asked for, muscles and ground forces in others beside it."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soleus.config.sources import STORAGE_ENDINGS
from soleus.errors import UserError
from soleus.machine.files import write_bytes
from soleus.models import Human
from soleus.motions.coordinates import coordinates_of
from soleus.motions.hierarchy import bvh_text
from soleus.motions.recording import TIME
from soleus.motions.storage import storage_text
from soleus.motions.table import columns, columns_of, entries, table_text
from soleus.sim.trace import Trace

Floats = NDArray[np.float64]

ENDINGS = (*STORAGE_ENDINGS, ".bvh", ".csv", ".npz")
"""Kinds of files, by ending."""
_ALL_IN_ONE = ".npz"
_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Rows: OpenSim's axes x forward, y up and z to the right, in a world of x forward, y to the left and z up."""


def check_file(path: Path, human: Human) -> None:
    """Raise UserError for a file that no episode of a model can be written to, before there is one."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UserError(f"--out: expected a file ending in {', '.join(ENDINGS)}, got {path}")
    if not path.parent.is_dir():
        raise UserError(f"--out: expected a file in an existing folder, got the folder {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UserError(f"--out: expected a folder that can be written to, got {path.parent} (it does not allow that)")
    if path.is_dir():
        raise UserError(f"--out: expected a file, got the folder {path}")
    try:
        if ending in STORAGE_ENDINGS:
            coordinates_of(human, human.qpos_rest[None])
        if ending == ".csv":
            columns_of(path, human, human.qpos_rest[None])
    except UserError as error:
        others = [one for one in (".bvh", ".csv", ".npz") if one != ending]
        raise UserError(f"--out: {error}; {', '.join(others)} hold what {ending} does not") from None


def numbered(path: Path, episode: int, episodes: int) -> Path:
    """Return the file of an episode, from 0: the one that was asked for where there is a single one, else FILE-1 and so
    on.
    """
    return path if episodes == 1 else path.with_name(f"{path.stem}-{episode + 1}{path.suffix}")


def write_episode(path: Path, trace: Trace) -> list[Path]:
    """Write a trace to a file of its ending, and what that has no place for to others beside it; return all of them.

    Angles are in degrees in OpenSim's files and in BVH, else in radians; lengths in metres, in BVH in centimetres.
    Raises UserError where the disk refuses.
    """
    ending = path.suffix.lower()
    if ending == _ALL_IN_ONE:
        contents = {path: _npz(trace)}
    elif ending in STORAGE_ENDINGS:
        tables = {"Coordinates": coordinates_of(trace.human, trace.qpos), **_beside(trace, _Y_UP)}
        contents = {
            _named(path, name, path.suffix): storage_text(
                name, trace.times, table, trace.human.name if name == "Coordinates" else None
            ).encode()
            for name, table in tables.items()
        }
    else:
        poses = {".bvh": _bvh, ".csv": _csv}[ending](path, trace)
        contents = {path: poses} | {
            _named(path, name, ".csv"): table_text({TIME: trace.times, **table}).encode()
            for name, table in _beside(trace, np.eye(3)).items()
        }
    for file, content in contents.items():
        write_bytes(file, content)
    return list(contents)


def _named(path: Path, name: str, ending: str) -> Path:
    """The file of a table: that of the poses has the name that was asked for."""
    return path if name == "Coordinates" else path.with_name(f"{path.stem}-{name}{ending}")


def _bvh(path: Path, trace: Trace) -> bytes:
    return bvh_text(trace.human, trace.qpos, trace.dt).encode()


def _csv(path: Path, trace: Trace) -> bytes:
    return table_text({TIME: trace.times, **columns_of(path, trace.human, trace.qpos)}).encode()


def _beside(trace: Trace, axes: Floats) -> dict[str, dict[str, Floats]]:
    """Tables of columns (K,) by name: activations, forces of muscles [N], torques of devices [N m], ground reactions.

    axes (3, 3): rows are the file's, in the world.
    """
    tables = {}
    if trace.activation.any():  # with torques for muscles there is nothing to say of them
        names = trace.human.muscle_names
        tables["activations"] = dict(zip(names, trace.activation.T, strict=True))
        tables["muscle-forces"] = dict(zip(names, trace.tension.T, strict=True))
    if trace.devices:
        tables["device-torques"] = dict(zip(_joints(trace), trace.device_torque.T, strict=True))
    if trace.ground_force.any():  # nor of the ground, where nobody says how it presses
        tables["ground-forces"] = _ground(trace, axes)
    return tables


def _ground(trace: Trace, axes: Floats) -> dict[str, Floats]:
    """Force [N], centre of pressure [m] and moment about it [N m] of the right and of the left foot, by the names that
    OpenSim's tools know; a centre is 0 where the ground does not press.
    """
    parts: dict[str, Floats] = {
        "ground_force_{}_v": trace.ground_force,
        "ground_force_{}_p": np.nan_to_num(trace.pressure),
        "ground_torque_{}_": trace.ground_moment,
    }
    return {
        f"{name.format(which)}{axis}": values[:, side] @ row
        for side, which in enumerate("rl")
        for name, values in parts.items()
        for axis, row in zip("xyz", axes, strict=True)
    }


def _joints(trace: Trace) -> list[str]:
    return [device.joint for device in trace.devices]


def _npz(trace: Trace) -> bytes:
    """Arrays in the world's axes, with the names of their columns."""
    human, buffer = trace.human, io.BytesIO()
    own = dict(zip(entries(human), columns(human), strict=True))
    arrays: dict[str, Any] = {
        "time": trace.times,
        "qpos": trace.qpos,
        "qvel": trace.qvel,
        "activation": trace.activation,
        "muscle_force": trace.tension,
        "ground_force": trace.ground_force,
        "pressure": trace.pressure,
        "ground_moment": trace.ground_moment,
        "metabolic_w_kg": trace.metabolic,
        "device_torque": trace.device_torque,
        "qpos_names": np.array([own.get(adr, "") for adr in range(human.model.nq)], dtype=np.str_),
        "muscle_names": np.array(human.muscle_names, dtype=np.str_),
        "device_names": np.array(_joints(trace), dtype=np.str_),
        "feet": np.array(("right", "left")),
    }
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
