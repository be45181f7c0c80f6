"""Environments of the successor of MASS as files of our own: a body, muscles, a motion, and what is to be learnt.

J. Park, S. Min, P. S. Chang, J. Lee, M. S. Park, J. Lee, "Generative GaitNet", SIGGRAPH 2022; J. Park, M. S. Park,
J. Lee, J. Won, "Bidirectional GaitNet", SIGGRAPH 2023.
"""

from soleus.importing.gaitnet.files import import_gaitnet as import_gaitnet
