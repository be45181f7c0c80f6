"""Conditions: numbers that differ from human to human, such as a speed, a muscle's strength or a bone's length."""

from soleus.conditions.conditions import Conditions, asked, load_conditions
from soleus.conditions.varied import varied_human

__all__ = ["Conditions", "asked", "load_conditions", "varied_human"]
