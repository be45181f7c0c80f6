"""Models of other programs as files of our own, which load without the originals."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from soleus import motions
from soleus.config.sources import BvhMotion, MassFiles, ModelFiles
from soleus.errors import UserError
from soleus.importing.folder import check_free, write_files
from soleus.models import load, mass
from soleus.models.mass.mjcf import mesh_files
from soleus.models.muscle_table import write_table
from soleus.motions.table import write_table as write_motion

_MESHES = "meshes"
_START = "train.yaml"


def import_mass(
    skeleton: str | Path,
    muscles: str | Path | None = None,
    *,
    bvh: str | Path | Sequence[str | Path] | None = None,
    out: str | Path,
    damping: float = 0.0,
    scale: float = 0.01,
    hz: float = 60.0,
    names: Mapping[str, str] | None = None,
    clip: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write a model in the format of MASS to the folder `out`; return the files.

    They are MJCF of the skeleton with the meshes that it names, where those are found; a CSV table of the muscles; one
    lap of each motion as a CSV table; and train.yaml, which trains on them, on several motions in one policy. bvh: one
    file or several. damping [N m s/rad] of every joint; scale, hz and names as in BvhMotion, clip: more of its keys,
    which all of the motions have. Raises UserError for a file that does not fit, or one
    that would be written over; then nothing is written.
    """
    keys = {"scale": scale, "hz": hz, "names": dict(names or {}), **(clip or {})}
    recorded = [Path(one) for one in ((bvh,) if isinstance(bvh, str | Path) else bvh or ())]
    files, taken = _sources(skeleton, muscles, recorded, damping, keys)
    read = mass.read_skeleton(Path(skeleton))
    table = mass.read_muscles(Path(muscles), read) if muscles else None
    human = load(files)
    moved = {f"{path.stem}.csv": motions.load(one, human) for path, one in zip(recorded, taken, strict=True)}
    meshes = {f"{_MESHES}/{path.name}": path for path in mesh_files(read).values()}
    named = {
        "model": f"{Path(skeleton).stem}.xml",
        "muscles": f"{Path(muscles).stem}.csv" if muscles else None,
    }
    laps = [f"{path.stem}.csv" for path in recorded]
    targets = [name for name in (*named.values(), *laps, *meshes, _START) if name]
    folder = Path(out)
    check_free(folder, targets, "muscles and motions")
    writers: dict[str, Callable[[Path], object]] = {
        name: partial(shutil.copyfile, source) for name, source in meshes.items()
    }
    text = mass.skeleton_mjcf(read, damping, _MESHES)
    writers[str(named["model"])] = partial(_write_text, text)
    if table:
        writers[str(named["muscles"])] = partial(write_table, table=table)
    writers |= {name: partial(write_motion, motion=one, human=human) for name, one in moved.items()}
    writers[_START] = partial(_write_text, _start(human.name, named, laps))
    write_files(folder, writers)
    return [folder / target for target in targets]


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def _sources(
    skeleton: str | Path, muscles: str | Path | None, bvh: Sequence[Path], damping: float, keys: Mapping[str, Any]
) -> tuple[ModelFiles, list[BvhMotion]]:
    try:
        files = ModelFiles(
            mass=MassFiles(skeleton=str(skeleton), muscles=str(muscles) if muscles else None, damping=damping)
        )
        return files, [BvhMotion(**{"bvh": str(one), **keys}) for one in bvh]
    except ValidationError as error:
        first = error.errors()[0]
        said = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        raise UserError(f"{first['loc'][-1]}: expected {said}, got {first['input']}") from None


def _start(name: str, named: Mapping[str, str | None], laps: Sequence[str]) -> str:
    """Text of train.yaml."""
    model = {"mjcf": named["model"]} | ({"muscles": named["muscles"]} if named["muscles"] else {})
    content: dict[str, Any] = {"model": model}
    if laps:
        content["motion"] = laps[0] if len(laps) == 1 else {"clips": list(laps)}
    content["task"] = "imitate" if laps else "walk"
    if len(laps) > 1:  # the policy sees where its motion leads, which tells them apart
        content["task"] = {"base": "imitate", "observation": {"targets": {}}}
    mode = "muscle" if named["muscles"] else "torque"
    content["control"] = {"mode": mode, "sim_hz": 600, "policy_hz": 30, "action_scale": 0.1}
    if named["muscles"]:
        content["coordination"] = {"method": "network", "interval": 2}
    title = f"{name} imitates {', '.join(Path(lap).stem for lap in laps)}" if laps else f"{name} learns to walk"
    comment = " ".join(title.split())
    return f"# {comment}: soleus train {_START}\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}"
