"""Gaits laid over one another: what they share on one page, with differences and how much these vary."""

from soleus.gait.overlay.laying import Gait, Overlay, lay_over
from soleus.gait.overlay.writing import write_overlay

__all__ = ["Gait", "Overlay", "lay_over", "write_overlay"]
