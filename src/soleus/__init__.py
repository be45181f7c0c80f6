"""Soleus trains muscle-driven humans to move, on CPUs, fast."""

from soleus.envs import make_vec as make_vec
from soleus.envs import register as _register
from soleus.errors import UserError as UserError

__all__ = ["UserError", "make_vec"]

_register()
