"""Makes every preset known to gymnasium.make, without loading what only environments need."""

import functools

import gymnasium

from soleus.config import names


@functools.cache
def register() -> None:
    """Register every preset as "soleus/<preset>-v0", once."""
    for name in names("presets"):
        if (known := f"soleus/{name}-v0") not in gymnasium.registry:
            gymnasium.register(known, entry_point="soleus.envs:HumanEnv", kwargs={"name": name})
