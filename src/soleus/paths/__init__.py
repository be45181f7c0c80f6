"""Fitted muscle paths: polynomials of the joint angles in place of tendons that wrap."""

from soleus.paths.fit import Bounds, FittedPaths, MuscleFit, fit_paths
from soleus.paths.store import fitted_paths, read_paths, to_bytes

__all__ = ["Bounds", "FittedPaths", "MuscleFit", "fit_paths", "fitted_paths", "read_paths", "to_bytes"]
