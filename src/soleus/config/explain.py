"""What is wrong with a configuration, in one line that names the key."""

import re

from pydantic import BaseModel, ValidationError

from soleus.config.keys import keys_of, known_keys
from soleus.config.schema import EnvRunConfig
from soleus.errors import nearest


def explain(error: ValidationError, schema: type[BaseModel]) -> str:
    """One line for the first thing that is wrong: the key, what was expected, what came."""
    first = min(
        error.errors(), key=lambda one: one["type"] != "extra_forbidden"
    )  # a misspelt key also reads as missing
    parts = [part for part in map(str, first["loc"]) if "[" not in part and "-" not in part]  # without those of unions
    key, kind, message = ".".join(parts), first["type"], first["msg"]
    if kind == "extra_forbidden":
        of = "" if key.partition(".")[0] not in known_keys() else " of env" if schema is EnvRunConfig else " of a model"
        return f"unknown key '{key}'{of}{nearest(key, [known for known, _ in keys_of(schema)])}"
    if kind == "missing":
        return f"{key}: expected a value, got none"
    if kind == "value_error":
        message = str(first["ctx"]["error"])
        if not message.startswith("expected"):  # a check over several keys, which names the one at fault itself
            return f"{key}.{message}" if key else message
        if ", got " in message:
            return f"{key}: {message}"
    message = message[0].lower() + message[1:].replace("valid tuple", "list")
    message = re.sub("valid dictionary( or instance of .*)?", "mapping", message)
    return f"{key}: {message.replace('input should be', 'expected')}, got {first['input']!r}"
