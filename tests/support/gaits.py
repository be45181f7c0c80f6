"""Gaits with names, as runs have them."""

from soleus.gait import Report
from soleus.gait.overlay import Gait


def gait(label: str, report: Report) -> Gait:
    """Return the gait of a run of that name."""
    return Gait(label, {"name": label, "folder": f"runs/{label}", "checkpoint": "best.pt", "steps": 812345}, report)
