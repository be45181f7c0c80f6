"""A run of a walker for tests of what can be seen of it, and what pictures of it show."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest

from soleus.cli import main
from soleus.render import gl


@functools.cache
def small_run() -> Path:
    """A run of a few seconds, made once a test run: its policy hardly knows anything, which pictures do not mind."""
    folder = Path(tempfile.mkdtemp(prefix="soleus-walker-")) / "run"
    assert main(["train", "test-walk2d-small", "--steps", "8192", "--run-dir", str(folder)]) == 0
    return folder


needs_gl = pytest.mark.skipif(not any(map(gl.works, gl.BACKENDS)), reason="no OpenGL: apt install libosmesa6")


def muscles_seen(image: np.ndarray) -> np.ndarray:
    """Where an image (H, W, 3) shows muscles, (H, W): nothing else is of a full blue, amber or red."""
    return np.asarray(np.ptp(image.astype(int), axis=-1) > 70)


def warmth(image: np.ndarray) -> float:
    """Mean of red minus blue over an image's muscles."""
    seen = muscles_seen(image)
    return float((image[..., 0].astype(int) - image[..., 2])[seen].mean())
