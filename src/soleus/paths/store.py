"""Fitted paths in files: in the user's cache folder, so that a model is fitted once, and in runs."""

import hashlib
import io
import json
import sys
import zipfile
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from soleus.errors import UserError
from soleus.machine.files import cache_folder, write_bytes
from soleus.models import Human
from soleus.motions import Clips, Motion
from soleus.paths import polynomials
from soleus.paths.fit import DEFAULT_BOUNDS, Bounds, FittedPaths, Floats, Measure, MuscleFit, fit_paths

_FORMAT = 1  # of the files, and of what fits come to
_CHECKED = 64  # poses that a file's paths are compared with the model's at
_LEEWAY = 3.0  # times the worst error that a file names: poses in between may be a little worse
_ARRAYS = tuple(one.name for one in fields(FittedPaths) if one.name != "muscles")


def fitted_paths(
    human: Human, measure: Measure, motion: Motion | Clips | None, bounds: Bounds = DEFAULT_BOUNDS
) -> FittedPaths:
    """Return the fitted paths of a model: from the user's cache folder, or fitted now and kept there.

    measure: as of fit_paths(). A cache that cannot be read is fitted again, one that cannot be written is done without.
    """
    file = cache_folder("paths") / f"{_signature(human, motion, bounds)}.npz"
    with suppress(UserError):
        if file.is_file():
            return read_paths(file, human, measure)
    paths = fit_paths(human, measure, motion, bounds)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, to_bytes(paths))
    except (OSError, UserError) as error:
        print(f"warning: the fitted paths could not be kept for the next time ({error})", file=sys.stderr)
    return paths


def to_bytes(paths: FittedPaths) -> bytes:
    """Return the content of a file with fitted paths."""
    buffer = io.BytesIO()
    said = json.dumps({"format": _FORMAT, "muscles": [asdict(one) for one in paths.muscles]})
    np.savez_compressed(buffer, fits=np.array(said), **{name: getattr(paths, name) for name in _ARRAYS})
    return buffer.getvalue()


def read_paths(file: Path, human: Human, measure: Measure) -> FittedPaths:
    """Return the fitted paths of a file; raises UserError for another file, or one that was fitted to another model."""
    try:
        if not zipfile.is_zipfile(file):
            raise ValueError("no archive of arrays")
        with np.load(file, allow_pickle=False) as data:
            said = json.loads(str(data["fits"]))
            if said["format"] != _FORMAT:
                raise ValueError("another format")
            muscles = tuple(MuscleFit(**one | {"coordinates": tuple(one["coordinates"])}) for one in said["muscles"])
            paths = FittedPaths(**{name: data[name] for name in _ARRAYS}, muscles=muscles)
        _check(paths, human, measure)
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{file}: expected muscle paths that `soleus paths` fitted to this model, got another file ({error})"
        ) from None
    return paths


def _check(paths: FittedPaths, human: Human, measure: Measure) -> None:
    """Raise ValueError where paths do not belong to a model."""
    if tuple(one.name for one in paths.muscles) != tuple(human.muscle_names):
        raise ValueError("its muscles have other names")
    drawn = np.random.default_rng(0)
    for group in range(len(paths.coordinate_adr) - 1):
        own = slice(*paths.coordinate_adr[group : group + 2])
        coordinates, centre, half = paths.coordinate[own], paths.centre[own], paths.half[own]
        at = np.zeros((_CHECKED, len(human.coordinate_dof)))
        x = drawn.uniform(-1, 1, (_CHECKED, len(coordinates)))
        at[:, coordinates] = centre + half * x
        lengths, _ = measure(at)
        for i in range(*paths.muscle_adr[group : group + 2]):
            muscle = int(paths.muscle[i])
            fit, off = paths.muscles[muscle], np.abs(evaluate(paths, i, x) - lengths[:, muscle]).max()
            if not off <= _LEEWAY * fit.worst:
                raise ValueError(f"'{fit.name}' is {off * 1e3:.3g} mm off, where {fit.worst * 1e3:.3g} mm is its worst")


def evaluate(paths: FittedPaths, fitted: int, x: Floats) -> Floats:
    """Return lengths (n,) [m] of a fitted muscle, counted among the fitted ones, at points of its box from -1 to 1."""
    coefficients = paths.coefficient[slice(*paths.coefficient_adr[fitted : fitted + 2])]
    variables, degree = x.shape[1], 0
    while polynomials.count(variables, degree) < len(coefficients):
        degree += 1
    powers = polynomials.exponents(variables, degree)
    out: Floats = np.prod(x[:, None, :] ** powers, axis=2) @ coefficients
    return out


def _signature(human: Human, motion: Motion | Clips | None, bounds: Bounds) -> str:
    """Return a name for all that fits depend on."""
    model = human.model.__copy__()
    model.opt.timestep = 0.001  # paths do not depend on it
    content = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, content)
    digest = hashlib.sha256(content.tobytes())
    parts: list[Any] = [human.lower, human.upper, human.crossing, human.actuated, human.coordinate_dof]
    for part in (*parts, motion.qpos if motion else np.zeros(0)):
        digest.update(np.ascontiguousarray(part).tobytes())
    digest.update(repr((_FORMAT, bounds, mujoco.__version__)).encode())
    return digest.hexdigest()[:32]
