"""`soleus presets`: what can be trained by name."""

from soleus.config import names, summary_of


def presets() -> None:
    """List the presets that `soleus train` knows."""
    known = names("presets")
    width = max(len(name) for name in known)
    for name in known:
        print(f"{name:{width}}  {summary_of(name)}")
