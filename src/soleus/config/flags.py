"""Flags of the command line become keys of the configuration: `--ppo.epochs 4` is ppo.epochs with the value 4."""

from collections.abc import Sequence
from typing import Any

from soleus.config.keys import alternatives, known_keys, open_keys, parts
from soleus.config.strict_yaml import parse_yaml
from soleus.errors import UserError, nearest


def _is_text(annotation: Any, given: str) -> bool:
    """Whether a value is the text that was given, rather than YAML."""
    if given == "null" or (given.startswith("{") and any(parts(annotation))):
        return False
    return str in alternatives(annotation)


def _key_of(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def takes_no_value(flag: str) -> bool:
    """Whether a flag is a switch, which may stand alone."""
    return known_keys().get(_key_of(flag)) is bool


def parse_overrides(arguments: Sequence[str]) -> dict[str, Any]:
    """Return values by dotted key for flags such as `--ppo.epochs 4`, `--control.mode=torque`, `--policy.mirror`.

    Values are YAML, except where the schema wants text; a flag of a switch may stand alone. Raises UserError for a flag
    that is no key of the configuration or lacks its value.
    """
    known, free = known_keys(), tuple(f"{key}." for key in open_keys())
    overrides: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        flag, equals, text = rest.pop(0).partition("=")
        if not flag.startswith("--"):
            raise UserError(f"expected a flag such as --ppo.epochs, got '{flag}'")
        key = _key_of(flag)
        if key not in known and not key.startswith(free):
            inner = next((f"; expected one in it, such as {one}" for one in known if one.startswith(f"{key}.")), None)
            raise UserError(f"unknown key '{key}'{inner or nearest(key, known)}")
        if not equals:
            if rest and not rest[0].startswith("--"):
                text = rest.pop(0)
            elif takes_no_value(key):
                text = "true"
            else:
                raise UserError(f"--{key}: expected a value, got none")
        overrides[key] = text if _is_text(known.get(key), text) else parse_yaml(text, f"--{key}")
    return overrides
