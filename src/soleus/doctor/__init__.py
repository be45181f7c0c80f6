"""What could make runs slow or fail, here, in a run's folder, or in a run under way: `soleus doctor`."""
