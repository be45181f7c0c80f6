"""Motions by name, or from a user's gait table."""

import difflib
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from soleus.errors import UserError
from soleus.models.human import Human
from soleus.motions.bvh import read_bvh
from soleus.motions.cycle import GaitCycle, read_cycle, steady_trunk
from soleus.motions.footing import fit_footing
from soleus.motions.motion import Motion, make_motion
from soleus.motions.placing import place
from soleus.motions.posing import Poser
from soleus.motions.table import read_table
from soleus.sources import BvhMotion

_NAMES = ("walk",)
_FRAMES = 128


def names() -> tuple[str, ...]:
    """The built-in motions."""
    return _NAMES


def load(source: str | Path | BvhMotion, human: Human) -> Motion:
    """A motion for a human: a built-in one, a file's, or a clip's.

    A .yaml file is a gait cycle like the built-in walk.yaml, which is put on the human's feet; a .csv file holds its
    poses, as write_table writes them; a .bvh file is a clip like BvhMotion's. Raises UserError: unknown name, a bad
    file, or joints that do not fit.
    """
    if isinstance(source, BvhMotion):
        return _clip(source, human)
    name = str(source)
    if name.lower().endswith(".bvh"):
        return _clip(BvhMotion(bvh=name), human)
    if name in _NAMES:
        return _place(built_in_cycle(name), human)
    if name.endswith(".csv"):
        return read_table(Path(name), human)
    if not name.endswith((".yaml", ".yml")):
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.0)[0]
        raise UserError(
            f"unknown motion '{name}': expected one of {', '.join(names())}, .yaml, .csv or .bvh; nearest is '{near}'"
        )
    return _place(read_cycle(Path(name)), human)


def _clip(source: BvhMotion, human: Human) -> Motion:
    channels = {**human.channels, **source.names}
    if not channels:
        raise UserError(
            f"motion.names: expected the joint of '{source.bvh}' that each body follows, got none: '{human.name}' names"
            " none either"
        )
    clip = read_bvh(Path(source.bvh))
    return place(str(source), clip, human, channels, human.channel_axes, scale=source.scale, hz=source.hz)


def built_in_cycle(name: str) -> GaitCycle:
    """Return the tables of a built-in motion, as people were measured: no model's."""
    with as_file(files("soleus.motions").joinpath(f"{name}.yaml")) as path:
        return read_cycle(path)


def _place(measured: GaitCycle, human: Human) -> Motion:
    cycle = steady_trunk(measured)
    poser = Poser(human, cycle)
    footing = fit_footing(poser)
    qpos = footing.qpos(poser, np.arange(_FRAMES) / _FRAMES)
    displacement = np.array([footing.speed * footing.duration, 0.0, 0.0])
    return make_motion(cycle.name, footing.duration, qpos, displacement, human)
