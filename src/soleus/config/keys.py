"""The dotted keys of the configuration, read off the schema: what there is, and what of it is fixed in a run."""

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from soleus.config import aliases
from soleus.config.fields import Fixed
from soleus.config.schema import Config, EnvConfig

_TRAIN = ("steps", "duration", "seed", "device", "num_envs", "num_threads", "video_every", "checkpoint_url")
_PARALLEL = (
    *("collector", "num_workers", "num_envs_per_worker", "threads_per_worker"),
    *("ray_address", "num_collectors", "envs_per_collector", "max_lag"),
)
SHORT = {
    **{name: f"train.{name}" for name in _TRAIN},
    **{name: f"parallel.{name}" for name in _PARALLEL},
    "env": "env.id",
}
"""Keys that have a short name, as flags and in Python."""


def known_keys() -> dict[str, Any]:
    """Every dotted key of the configuration, ours and those that are translated, with its annotation."""
    return {**dict(keys_of(Config)), **dict(keys_of(EnvConfig)), **dict.fromkeys(aliases.KEYS, Any)}


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key of a part of the schema, with its annotation."""
    for field_name, field in model.model_fields.items():
        key = prefix + (field.alias or field_name)
        yield key, field.annotation
        for part in parts(field.annotation):
            yield from keys_of(part, f"{key}.")


def fixed_keys() -> dict[str, str]:
    """Every dotted key that a run cannot go on with another value of, and why."""
    return {**dict(_fixed(Config)), **dict(_fixed(EnvConfig))}


def _fixed(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for field_name, field in model.model_fields.items():
        key = prefix + (field.alias or field_name)
        yield from ((key, one.why) for one in field.metadata if isinstance(one, Fixed))
        for part in parts(field.annotation):
            yield from _fixed(part, f"{key}.")


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
