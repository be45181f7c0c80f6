"""Files of a model that was imported: all of them come to a folder, or none, and none is written over."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from soleus.errors import UserError


def check_free(folder: Path, names: Sequence[str], kinds: str) -> None:
    """Raise UserError where a name stands twice among these, which are of such kinds, or a file is there already."""
    twice = next((one for one in names if list(names).count(one) > 1), None)
    if twice:
        raise UserError(f"{folder / twice}: expected {kinds} under names that differ")
    there = next((folder / one for one in names if os.path.lexists(folder / one)), None)
    if there:
        raise UserError(f"{there} is there already: remove it, or give another folder by --out")


def write_files(folder: Path, writers: Mapping[str, Callable[[Path], object]]) -> list[Path]:
    """Let each writer write the file of its name below the folder; return the files.

    Raises UserError for a folder that cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside where they go, so that all of them come there or none.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".import-") as temporary:
            made = Path(temporary)
            for name, write in writers.items():
                (made / name).parent.mkdir(exist_ok=True)
                write(made / name)
            for name in writers:
                (folder / name).parent.mkdir(exist_ok=True)
                os.replace(made / name, folder / name)
    except OSError as error:
        raise UserError(f"{folder}: expected a folder to write to, but {error.strerror}") from None
    return [folder / name for name in writers]
