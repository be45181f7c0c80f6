"""Human models: the built-in ones by name, and any MJCF of the user's."""

from soleus.models.human import Human
from soleus.models.registry import load, names

__all__ = ["Human", "load", "names"]
