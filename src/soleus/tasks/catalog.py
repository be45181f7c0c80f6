"""What terms there are: read from the core, which owns them."""

from collections.abc import Mapping
from typing import Any

import mujoco  # noqa: F401  loads the library that the core links against

from soleus.config.schema import TaskConfig
from soleus.errors import UserError, nearest


def catalog() -> dict[str, dict[str, dict[str, float]]]:
    """Return {"observation" | "reward" | "termination": {term: {parameter: default}}}."""
    from soleus import _core

    kinds: dict[str, dict[str, Any]] = _core.catalog()
    return {
        kind: {
            term: {name: float(value) for name, (value, _) in entry["parameters"].items()}
            for term, entry in terms.items()
        }
        for kind, terms in kinds.items()
    }


def check_terms(task: TaskConfig, catalog: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Raise UserError where a task names a term or a parameter that the core does not have.

    catalog: {"observation" | "reward" | "termination": {term: {parameter: default}}}; "weight" is every reward's.
    """
    for kind, table in (
        ("observation", task.observation),
        ("reward", task.reward.terms),
        ("termination", task.termination),
    ):
        prefix = "task.reward.terms" if kind == "reward" else f"task.{kind}"
        for term, parameters in table.items():
            known = catalog[kind]
            if term not in known:
                expected = f"; expected one of {', '.join(known)}"
                raise UserError(f"{prefix}: unknown term '{term}'{nearest(term, known) or expected}")
            allowed = {*known[term], "weight"} if kind == "reward" else {*known[term]}
            for parameter in parameters:
                if parameter not in allowed:
                    hint = nearest(parameter, allowed) or f"; expected {', '.join(sorted(allowed)) or 'none'}"
                    raise UserError(f"{prefix}.{term}: unknown parameter '{parameter}'{hint}")
