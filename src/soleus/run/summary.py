"""The summary of a run: summary.json, with the machine and the versions that its numbers belong to."""

import json
import math
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from soleus.errors import UserError
from soleus.machine.cpus import available_cpus
from soleus.machine.files import write_bytes
from soleus.machine.memory import own_peak_mb

PACKAGES = ("soleus", "mujoco", "myo-sim", "numpy", "torch", "gymnasium", "envpool")


def machine() -> dict[str, Any]:
    """Return what the numbers of a run or a bench depend on: processor, CPUs that may be used, system."""
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(errors="replace").splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
    return {"processor": processor, "cpus": available_cpus(), "system": platform.platform()}


def versions() -> dict[str, str]:
    """Return the versions that decide what a run computes: of Python, of packages, and for what the core was built.

    The core is "native", built for the machine that it was built on, or names an instruction set such as x86-64-v4.
    Cores for different instruction sets may round differently.
    """
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    try:
        import mujoco  # noqa: F401  loads the library that the core links against

        from soleus import _core
    except (ImportError, UserError):
        return found  # `soleus doctor` says why
    found["core"] = _core.INSTRUCTION_SET
    return found


def write_summary(run_dir: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write facts, versions and machine to summary.json; return them all.

    The peak memory is that of this process unless the facts tell of one. A number that is not finite is null.
    """
    summary: dict[str, Any] = finite(
        {"peak_memory_mb": own_peak_mb(), **facts, "versions": versions(), "machine": machine()}
    )
    write_bytes(run_dir / "summary.json", (as_json(summary, indent=2) + "\n").encode())
    return summary


def as_json(content: Any, **options: Any) -> str:
    """Return JSON text that every reader takes: a number that is not finite is null."""
    return json.dumps(finite(content), allow_nan=False, **options)


def finite(content: Any) -> Any:
    """Return nested mappings and lists with None for every number that is not finite: JSON has none of these."""
    if isinstance(content, Mapping):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
