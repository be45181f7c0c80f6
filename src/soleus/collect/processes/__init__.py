"""Collectors in processes of this machine."""
