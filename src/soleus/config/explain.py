"""What is wrong with a configuration, in one line that names the key, made from the errors that pydantic structures."""

import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from soleus.config.keys import alternatives, keys_of, known_keys
from soleus.config.schema import EnvRunConfig
from soleus.errors import nearest

_EXPECTED = {
    "bool_type": "a valid boolean",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_type": "a valid number",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "greater than or equal to {ge}",
    "int_parsing_size": "an integer of fewer digits",
    "int_type": "a valid integer",
    "invalid_key": "keys that are text",
    "less_than": "less than {lt}",
    "less_than_equal": "less than or equal to {le}",
    "literal_error": "{expected}",
    "model_type": "a mapping",
    "string_too_short": "a text of {min_length} or more characters",
    "string_type": "a valid string",
    "string_unicode": "a text in Unicode",
    "too_long": "a list of at most {max_length}",
    "too_short": "{min_length} or more of them",
    "tuple_type": "a list",
}
"""What was expected, by pydantic's type of an error, with the names of its context."""


def explain(error: ValidationError, schema: type[BaseModel]) -> str:
    """One line for the first thing that is wrong: the key, what was expected, what came."""
    first = min(
        error.errors(), key=lambda one: one["type"] != "extra_forbidden"
    )  # a misspelt key also reads as missing
    kind, context = first["type"], first.get("ctx", {})
    key = ".".join(_path(first["loc"], schema, to_the_last=kind in ("extra_forbidden", "missing")))
    if kind == "extra_forbidden":
        of = "" if key.partition(".")[0] not in known_keys() else " of env" if schema is EnvRunConfig else " of a model"
        return f"unknown key '{key}'{of}{nearest(key, [known for known, _ in keys_of(schema)])}"
    if kind == "missing":
        return f"{key}: expected a value, got none"
    if kind == "value_error":
        message = str(context["error"])
        if not message.startswith("expected"):  # a check over several keys, which names the one at fault itself
            return f"{key}.{message}" if key else message
        return f"{key}: {message}" if ", got " in message else f"{key}: {message}, got {first['input']!r}"
    return f"{key}: expected {_expected(kind, context, first['msg'])}, got {first['input']!r}"


def _expected(kind: str, context: Mapping[str, Any], message: str) -> str:
    """message: pydantic's own, for a type of error that no key has so far."""
    if kind not in _EXPECTED:
        return f"another value ({message})"
    return _EXPECTED[kind].format_map({name: _plain(value) for name, value in context.items()})


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _path(loc: Iterable[int | str], schema: type[BaseModel], to_the_last: bool) -> list[str]:
    """Return the parts of a place that are keys and places in lists, without what pydantic calls a union's members.

    to_the_last: the last part is a key, though the schema may know none of that name.
    """
    rest, path = list(loc), []
    allowed: list[Any] = [schema]  # at the place so far
    while rest:
        part = rest.pop(0)
        within = _within(allowed, part)
        if within is not None or isinstance(part, int) or (to_the_last and not rest):
            path.append(str(part))
            allowed = [] if within is None else list(alternatives(within))
    return path


def _within(allowed: Iterable[Any], part: int | str) -> Any:
    """Return what the schema allows at a part of what it allows here; None where it knows no such part."""
    for one in allowed:
        arguments = typing.get_args(one)
        if isinstance(one, type) and issubclass(one, BaseModel):
            for name, field in one.model_fields.items():
                if part == (field.alias or name):
                    return field.annotation
        elif typing.get_origin(one) is dict and isinstance(part, str):
            return arguments[1]
        elif typing.get_origin(one) is tuple and isinstance(part, int):
            return arguments[0]
    return None
