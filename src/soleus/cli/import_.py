"""`soleus import`: models of other programs."""

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from soleus.config.sources import Axis
from soleus.errors import UserError


def import_(
    format: tyro.conf.Positional[Literal["mass", "gaitnet", "opensim"]],
    model: tyro.conf.Positional[Path],
    muscles: Annotated[
        Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[MUSCLES]", help_behavior_hint="")
    ] = None,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")],
    data: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None,
    motion: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="FILE")] = (),
    lock: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="COORDINATE")] = (),
    tasks: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None,
    bvh: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="FILE")] = (),
    damping: Annotated[float, tyro.conf.arg(metavar="N_M_S")] = 0.0,
    scale: Annotated[float, tyro.conf.arg(metavar="METRES")] = 0.01,
    hz: float = 60.0,
    unit: Literal["degree", "radian"] = "degree",
    up: Annotated[Axis | None, tyro.conf.arg(metavar="AXIS", help_behavior_hint="")] = None,
    forward: Annotated[Axis | None, tyro.conf.arg(metavar="AXIS", help_behavior_hint="")] = None,
    first: Annotated[float | None, tyro.conf.arg(name="from", metavar="SECONDS", help_behavior_hint="")] = None,
    to: Annotated[float | None, tyro.conf.arg(metavar="SECONDS", help_behavior_hint="")] = None,
    name: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="BODY=JOINT")] = (),
) -> None:
    """Convert a model of another program to files of ours, which load without the originals.

    Args:
        format: Format of the model: mass is a skeleton and its muscles in XML, gaitnet the YAML file of an environment
            of its successor, opensim a .osim file, which needs pip install 'soleus[opensim]'.
        model: File of the model; of mass the XML file of the bodies and joints.
        muscles: Of mass, XML file of the muscles; without it the model has none.
        out: Folder to write to: an MJCF file, the muscles, the motions, and train.yaml.
        data: Of gaitnet, folder that @data stands for in the YAML file; by default that of the file.
        motion: Of opensim, a .mot or .sto file of coordinates, or a .trc or .c3d file of markers, of which OpenSim's
            inverse kinematics makes coordinates; train.yaml trains on the first.
        lock: Of opensim, a coordinate, or a pattern such as mtp_angle_*, that stays at its default value.
        tasks: Of opensim, file with the weights of markers: an IKTaskSet, or the setup file of inverse kinematics.
        bvh: Of mass, BVH file of a motion of this skeleton, one whole cycle; train.yaml trains on all that are given.
        damping: Of mass, damping of every joint but the root's [N m s/rad]; the format has none.
        scale: Of mass, the motion's unit of length in metres.
        hz: Of mass, frames a second to resample the motion to.
        unit: Of mass, unit of the motion's rotations.
        up: Axis of the motion that points up, such as z or -y; by default y of mass, of markers as the model stands.
        forward: Of mass, axis of the motion along which the person faces.
        first: Where the part of the motion of mass, or of markers, begins that is used, in its own time.
        to: Where that part ends.
        name: Of mass, let a body follow this joint of the motion, instead of the one that the skeleton names.
    """
    _refuse(format, locals())
    part = {"start": first, "end": to}
    clip = {"unit": unit, "up": up, "forward": forward, "from": first, "to": to}
    if format == "opensim":
        _opensim(model, {"motion": motion, "lock": lock, "out": out, "tasks": tasks, "up": up, **part})
    elif format == "gaitnet":
        _gaitnet(model, data, out)
    else:
        _mass(
            model, muscles, name, {"bvh": bvh, "out": out, "damping": damping, "scale": scale, "hz": hz, "clip": clip}
        )


_FORMATS = {
    **dict.fromkeys(("lock", "tasks", "motion"), ("opensim",)),
    **dict.fromkeys(("up", "first", "to"), ("mass", "opensim")),
    "data": ("gaitnet",),
    **dict.fromkeys(("format", "model", "out"), ("mass", "gaitnet", "opensim")),
}
"""Formats that a parameter of import_ is for; others are for mass alone."""
_FLAGS = {"muscles": "MUSCLES", "first": "--from"}


def _refuse(format: str, given: Mapping[str, object]) -> None:
    """Raise UserError for a parameter of import_ that is given, and is of other formats."""
    for name, parameter in inspect.signature(import_).parameters.items():
        own = _FORMATS.get(name, ("mass",))
        if format not in own and given[name] != parameter.default:
            flag = _FLAGS.get(name, f"--{name}")
            raise UserError(f"{flag}: expected it for soleus import {' or '.join(own)} alone")


def _mass(skeleton: Path, muscles: Path | None, name: tuple[str, ...], how: dict[str, Any]) -> None:
    from soleus.importing.mass import import_mass

    for one in name:
        if not re.fullmatch(r"[^=]+=[^=]+", one):
            raise UserError(f"--name: expected BODY=JOINT, got '{one}'")
    _say(import_mass(skeleton, muscles, names=dict(one.split("=") for one in name), **how))


def _gaitnet(environment: Path, data: Path | None, out: Path) -> None:
    from soleus.importing.gaitnet import import_gaitnet

    imported = import_gaitnet(environment, data=data, out=out)
    for note in imported.notes:
        print(f"note: {note}")
    _say(imported.files)


def _opensim(model: Path, how: dict[str, Any]) -> None:
    from soleus.importing.opensim import import_opensim

    imported = import_opensim(model, **how)
    for note in imported.notes:
        print(f"note: {note}")
    _say(imported.files)


def _say(files: Sequence[Path]) -> None:
    for file in files:
        print(file)
    print(f"Train on it: soleus train {files[-1]}")
