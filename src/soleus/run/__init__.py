"""A run: its folder, its checkpoints and records, and going on with it."""
