"""Soleus trains muscle-driven humans to move, on CPUs, fast."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soleus.errors import UserError as UserError

if TYPE_CHECKING:
    from soleus.importing.mass import import_mass as import_mass
    from soleus.sim.gymnasium import make_vec as make_vec

    __version__: str

__all__ = ["UserError", "__version__", "import_mass", "make_vec"]

# The command line needs no gymnasium.make, and Gymnasium would take most of its start.
if Path(*sys.argv[:1]).name != "soleus":
    from soleus.sim.registration import register as _register

    _register()


def __getattr__(name: str) -> Any:
    # Loaded on first use: the command line answers without MuJoCo.
    if name == "make_vec":
        from soleus.sim.gymnasium import make_vec

        return make_vec
    if name == "import_mass":
        from soleus.importing.mass import import_mass

        return import_mass
    if name == "__version__":
        from importlib import metadata

        try:
            return metadata.version("soleus")
        except metadata.PackageNotFoundError:
            raise AttributeError("soleus has a __version__ only where it is installed") from None
    raise AttributeError(f"module 'soleus' has no attribute '{name}'")
