"""Soleus trains muscle-driven humans to move, on CPUs, fast."""

from typing import TYPE_CHECKING, Any

from soleus.errors import UserError as UserError
from soleus.registration import register as _register

if TYPE_CHECKING:
    from soleus.envs import make_vec as make_vec

__all__ = ["UserError", "make_vec"]

_register()


def __getattr__(name: str) -> Any:
    # Loaded on first use: the command line answers without MuJoCo.
    if name == "make_vec":
        from soleus.envs import make_vec

        return make_vec
    raise AttributeError(f"module 'soleus' has no attribute '{name}'")
