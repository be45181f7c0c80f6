"""OpenGL without a screen: EGL or OSMesa, whichever works here."""

import functools
import importlib
import os
import subprocess
import sys
from typing import Any

from soleus.errors import UserError

BACKENDS = {"egl": "libegl1", "osmesa": "libosmesa6"}
"""Debian's package of each, in the order in which they are tried: only the first can use a GPU."""
_PROBE = "import importlib; importlib.import_module('mujoco.{0}').GLContext(64, 64).make_current()"
_PATIENCE = 60  # [s]


@functools.cache
def works(backend: str) -> bool:
    """Whether a backend gives a context, tried in a process of its own: one that fails can take its process with it."""
    environment = {key: value for key, value in os.environ.items() if key != "PYOPENGL_PLATFORM"}
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _PROBE.format(backend)],
            env={**environment, "MUJOCO_GL": backend},
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


@functools.cache
def backend() -> str:
    """Return the backend of this process: that of MUJOCO_GL, or the first that works. Raises UserError."""
    asked = os.environ.get("MUJOCO_GL", "").strip().lower()
    candidates = [asked] if asked in BACKENDS else list(BACKENDS)
    found = next((one for one in candidates if works(one)), None)
    if found is None:
        packages = " or ".join(BACKENDS[one] for one in reversed(candidates))
        raise UserError(
            f"expected OpenGL without a screen ({', '.join(candidates)}), got none that works: apt install {packages}"
        )
    return found


def make_context(width: int, height: int) -> Any:
    """Return a current context of this size [pixels]; free() ends it. Raises UserError where there is no OpenGL."""
    name = backend()
    os.environ["PYOPENGL_PLATFORM"] = name  # PyOpenGL reads it once, as it is loaded
    context = importlib.import_module(f"mujoco.{name}").GLContext(width, height)
    context.make_current()
    return context
