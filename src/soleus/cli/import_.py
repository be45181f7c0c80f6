"""`soleus import`: models of other programs."""

import re
from pathlib import Path
from typing import Annotated, Literal

import tyro

from soleus.config.sources import Axis
from soleus.errors import UserError


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
    scale: Annotated[float, tyro.conf.arg(metavar="METRES")] = 0.01,
    hz: float = 60.0,
    unit: Literal["degree", "radian"] = "degree",
    up: Annotated[Axis | None, tyro.conf.arg(metavar="AXIS", help_behavior_hint="")] = None,
    forward: Annotated[Axis | None, tyro.conf.arg(metavar="AXIS", help_behavior_hint="")] = None,
    first: Annotated[int | None, tyro.conf.arg(name="from", metavar="FRAME", help_behavior_hint="")] = None,
    to: Annotated[int | None, tyro.conf.arg(metavar="FRAME", help_behavior_hint="")] = None,
    name: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="BODY=JOINT")] = (),
) -> None:
    """Write a model of another program as files of our own, which load without the originals.

    Args:
        format: Of the model: mass, a skeleton and its muscles in XML.
        skeleton: File of the bodies and joints.
        muscles: File of the muscles, if any.
        out: Folder to write to: MJCF, a table of the muscles, a table of the motion, and train.yaml.
        bvh: File of a motion of the skeleton's, one lap of it.
        damping: Of every joint but the root's; the format has none.
        scale: Of the motion's unit of length.
        hz: Frames a second to resample the motion to.
        unit: Of the motion's rotations.
        up: Axis up of the motion's file, such as z or -y; what the skeleton has, y, without it.
        forward: Where the person in it faces.
        first: First frame of the motion that counts, from 0.
        to: Last frame of the motion that counts.
        name: Joint of the motion that a body follows, over what the skeleton says.
    """
    from soleus.importing.mass import import_mass

    for one in name:
        if not re.fullmatch(r"[^=]+=[^=]+", one):
            raise UserError(f"--name: expected BODY=JOINT, got '{one}'")
    names = dict(one.split("=") for one in name)
    clip = {"unit": unit, "up": up, "forward": forward, "from": first, "to": to}
    files = import_mass(
        skeleton, muscles, bvh=bvh, out=out, damping=damping, scale=scale, hz=hz, names=names, clip=clip
    )
    for file in files:
        print(file)
    print(f"Train on it: soleus train {files[-1]}")
