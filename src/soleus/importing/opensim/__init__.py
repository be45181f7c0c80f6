"""Models of OpenSim as files of our own, which load without it."""

from soleus.importing.opensim.files import Imported as Imported
from soleus.importing.opensim.files import import_opensim as import_opensim
