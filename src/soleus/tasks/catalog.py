"""What terms there are: read from the core, which owns them."""

from typing import Any

import mujoco  # noqa: F401  loads the library that the core links against


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
