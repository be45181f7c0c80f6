"""Whole motions of a policy as files that others read: OpenSim, Blender, pandas, NumPy."""

from soleus.rollouts.sampling import sampled
from soleus.rollouts.writing import check_file, numbered, write_episode

__all__ = ["check_file", "numbered", "sampled", "write_episode"]
