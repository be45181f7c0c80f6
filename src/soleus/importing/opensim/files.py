"""From a .osim file and its motions to a folder that loads without OpenSim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from soleus.config.sources import Axis
from soleus.importing.folder import check_free, write_files
from soleus.importing.opensim.actuators import left_out, torques
from soleus.importing.opensim.contacts import spheres
from soleus.importing.opensim.joints import Mover
from soleus.importing.opensim.library import library, read_model
from soleus.importing.opensim.library import lock as lock_coordinates
from soleus.importing.opensim.mjcf import mjcf
from soleus.importing.opensim.motions import ImportedMotion, MarkerKeys, check_files, name_of, read_motion
from soleus.importing.opensim.muscles import ImportedMuscles, read_muscles
from soleus.importing.opensim.skeleton import Skeleton, read_skeleton
from soleus.models.hill_table import to_bytes

Floats = NDArray[np.float64]

MODEL, MUSCLES, START = "model.xml", "muscles.npz", "train.yaml"
_BASE = "walk-opensim"
_MISSED = 1e-6  # [m], [rad]


@dataclass(frozen=True)
class Imported:
    """What an import wrote, and what there is to say of it."""

    files: tuple[Path, ...]
    """train.yaml is the last."""
    notes: tuple[str, ...]
    """Sentences on what was left out, placed or fitted, and how well."""


def import_opensim(
    model: str | Path,
    *,
    motion: Sequence[str | Path] = (),
    out: str | Path,
    muscles: bool = True,
    lock: Sequence[str] = (),
    tasks: str | Path | None = None,
    up: Axis | None = None,
    start: float | None = None,
    end: float | None = None,
) -> Imported:
    """Write an OpenSim model (.osim) to the folder `out`: MJCF, muscles, motions, and train.yaml, which trains on them.

    motion: .mot or .sto files of the model's coordinates, or .trc or .c3d files of its markers, of which OpenSim's
    inverse kinematics makes coordinates; several are clips of one policy. muscles: false leaves them out, for a
    skeleton that torques drive. lock: coordinates, or patterns of their names, that stay at their default values beside
    those that the file locks. Of markers: tasks is a file of OpenSim's with their weights, by default all the same; up
    the axis that points up, by default found; start and end [s] the part that is used. Needs the package opensim.
    Raises UserError for a file that does not fit, or one that would be written over; then nothing is written.
    """
    path, folder, files = Path(model), Path(out), [Path(one) for one in motion]
    keys = MarkerKeys(Path(tasks) if tasks else None, up, start, end)
    check_files(files, keys)
    targets = [MODEL, MUSCLES, *(name_of(one) for one in files), START]
    check_free(folder, targets, "model and motions")
    opensim, read = library(), read_model(path)
    lock_coordinates(read, lock)
    skeleton = read_skeleton(opensim, read, path)
    motions = [read_motion(opensim, read, path, skeleton.coordinates, one, keys) for one in files]
    feet, said = spheres(opensim, read, skeleton, path)
    driven = torques(opensim, read, skeleton)
    text = mjcf(skeleton, feet, driven, f"from {path.name} by soleus import opensim")
    writers: dict[str, Callable[[Path], object]] = {MODEL: partial(_write_text, text)}
    fitted = _muscles(opensim, read, skeleton, motions) if muscles else None
    has_muscles = fitted is not None and bool(fitted.table.names)
    if fitted and has_muscles:
        content = to_bytes(fitted.table)
        writers[MUSCLES] = lambda file: file.write_bytes(content)
    writers |= {one.name: one.write for one in motions}
    writers[START] = partial(_write_text, _start(path.stem, [one.name for one in motions], has_muscles))
    notes = [*skeleton.left_out, *left_out(opensim, read), said, *_polynomials(skeleton), *_driven(driven)]
    notes += [note for one in motions for note in one.notes]
    notes += fitted.lines() if fitted else []
    return Imported(tuple(write_files(folder, writers)), tuple(notes))


def _muscles(opensim: Any, model: Any, skeleton: Skeleton, motions: Sequence[ImportedMotion]) -> ImportedMuscles:
    """Fit the muscles over coordinates that are joints and not the root's, and denser where motions go."""
    free = {name for body in skeleton.bodies for name in body.free}
    coordinates = [name for name in skeleton.coordinates.independent if name not in free]
    moved = {
        name: np.concatenate([one.values[name] for one in motions if name in one.values])
        for name in coordinates
        if any(name in one.values for one in motions)
    }
    return read_muscles(opensim, model, coordinates, moved, Path(MUSCLES))


def _driven(torques: Mapping[str, float]) -> list[str]:
    names = ", ".join(f"{name} (up to {most:g})" if most else name for name, most in torques.items())
    if not torques:
        return []
    return [f"coordinates with an actuator are driven by torque where no muscle crosses them: {names}"]


def _polynomials(skeleton: Skeleton) -> list[str]:
    """How far MuJoCo's polynomials are from the splines that joints follow."""
    apart = {"slide": 0.0, "hinge": 0.0}
    splined: list[Mover] = [m for body in skeleton.bodies for m in body.movers if m.curve.pieces is not None]
    for mover in splined:
        apart[mover.kind] = max(apart[mover.kind], mover.curve.gap)
    if not splined:
        return []
    missed = [f"'{m.name}' by {m.curve.missed:.1g}" for m in splined if m.curve.missed > _MISSED]
    rough = [f"splines were put through functions of another kind, and miss them: {', '.join(missed)} [m, rad]"]
    return (rough if missed else []) + [
        f"{len(splined)} joints follow splines exactly in the lanes; MuJoCo's engine and pictures have polynomials, up"
        f" to {1000 * apart['slide']:.2f} mm and {np.rad2deg(apart['hinge']):.2f} degrees from them"
    ]


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def _start(name: str, motions: list[str], muscles: bool) -> str:
    """Text of train.yaml."""
    content: dict[str, Any] = {"base": _BASE, "model": {"mjcf": MODEL} | ({"muscles": MUSCLES} if muscles else {})}
    content["motion"] = {"clips": motions} if len(motions) > 1 else motions[0] if motions else None
    content["task"] = "imitate" if motions else "walk"
    if not muscles:
        content["control"] = {"mode": "torque"}
    imitated = " and ".join(Path(one).stem for one in motions)
    title = f"{name} imitates {imitated}" if motions else f"{name} learns to walk"
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return f"# {' '.join(title.split())}: soleus train {START}\n{body}"
