"""Makes every preset of a human known to gymnasium.make, without loading what only environments need."""

import functools

import gymnasium

from soleus.config import is_of_env, names


@functools.cache
def register() -> None:
    """Register every preset of a human as "soleus/<preset>-v0", once."""
    for name in names("presets"):
        if (known := f"soleus/{name}-v0") not in gymnasium.registry and not is_of_env(name):
            gymnasium.register(
                known,
                entry_point="soleus.sim.human_env:HumanEnv",
                vector_entry_point="soleus.sim.gymnasium:make_vec",
                kwargs={"name": name},
            )
