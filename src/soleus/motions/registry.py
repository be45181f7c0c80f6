"""Motions by name, or from a user's gait table."""

import difflib
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.cycle import read_cycle, steady_trunk
from soleus.motions.footing import fit_footing
from soleus.motions.motion import Motion, make_motion
from soleus.motions.posing import Poser

_NAMES = ("walk",)
_FRAMES = 128


def names() -> tuple[str, ...]:
    """The built-in motions."""
    return _NAMES


def load(name_or_path: str | Path, human: Human) -> Motion:
    """A built-in motion, or a gait cycle from a .yaml file like the built-in walk.yaml, put on a human's feet.

    Raises UserError: unknown name, a bad file, or a joint of the motion that the human lacks.
    """
    name = str(name_or_path)
    if name in _NAMES:
        with as_file(files("soleus.motions").joinpath(f"{name}.yaml")) as path:
            return _place(path, human)
    if not name.endswith((".yaml", ".yml")):
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.0)[0]
        raise UserError(
            f"unknown motion '{name}': expected one of {', '.join(names())} or a .yaml file; nearest is '{near}'"
        )
    return _place(Path(name), human)


def _place(path: Path, human: Human) -> Motion:
    cycle = steady_trunk(read_cycle(path))
    poser = Poser(human, cycle)
    footing = fit_footing(poser)
    qpos = footing.qpos(poser, np.arange(_FRAMES) / _FRAMES)
    displacement = np.array([footing.speed * footing.duration, 0.0, 0.0])
    return make_motion(cycle.name, footing.duration, qpos, displacement, human)
