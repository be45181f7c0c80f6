"""Commands as they are shown: whether they are understood."""

import shlex
from functools import partial

from soleus.cli.arguments import short_overrides
from soleus.cli.verbs import call_of
from soleus.config import config_of_model, load_config, parse_overrides
from soleus.config.resolve import resolve


def assert_understood(command: str) -> None:
    """command: what comes after `soleus`. Its flags are flags, its keys are keys, and the configuration works."""
    call = call_of(shlex.split(command, comments=True))
    assert isinstance(call, partial)
    given = call.keywords
    if command.startswith("import "):
        return
    collection: dict[str, str] = given["collection"].given if "collection" in given else {}
    overrides = parse_overrides([f"--{setting}" for setting in given.get("set", ())]) | short_overrides(collection)
    if command.startswith("motion "):
        config_of_model(given["model"], given["subject"]) if given.get("model") else load_config(given["subject"])
        return
    overrides |= short_overrides({key: given[key] for key in ("steps", "duration") if given.get(key)})
    config = load_config(given.get("preset") or (None if "env" in collection else "walk2d"), overrides)
    resolve(config, cpus=4)
