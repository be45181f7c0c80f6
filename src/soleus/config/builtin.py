"""The built-in files of a configuration, presets and tasks; and the trained policies that come with the package."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path


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


def _policies() -> Path:
    return Path(str(resources.files("soleus") / "policies"))


def policy(name: str) -> Path:
    """Return the folder of the trained policy of this name; it is laid out as a run's."""
    return _policies() / name


def policies() -> list[str]:
    """Names of the trained policies."""
    return sorted(file.parent.name for file in _policies().glob("*/config.yaml"))


def is_policy(text: str, folder: Path | None = None) -> bool:
    """Whether a text names a trained policy. What lies in a folder, by default the current one, comes first."""
    return text in policies() and not ((folder or Path()) / text).exists()
