"""The dotted keys of the configuration, read off the schema: what there is, and what follows from a key."""

import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from soleus.config import aliases
from soleus.config.fields import Fixed, Mark
from soleus.config.schema import EnvRunConfig, HumanRunConfig

ANY = "*"
"""In a dotted key: every place of a list."""


def parts(annotation: Any) -> Iterator[type[BaseModel]]:
    """Parts of the schema that an annotation allows."""
    for one in alternatives(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one


def alternatives(annotation: Any) -> Iterator[Any]:
    """What an annotation allows, one by one; nothing of a generic type's arguments."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) in (typing.Union, typing.Annotated):
        for argument in typing.get_args(annotation):
            yield from alternatives(argument)
    else:
        yield annotation


def known_keys() -> dict[str, Any]:
    """Every dotted key of the configuration, ours and those that are translated, with its annotation."""
    return {**dict(keys_of(HumanRunConfig)), **dict(keys_of(EnvRunConfig)), **dict.fromkeys(aliases.KEYS, Any)}


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key of a part of the schema, with its annotation."""
    for field_name, field in model.model_fields.items():
        key = prefix + (field.alias or field_name)
        yield key, field.annotation
        for part in parts(field.annotation):
            yield from keys_of(part, f"{key}.")


def _listed(annotation: Any) -> Iterator[type[BaseModel]]:
    """Parts of the schema of which an annotation allows lists."""
    for one in alternatives(annotation):
        if typing.get_origin(one) is tuple:
            yield from parts(typing.get_args(one)[0])


def _metadata(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key of a part of the schema with each piece of its metadata."""
    for field_name, field in model.model_fields.items():
        key = prefix + (field.alias or field_name)
        yield from ((key, one) for one in field.metadata)
        for part in parts(field.annotation):
            yield from _metadata(part, f"{key}.")
        for part in _listed(field.annotation):
            yield from _metadata(part, f"{key}.{ANY}.")


_METADATA = (*_metadata(HumanRunConfig), *_metadata(EnvRunConfig))


def fixed_keys() -> dict[str, str]:
    """Every dotted key that a run cannot go on with another value of, and why."""
    return {key: one.why for key, one in _METADATA if isinstance(one, Fixed)}


def marked(mark: Mark) -> tuple[str, ...]:
    """Every dotted key with a mark."""
    return tuple(dict.fromkeys(key for key, one in _METADATA if one is mark))


def found_at(raw: Any, key: str) -> list[tuple[str, Any]]:
    """Return what nested mappings and lists have at a dotted key, the keys in full: one for each place of a list."""
    found = [("", raw)]
    for part in key.split("."):
        found = [(f"{at}.{one}" if at else one, inner) for at, value in found for one, inner in _at(value, part)]
    return found


def _at(value: Any, part: str) -> list[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        return [(str(k), one) for k, one in enumerate(value)] if part == ANY else []
    return [(part, value[part])] if isinstance(value, Mapping) and part in value else []


def is_below(key: str, keys: Iterable[str]) -> bool:
    """Whether a dotted key is one of others, or lies in one of them."""
    return any(key == one or key.startswith(f"{one}.") for one in keys)


SHORT = {**{key.rpartition(".")[2]: key for key in marked(Mark.SHORT)}, "env": "env.id"}
"""Keys by their short names, as flags and in Python."""


def open_keys() -> tuple[str, ...]:
    """Every dotted key below which names are free: terms and their parameters, options of environments."""
    return tuple(key for key, annotation in known_keys().items() if any(map(_is_mapping, alternatives(annotation))))


def _is_mapping(annotation: Any) -> bool:
    return typing.get_origin(annotation) is dict
