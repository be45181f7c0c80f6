"""Models of other programs as files of our own, which load without the originals."""

import shutil
from pathlib import Path

from soleus import motions
from soleus.errors import UserError
from soleus.models import load, mass
from soleus.models.mass.mjcf import mesh_files
from soleus.models.muscle_table import write_table
from soleus.motions.table import write_table as write_motion
from soleus.sources import BvhMotion, MassFiles, ModelFiles

_MESHES = "meshes"
_START = """# {title}: soleus train train.yaml
model: {model}
{motion}task: {task}
control: {{mode: {mode}, sim_hz: 600, policy_hz: 30, action_scale: 0.1}}
coordination: {{interval: 2}}
"""


def import_mass(
    skeleton: str | Path,
    muscles: str | Path | None = None,
    *,
    bvh: str | Path | None = None,
    out: str | Path,
    damping: float = 0.0,
) -> list[Path]:
    """Write a model in the format of MASS to the folder `out`; return the files.

    They are MJCF of the skeleton with the meshes that it names, where those are found; a CSV table of the muscles; one
    lap of the motion as a CSV table; and train.yaml, which trains on them. damping [N m s/rad] of every joint.
    Raises UserError for a file that does not fit, or one that would be written over; then nothing is written.
    """
    folder = Path(out)
    files = ModelFiles(
        mass=MassFiles(skeleton=str(skeleton), muscles=str(muscles) if muscles else None, damping=damping)
    )
    read = mass.read_skeleton(Path(skeleton))
    table = mass.read_muscles(Path(muscles), read) if muscles else None
    human = load(files)
    motion = motions.load(BvhMotion(bvh=str(bvh)), human) if bvh else None
    meshes = mesh_files(read)
    model = folder / f"{Path(skeleton).stem}.xml"
    muscle_file = folder / f"{Path(muscles).stem}.csv" if muscles else None
    motion_file = folder / f"{Path(bvh).stem}.csv" if bvh else None
    start = folder / "train.yaml"
    mesh_targets = {folder / _MESHES / path.name: path for path in meshes.values()}
    targets = [file for file in (model, muscle_file, motion_file, *mesh_targets, start) if file]
    _check(targets)
    try:
        for target, source in mesh_targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        folder.mkdir(parents=True, exist_ok=True)
        model.write_text(mass.skeleton_mjcf(read, damping, _MESHES))
        if muscle_file and table:
            write_table(muscle_file, table)
        if motion_file and motion:
            write_motion(motion_file, motion, human)
        start.write_text(_start(human.name, model, muscle_file, motion_file))
    except OSError as error:
        raise UserError(f"{folder}: expected a folder to write to, but {error.strerror}") from None
    return targets


def _check(targets: list[Path]) -> None:
    twice = next((one for one in targets if targets.count(one) > 1), None)
    if twice:
        raise UserError(f"{twice}: expected muscles and motion under names that differ")
    there = next((one for one in targets if one.exists()), None)
    if there:
        raise UserError(f"{there} is there already: remove it, or give another folder by --out")


def _start(name: str, model: Path, muscles: Path | None, motion: Path | None) -> str:
    parts = f"{{mjcf: {model.name}, muscles: {muscles.name}}}" if muscles else f"{{mjcf: {model.name}}}"
    return _START.format(
        title=f"{name} imitates {motion.stem}" if motion else f"{name} learns to walk",
        model=parts,
        motion=f"motion: {motion.name}\n" if motion else "",
        task="imitate" if motion else "walk",
        mode="muscle" if muscles else "torque",
    )
