"""The machine that a run is on: its CPUs, its memory, and what of them is used."""
