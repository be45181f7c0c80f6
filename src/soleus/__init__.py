"""Soleus trains muscle-driven humans to move, on CPUs, fast."""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from soleus.errors import UserError as UserError
from soleus.sim.registration import register_with_gymnasium

if TYPE_CHECKING:
    from soleus.api import Run as Run
    from soleus.api import evaluate as evaluate
    from soleus.api import load as load
    from soleus.api import train as train
    from soleus.importing.gaitnet import import_gaitnet as import_gaitnet
    from soleus.importing.mass import import_mass as import_mass
    from soleus.importing.opensim import import_opensim as import_opensim
    from soleus.inverse.store import load_forward as load_forward
    from soleus.run.policy import Policy as Policy
    from soleus.sim.gymnasium import make_vec as make_vec

    __version__: str

_HOMES = {
    **dict.fromkeys(("Run", "evaluate", "load", "train"), "soleus.api"),
    "Policy": "soleus.run.policy",
    "import_gaitnet": "soleus.importing.gaitnet",
    "import_mass": "soleus.importing.mass",
    "import_opensim": "soleus.importing.opensim",
    "load_forward": "soleus.inverse.store",
    "make_vec": "soleus.sim.gymnasium",
}
__all__ = [
    "Policy",
    "Run",
    "UserError",
    "__version__",
    "evaluate",
    "import_gaitnet",
    "import_mass",
    "import_opensim",
    "load",
    "load_forward",
    "make_vec",
    "train",
]

register_with_gymnasium()


def __getattr__(name: str) -> Any:
    # Loaded on first use: the command line answers without MuJoCo and torch.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        try:
            return metadata.version("soleus")
        except metadata.PackageNotFoundError:
            raise AttributeError("soleus has a __version__ only where it is installed") from None
    raise AttributeError(f"module 'soleus' has no attribute '{name}'")
