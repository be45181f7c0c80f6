"""Soleus trains muscle-driven humans to move, on CPUs, fast."""
