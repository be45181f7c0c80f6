"""Makes every preset known to gymnasium.make, without loading what only environments need."""

import gymnasium

from soleus.config import names


def register() -> None:
    """Register every preset as "soleus/<preset>-v0"."""
    for name in names("presets"):
        if (known := f"soleus/{name}-v0") not in gymnasium.registry:
            gymnasium.register(known, entry_point="soleus.envs:HumanEnv", kwargs={"name": name})
