"""Every key of the configuration as `soleus train --help` lists it: by group, with its default and what it means."""

import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from soleus.config import EnvRunConfig, HumanRunConfig, parts
from soleus.config.fields import is_time

NOTATION = (
    "Whole numbers may be written as 5e5, 500k, 1.5M or 2G, and times as 90s, 15m, 1h30m or 20ms. Where a key has the"
    " unit [s], a number without a unit is in seconds."
)
_WIDTH = 100
_FREE = {"task": "`soleus terms` lists the terms and their parameters"}


class Key(NamedTuple):
    """A key of the configuration."""

    name: str
    """Dotted, such as ppo.epochs."""
    default: str
    """As it is written in a file; "" where there is none."""
    meaning: str


class Group(NamedTuple):
    """The keys of one section of the configuration."""

    name: str
    meaning: str
    keys: list[Key]


def groups() -> Iterator[Group]:
    """Yield the groups of keys, those of humans and those of other environments."""
    fields: dict[str, FieldInfo] = {**HumanRunConfig.model_fields, **EnvRunConfig.model_fields}
    for name, field in fields.items():
        sections = list(parts(field.annotation))
        about = next((one.__doc__ for one in sections if one.__doc__), None)
        more = f" ({_FREE[name]})" if name in _FREE else ""
        meaning = f"{' '.join((about or field.description or '').split())}{more}"
        alone = [] if sections else [Key(name, _said(field), "")]
        yield Group(name, meaning, alone + [key for section in sections for key in _keys(section, f"{name}.")])


def listing() -> str:
    """Return the keys, a paragraph a group."""
    intro = "Keys of the configuration with their defaults. Each is a flag (--ppo.epochs 4) and a key of a YAML file."
    lines = [intro, *textwrap.wrap(NOTATION, _WIDTH + 10)]
    for group in groups():
        lines += ["", f"{group.name}: {group.meaning}"]
        for key in group.keys:
            first = f"  --{key.name} {key.default}".rstrip()
            text = f"{first}  {key.meaning}" if key.meaning else first
            lines += textwrap.wrap(text, _WIDTH, subsequent_indent="      ")
    return "\n".join(lines)


def _keys(section: type[BaseModel], prefix: str) -> Iterator[Key]:
    for field_name, field in section.model_fields.items():
        key = prefix + (field.alias or field_name)
        inner = list(parts(field.annotation))
        if not (inner and field.is_required()):
            default = "" if field.is_required() else _said(field)
            yield Key(key, default, " ".join((field.description or "").split()))
        for one in inner:
            yield from _keys(one, f"{key}.")


def _said(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if value is None:
        return "null"
    if any(map(is_time, field.metadata)):
        return f"{value:g}s"
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "[]"
    if isinstance(value, dict):
        return "{}"
    return str(value).lower() if isinstance(value, bool) else str(value)
