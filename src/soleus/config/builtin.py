"""The built-in files of a configuration: presets and tasks."""

from importlib import resources
from importlib.resources.abc import Traversable


def file(kind: str, name: str) -> Traversable:
    """Return the built-in file of this name, of a kind: "presets" or "tasks"."""
    return resources.files("soleus") / kind / f"{name}.yaml"


def names(kind: str) -> list[str]:
    """Names of the built-in files of a kind, "presets" or "tasks"."""
    folder = resources.files("soleus") / kind
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def summary_of(preset: str) -> str:
    """Return the first comment line of a preset, which says what it is."""
    text = file("presets", preset).read_text()
    return text.splitlines()[0].lstrip("# ")
