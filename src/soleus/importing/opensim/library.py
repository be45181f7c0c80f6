"""The opensim package, which reads OpenSim's files: it is optional, and what is imported loads without it."""

import importlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from soleus.errors import UserError, nearest


def library() -> Any:
    """Return the opensim package. Raises UserError where it is not installed."""
    try:
        opensim = importlib.import_module("opensim")
    except ImportError as error:
        raise UserError(
            f"expected the package opensim to read OpenSim's files, but {error}: pip install 'soleus[opensim]'"
        ) from None
    opensim.Logger.setLevelString("off")  # it would name every geometry file that it does not find
    return opensim


def read_model(path: Path) -> Any:
    """Return an opensim.Model whose system is initialised. Raises UserError for a file that is none."""
    if not path.is_file():
        raise UserError(f"model file '{path}' does not exist")
    if path.suffix.lower() != ".osim":
        raise UserError(f"model file '{path}': expected a model of OpenSim, whose name ends in .osim")
    opensim = library()
    try:
        model = opensim.Model(str(path))
        model.initSystem()
    except Exception as error:  # whatever the library throws is about the file
        raise UserError(f"model file '{path}': expected a model that OpenSim reads, but {first_words(error)}") from None
    return model


def lock(model: Any, patterns: Sequence[str]) -> None:
    """Lock coordinates of a model, by name or pattern, where they are by default; raises UserError for none of them."""
    names = [str(coordinate.getName()) for coordinate in model.getCoordinateSet()]
    for pattern in patterns:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            near = nearest(pattern, names)
            raise UserError(f"lock: expected the name of a coordinate, or a pattern of names, got '{pattern}'{near}")
        for name in found:
            model.updCoordinateSet().get(name).set_locked(True)
    if patterns:
        model.initSystem()


def first_words(error: Exception) -> str:
    """Return the first line of what the library says of an error."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.startswith("Thrown at")), type(error).__name__)
