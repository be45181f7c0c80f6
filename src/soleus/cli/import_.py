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
        Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[MUSCLES]", help_behavior_hint="")
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
    """Convert a model of another program to files of ours, which load without the originals.

    Args:
        format: Format of the model: mass, which is a skeleton and its muscles in XML.
        skeleton: XML file of the bodies and joints.
        muscles: XML file of the muscles; without it the model has none.
        out: Folder to write to: an MJCF file, a table of the muscles, a table of the motion, and train.yaml.
        bvh: BVH file of a motion of this skeleton, one whole cycle of it.
        damping: Damping of every joint but the root's [N m s/rad]; the format has none.
        scale: The motion's unit of length in metres.
        hz: Frames a second to resample the motion to.
        unit: Unit of the motion's rotations.
        up: Axis of the motion that points up, such as z or -y; by default that of the skeleton, y.
        forward: Axis of the motion along which the person faces.
        first: First frame of the motion that is used, counted from 0.
        to: Last frame of the motion that is used.
        name: Let a body follow this joint of the motion, instead of the one that the skeleton names.
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
