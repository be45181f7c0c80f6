"""An exoskeleton: devices that give ideal torques at joints of a human, and what their masses make of its model."""

from soleus.exoskeleton.devices import Device, device_data, load_devices
from soleus.exoskeleton.masses import strapped

__all__ = ["Device", "device_data", "load_devices", "strapped"]
