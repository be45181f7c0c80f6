"""Humans in the native core, and the faces they have in Python."""
