"""How alike a walk is to people's: yardsticks with what is normal, a score each, and one figure of all."""

from soleus.gait.likeness.judging import Walked, judge
from soleus.gait.likeness.total import Likeness

__all__ = ["Likeness", "Walked", "judge"]
