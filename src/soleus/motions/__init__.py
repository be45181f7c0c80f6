"""Reference motions: published gait cycles, put on each model's feet; recordings; several of them in one policy."""

from soleus.motions.clips import Clips, load_clips
from soleus.motions.motion import Motion
from soleus.motions.registry import load, names

__all__ = ["Clips", "Motion", "load", "load_clips", "names"]
