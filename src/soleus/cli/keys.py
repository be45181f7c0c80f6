"""Every key of the configuration as `soleus train --help` lists it: by group, with its default and what it means."""

import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from soleus.config import Config, EnvConfig, parts
from soleus.config.fields import is_time

_WIDTH = 100
_FREE = {"task": "terms and their parameters are listed by `soleus terms`"}


def listing() -> str:
    """Return the keys, those of humans and those of other environments, a paragraph a group."""
    lines = [
        "Keys of the configuration, each a flag (--ppo.epochs 4) and a key of a YAML file, with defaults.",
        "Whole numbers may be written 5e5, 500k, 1.5M or 2G, times 90s, 15m or 1h30m; a bare number of a key that says",
        "[s] is seconds.",
    ]
    groups: dict[str, FieldInfo] = {**Config.model_fields, **EnvConfig.model_fields}
    for name, field in groups.items():
        lines += ["", *_group(name, field)]
    return "\n".join(lines)


def _group(name: str, field: FieldInfo) -> Iterator[str]:
    sections = list(parts(field.annotation))
    about = next((one.__doc__ for one in sections if one.__doc__), None)
    more = f" ({_FREE[name]})" if name in _FREE else ""
    yield f"{name}: {' '.join((about or field.description or '').split())}{more}"
    for section in sections:
        yield from _keys(section, f"{name}.")


def _keys(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for field_name, field in section.model_fields.items():
        key = prefix + (field.alias or field_name)
        inner = list(parts(field.annotation))
        if inner and field.is_required():
            for one in inner:
                yield from _keys(one, f"{key}.")
            continue
        default = "" if field.is_required() else f" {_said(field)}"
        about = " ".join((field.description or "").split())
        first = f"  --{key}{default}"
        yield from textwrap.wrap(f"{first}  {about}" if about else first, _WIDTH, subsequent_indent="      ")
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
