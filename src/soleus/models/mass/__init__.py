"""Models in the format of MASS: a skeleton and its muscles, each an XML file.

S. Lee, M. Park, K. Lee, J. Lee, "Scalable muscle-actuated human simulation and control", ACM TOG 38(4), 2019. Frame: Y
up, metres, kilograms, newtons; every place and orientation is that of the T-pose in the world.
"""

from soleus.models.mass.mjcf import skeleton_mjcf
from soleus.models.mass.muscles import read_muscles
from soleus.models.mass.skeleton import is_skeleton, read_skeleton

__all__ = ["is_skeleton", "read_muscles", "read_skeleton", "skeleton_mjcf"]
