"""From the YAML file of an environment to a folder that loads and trains without the originals."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from soleus import motions
from soleus.config.sources import BvhMotion
from soleus.errors import UserError
from soleus.importing.folder import check_free, write_files
from soleus.importing.gaitnet.body import numerics, read_muscles, read_skeleton
from soleus.importing.gaitnet.environment import Environment, read_environment
from soleus.importing.gaitnet.motions import read_h5, read_npz
from soleus.importing.gaitnet.start import configuration
from soleus.models import mass
from soleus.models.human import Human
from soleus.models.mass.mjcf import mesh_files
from soleus.models.mass.skeleton import Skeleton
from soleus.models.muscle_table import write_table
from soleus.models.registry import of_text
from soleus.motions import Motion
from soleus.motions.table import write_table as write_motion

_DATA = "@data/"
_MESHES, _START = "meshes", "train.yaml"
_MUSCLED = ("muscle", "mass", "mass_lower")


@dataclass(frozen=True)
class Imported:
    """What an import wrote, and what there is to say of it."""

    files: tuple[Path, ...]
    """train.yaml is the last."""
    notes: tuple[str, ...]
    """Sentences on what is not followed, and on the motion."""


def import_gaitnet(environment: str | Path, *, data: str | Path | None = None, out: str | Path) -> Imported:
    """Write an environment of the successor of MASS to the folder `out`; return the files.

    They are MJCF of the skeleton with the meshes that are found, a CSV table of the muscles, one lap of the motion as a
    CSV table, and train.yaml, which trains on them. data: the folder that @data stands for in the file, by default that
    of the file; what lies in it under the path, or the bare name, that the file gives is read. Motions in HDF5 need the
    package h5py. Raises UserError for a file that does not fit, or one that would be written over; then nothing is
    written.
    """
    path, folder = Path(environment), Path(out)
    keys, left = read_environment(path)
    find = partial(_find, path, Path(data) if data is not None else path.parent)
    skeleton = read_skeleton(find("skeleton.file", keys.skeleton.file))
    muscled = keys.skeleton.actuator in _MUSCLED
    if muscled and keys.muscle is None:
        raise UserError(f"{path}: environment.muscle.file: expected muscles for actuator {keys.skeleton.actuator}")
    table = read_muscles(find("muscle.file", keys.muscle.file), skeleton) if muscled and keys.muscle else None
    recorded = find("motion.file", keys.motion.file)
    names = {"mjcf": f"{skeleton.path.stem}.xml"} | ({"muscles": f"{table.path.stem}.csv"} if table else {})
    meshes = {f"{_MESHES}/{mesh.name}": mesh for mesh in mesh_files(skeleton).values()}
    moved = f"{recorded.stem}.csv"
    check_free(folder, [*names.values(), moved, *meshes, _START], "muscles and motions")
    extra = numerics(skeleton, keys.skeleton.actuator == "mass_lower")
    text = mass.skeleton_mjcf(skeleton, mesh_folder=_MESHES, numerics=extra)
    writers: dict[str, Callable[[Path], object]] = {
        name: partial(shutil.copyfile, source) for name, source in meshes.items()
    }
    writers[names["mjcf"]] = partial(_write_text, text)
    if table:
        writers[names["muscles"]] = partial(write_table, table=table)
    human = of_text(str(skeleton.path), mass.skeleton_mjcf(skeleton, numerics=extra), table)
    motion = _motion(keys.motion.type, recorded, skeleton, human)
    writers[moved] = partial(write_motion, motion=motion, human=human)
    writers[_START] = partial(_write_text, _start(keys, path.stem, names, moved))
    notes = [f"not followed: {', '.join(left)}"] if left else []
    return Imported(tuple(write_files(folder, writers)), (*notes, *motion.notes))


def _motion(kind: str, path: Path, skeleton: Skeleton, human: Human) -> Motion:
    if kind == "bvh":
        return motions.load(BvhMotion(bvh=str(path)), human)
    return (read_h5 if kind == "h5" else read_npz)(path, skeleton, human)


def _find(path: Path, data: Path, key: str, name: str) -> Path:
    """Return a file that a key names. Raises UserError where there is none."""
    if name.startswith(_DATA):
        inner = name.removeprefix(_DATA)
        tried = [data / inner, data / Path(inner).name]
    else:
        tried = [path.parent / name]
    found = next((one for one in tried if one.is_file()), None)
    if found is None:
        where = f"; --data says what {_DATA.rstrip('/')} stands for" if name.startswith(_DATA) else ""
        raise UserError(
            f"{path}: environment.{key}: expected a file, got '{name}', but there is no"
            f" {' and no '.join(map(str, tried))}{where}"
        )
    return found


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def _start(keys: Environment, name: str, model: dict[str, str], motion: str) -> str:
    """Text of train.yaml."""
    body = yaml.safe_dump(configuration(keys, model, motion), sort_keys=False, allow_unicode=True)
    return f"# {' '.join(name.split())} learns to walk: soleus train {_START}\n{body}"
