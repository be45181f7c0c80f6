"""One configuration laid over another, as nested mappings that nothing has been checked of yet."""

from collections.abc import Mapping
from typing import Any

from soleus.config.sources import spelled_out

_TERM_TABLES = (("observation",), ("reward", "terms"), ("termination",))


def merge(below: Any, above: Any) -> Any:
    """Return `above` laid over `below`, mapping by mapping."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: merge(below.get(key), value) for key, value in above.items()}}


def placed(raw: Any, key: str, value: Any) -> Any:
    """Return nested mappings and lists with another value at a dotted key that they have."""
    first, _, rest = key.partition(".")
    if isinstance(raw, list | tuple):
        k = int(first)
        return [*raw[:k], placed(raw[k], rest, value) if rest else value, *raw[k + 1 :]]
    return {**raw, first: placed(raw[first], rest, value) if rest else value}


def env_over(below: Any, above: Any) -> Any:
    """Return one environment laid over another, whose options count only where both are made in the same way."""
    below, above = ({"id": one} if isinstance(one, str) else one for one in (below, above))
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    schemes = [str(one.get("id", below.get("id"))).partition(":")[0] for one in (below, above)]
    return merge(below, above) if schemes[0] == schemes[1] else above


def without_removed_terms(task: Any) -> Any:
    """Drop the terms set to null: how a task or a flag takes a term of its base away."""
    for path in _TERM_TABLES:
        table: Any = task
        for key in path:
            table = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict):
            kept: Any = {term: parameters for term, parameters in table.items() if parameters is not None}
            for key in reversed(path[1:]):
                kept = {**task[path[0]], key: kept}
            task = {**task, path[0]: kept}
    return task


def nested(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"ppo": {"epochs": 4}} for {"ppo.epochs": 4}."""
    nested: dict[str, Any] = {}
    for key, value in overrides.items():
        if key == "env" and isinstance(value, str):  # in short, beside which other keys of env may be given
            key = "env.id"
        if key in ("model", "motion") and any(one.startswith(f"{key}.") for one in overrides):
            value = spelled_out(value)  # other keys of the same file are given
        for part in reversed(key.split(".")):
            value = {part: value}
        nested = merge(nested, value)
    return nested
