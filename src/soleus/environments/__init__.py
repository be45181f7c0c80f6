"""Environments that are not ours, stepped in groups: Gymnasium's, EnvPool's, Procgen's."""

from soleus.environments.advice import advise as advise
from soleus.environments.base import Group as Group
from soleus.environments.make import make_group as make_group
from soleus.environments.make import make_vector_group as make_vector_group
