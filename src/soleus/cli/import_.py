"""`soleus import`: models of other programs."""

from pathlib import Path
from typing import Annotated, Literal

import tyro


def import_(
    format: tyro.conf.Positional[Literal["mass"]],
    skeleton: tyro.conf.Positional[Path],
    muscles: Annotated[
        Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="MUSCLES", help_behavior_hint="")
    ] = None,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")],
    bvh: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None,
    damping: Annotated[float, tyro.conf.arg(metavar="N_M_S")] = 0.0,
) -> None:
    """Write a model of another program as files of our own, which load without the originals.

    Args:
        format: Of the model: mass, a skeleton and its muscles in XML.
        skeleton: File of the bodies and joints.
        muscles: File of the muscles, if any.
        out: Folder to write to: MJCF, a table of the muscles, a table of the motion, and train.yaml.
        bvh: File of a motion of the skeleton's, one lap of it.
        damping: Of every joint but the root's; the format has none.
    """
    from soleus.importing import import_mass

    files = import_mass(skeleton, muscles, bvh=bvh, out=out, damping=damping)
    for file in files:
        print(file)
    print(f"Train on it: soleus train {files[-1]}")
