"""Human models: the built-in ones by name, and any MJCF of the user's."""

from soleus.models.differences import differences, wired_otherwise
from soleus.models.human import Human
from soleus.models.registry import load, names
from soleus.models.speech import install as _install

__all__ = ["Human", "differences", "load", "names", "wired_otherwise"]

_install()
