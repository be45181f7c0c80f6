"""Reference motions: published gait cycles, put on each model's feet."""

from soleus.motions.motion import Motion
from soleus.motions.registry import load, names

__all__ = ["Motion", "load", "names"]
