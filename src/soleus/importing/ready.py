"""Configurations that name a model of OpenSim's: it is imported as a run begins, once for all runs with it."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from soleus.config import HumanRunConfig
from soleus.config.sources import OSIM_ENDING, STORAGE_ENDINGS, ClipsMotion, ModelFiles, TableMotion
from soleus.errors import UserError
from soleus.machine.files import cache_folder


def imported(config: HumanRunConfig) -> HumanRunConfig:
    """Return a configuration with the MJCF file and the muscles that its model of OpenSim's became.

    They are in the user's cache folder, which has a folder for each model with its motions and locked coordinates. A
    configuration of another model is returned as it is. Raises UserError for a model that cannot be imported.
    """
    files = config.model
    if isinstance(files, str) and Path(files).suffix.lower() == OSIM_ENDING:
        files = ModelFiles(osim=files)
    if not isinstance(files, ModelFiles) or files.osim is None:
        return config
    from soleus.importing.opensim.files import MODEL, MUSCLES

    folder = _kept(Path(files.osim), _storages(config.motion), files.lock)
    muscles = folder / MUSCLES
    model = files.model_copy(
        update={
            "osim": None,
            "mjcf": str(folder / MODEL),
            "muscles": str(muscles) if muscles.is_file() else None,
            "lock": (),
        }
    )
    return config.model_copy(update={"model": model})


def _storages(motion: Any) -> list[Path]:
    """Return the files of OpenSim's coordinates that a motion is of, sorted: muscles are fitted denser near them."""
    clips = [clip.file for clip in motion.clips] if isinstance(motion, ClipsMotion) else [motion]
    names = [one.table if isinstance(one, TableMotion) else str(one) for one in clips]
    return sorted({Path(name) for name in names if Path(name).suffix.lower() in STORAGE_ENDINGS})


def _kept(model: Path, motions: Sequence[Path], lock: Sequence[str]) -> Path:
    """Return the folder that a model is imported to, now or before."""
    from soleus.importing.opensim.files import import_opensim
    from soleus.importing.opensim.library import library

    library()
    for what, file in (("model", model), *(("motion", one) for one in motions)):
        if not file.is_file():
            raise UserError(f"{what} file '{file}' does not exist")
    try:
        folder = cache_folder("opensim") / _signature(model, motions, lock)
    except OSError as error:
        raise UserError(f"{error.filename}: expected a file that can be read, but {error.strerror}") from None
    if folder.is_dir():
        return folder
    print(f"importing {model} by OpenSim, which takes a minute or two; it is kept in {folder}", flush=True)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside where it goes, so that all of it comes there or none.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".import-") as made:
            for note in import_opensim(model, motion=motions, out=Path(made) / "model", lock=lock).notes:
                print(f"note: {note}", flush=True)
            try:
                os.rename(Path(made) / "model", folder)
            except OSError:  # another run was quicker
                if not folder.is_dir():
                    raise
    except OSError as error:
        raise UserError(f"{folder}: expected a folder to write to, but {error.strerror}") from None
    return folder


def _signature(model: Path, motions: Sequence[Path], lock: Sequence[str]) -> str:
    """Return a name for all that an import depends on: files, keys, the code that imports, and OpenSim itself."""
    here = Path(__file__).parents[1]
    code = sorted([*(here / "importing").rglob("*.py"), *(here / "paths").rglob("*.py")])
    digest = hashlib.sha256(repr((sorted(lock), metadata.version("opensim"))).encode())
    for file in (model, *motions, *code):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]
