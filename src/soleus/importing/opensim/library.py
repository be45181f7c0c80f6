"""The opensim package, which reads OpenSim's files: it is optional, and what is imported loads without it."""

import importlib
from pathlib import Path
from typing import Any

from soleus.errors import UserError


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
        raise UserError(f"model file '{path}': expected a model that OpenSim reads, but {_first_line(error)}") from None
    return model


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.startswith("Thrown at")), type(error).__name__)
