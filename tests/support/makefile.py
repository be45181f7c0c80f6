"""What the Makefile calls the stamp that says that the environment is set up."""

import subprocess
from pathlib import Path


def stamp(folder: Path) -> str:
    """Return the stamp's path as the Makefile in a folder has it."""
    database = subprocess.run(["make", "-npq", "setup"], cwd=folder, capture_output=True, text=True, check=False).stdout
    interpreter = next(line for line in database.splitlines() if line.startswith("INTERPRETER :="))
    return f".venv/installed-{interpreter.partition(':= ')[2]}"
