"""Whole episodes under a policy, counted: of humans and of other environments."""
