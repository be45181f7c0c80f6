"""What a run sums up to: summary.json, with the machine and the versions that its numbers belong to."""

import json
import platform
import resource
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from soleus.checkpoint import write_bytes
from soleus.threads import available_cpus

_PACKAGES = ("soleus", "mujoco", "myo-sim", "numpy", "torch", "gymnasium")


def machine() -> dict[str, Any]:
    """Return what the numbers of a run or a bench depend on: processor, CPUs that may be used, system."""
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(errors="replace").splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
    return {"processor": processor, "cpus": available_cpus(), "system": platform.platform()}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide what a run computes."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def peak_memory_mb() -> float:
    """Return the peak resident memory of this process [MB]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def write_summary(run_dir: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write facts, peak memory, versions and machine to summary.json; return them all."""
    summary = {**facts, "peak_memory_mb": peak_memory_mb(), "versions": versions(), "machine": machine()}
    write_bytes(run_dir / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    return summary
