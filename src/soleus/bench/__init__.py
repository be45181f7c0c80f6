"""Benchmarks to run again: `soleus bench`. Two things are compared in one run, alternating, by medians.

Nothing is imported here: the processes that step `soleus.bench.slow` need none of it.
"""
