"""Collectors on many machines, by Ray."""
