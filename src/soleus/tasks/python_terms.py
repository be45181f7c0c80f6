"""Terms of a task that are written in Python: functions of a file, over NumPy arrays of all humans at once."""

import inspect
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soleus.config.schema import TaskConfig
from soleus.errors import UserError, described


@dataclass(frozen=True, eq=False)
class PythonTerm:
    """A function of the scene, and its numbers."""

    name: str
    work: Callable[..., Any]
    parameters: Mapping[str, float]
    """Defaults by name"""


def load_terms(path: Path) -> dict[str, PythonTerm]:
    """Return the functions of a file whose first parameter is `scene`, by name.

    Raises UserError where the file is not there, does not run, or holds no such function, or where one of them has
    parameters without a number as their default.
    """
    if not path.is_file():
        raise UserError(f"task.python: expected a file of Python, got '{path}', which is not there")
    try:
        found = runpy.run_path(str(path))
    except Exception as error:
        raise UserError(f"task.python: {path}: expected a file that runs, but {described(error)}") from None
    terms = {
        name: _term(path, name, work)
        for name, work in found.items()
        if inspect.isfunction(work) and next(iter(inspect.signature(work).parameters), "") == "scene"
    }
    if not terms:
        raise UserError(f"task.python: {path}: expected functions of `scene`, such as def my_term(scene), got none")
    return terms


def _term(path: Path, name: str, work: Callable[..., Any]) -> PythonTerm:
    parameters = dict(list(inspect.signature(work).parameters.items())[1:])
    for parameter, kind in parameters.items():
        if not isinstance(kind.default, int | float):
            raise UserError(f"task.python: {path}: {name}: expected a number as the default of '{parameter}', got none")
    return PythonTerm(name, work, {parameter: float(kind.default) for parameter, kind in parameters.items()})


def with_python(
    catalog: Mapping[str, Mapping[str, Mapping[str, float]]], terms: Mapping[str, PythonTerm]
) -> dict[str, dict[str, Mapping[str, float]]]:
    """Return a catalog of terms with those in Python. Raises UserError for one with the name of another."""
    for kind, known in catalog.items():
        for name in terms:
            if name in known:
                raise UserError(f"task.python: expected names that no {kind} term has, got '{name}'")
    return {
        kind: {**known, **{name: term.parameters for name, term in terms.items()}} for kind, known in catalog.items()
    }


def native_first(task: TaskConfig, terms: Mapping[str, PythonTerm]) -> TaskConfig:
    """Return a task whose terms in Python come after those of the core: so do their columns."""

    def sorted_terms(table: Mapping[str, Any]) -> dict[str, Any]:
        return {name: table[name] for name in sorted(table, key=lambda name: name in terms)}

    reward = task.reward.model_copy(update={"terms": sorted_terms(task.reward.terms)})
    return task.model_copy(
        update={
            "observation": sorted_terms(task.observation),
            "reward": reward,
            "termination": sorted_terms(task.termination),
        }
    )
