"""Weights for inverse kinematics from OpenSim's files: a set of tasks, or the setup file of the tool with one in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soleus.errors import UserError, nearest
from soleus.importing.opensim.library import first_words

_KINDS = ("IKTaskSet", "InverseKinematicsTool")


@dataclass(frozen=True)
class Tasks:
    """What the coordinates are to follow."""

    markers: dict[str, float]
    """Weights by name"""
    coordinates: dict[str, tuple[float, float | None]]
    """Weights by name, and values [rad] or [m], None for a coordinate's default value"""


def read_tasks(opensim: Any, model: Any, path: Path) -> Tasks:
    """Read the tasks that apply; raises UserError for a file that is none of its kind, or names what is not there."""
    if not path.is_file():
        raise UserError(f"file of tasks '{path}' does not exist")
    try:
        found = opensim.OpenSimObject.makeObjectFromFile(str(path))
        kind = str(found.getConcreteClassName()) if found is not None else "nothing"
        if kind == _KINDS[0]:
            tasks = opensim.IKTaskSet(str(path))
        elif kind == _KINDS[1]:
            tool = opensim.InverseKinematicsTool(str(path), False)
            tasks = tool.getIKTaskSet()
        else:
            tasks = None
    except Exception as error:  # whatever the library throws is about the file
        raise UserError(
            f"file of tasks '{path}': expected a file that OpenSim reads, but {first_words(error)}"
        ) from None
    if tasks is None:
        raise UserError(f"file of tasks '{path}': expected an {' or an '.join(_KINDS)}, got {kind}")
    markers: dict[str, float] = {}
    coordinates: dict[str, tuple[float, float | None]] = {}
    for k in range(tasks.getSize()):
        task = tasks.get(k)
        if not task.getApply():
            continue
        name, weight = str(task.getName()), float(task.getWeight())
        of_coordinate = opensim.IKCoordinateTask.safeDownCast(task)
        if of_coordinate is None:
            markers[name] = weight
        else:
            coordinates[name] = (weight, _value(opensim, model, of_coordinate, path))
    if not any(weight > 0 for weight in markers.values()):
        raise UserError(f"file of tasks '{path}': expected markers with a weight above 0, got none")
    return Tasks(markers, coordinates)


def _value(opensim: Any, model: Any, task: Any, path: Path) -> float | None:
    """Value that a task holds its coordinate at, None for the default one."""
    name, kind = str(task.getName()), task.getValueType()
    known = [str(one.getName()) for one in model.getCoordinateSet()]
    if name not in known:
        raise UserError(
            f"file of tasks '{path}': expected coordinates of the model, got '{name}'{nearest(name, known)}"
        )
    if kind == opensim.IKCoordinateTask.FromFile:
        raise UserError(
            f"file of tasks '{path}': expected a value for coordinate '{name}', or its default one, got one from a"
            " file, which is not read"
        )
    return float(task.getValue()) if kind == opensim.IKCoordinateTask.ManualValue else None
