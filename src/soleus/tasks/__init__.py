"""Tasks: YAML files that compose the core's observation, reward and termination terms."""

from soleus.tasks.catalog import catalog as catalog
