"""A policy at many conditions: a row a stride, in a table for others, and maps of it."""
