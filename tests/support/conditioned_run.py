"""A run of seconds with conditions: its policy hardly knows anything, and everybody falls."""

import functools
import tempfile
from pathlib import Path

from soleus.cli import main

CONDITIONS = """
base: test-walk2d-small
conditions:
  stride: [0.8, 1.2]
  strength.plantarflexors_r: [0.2, 1.0]
policy: {mirror: false}
"""


@functools.cache
def conditioned_run() -> Path:
    """Made once a test run."""
    folder = Path(tempfile.mkdtemp(prefix="soleus-conditions-"))
    (folder / "mine.yaml").write_text(CONDITIONS)
    assert main(["train", str(folder / "mine.yaml"), "--steps", "8192", "--run-dir", str(folder / "run")]) == 0
    return folder / "run"
