"""The native core of a portable build, which has several: importing this gives the one for the processor.

The build installs this file where a build for one processor has the core itself, so that `from soleus import _core` is
the same for both.
"""

import importlib.util
import sys
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import ModuleType

from soleus.errors import UserError

_V3 = frozenset({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"})
# What each instruction set needs beyond x86-64-v2, as Linux names it, the widest first.
INSTRUCTION_SETS = {
    "x86-64-v4": _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "x86-64-v3": _V3,
}


def features(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return the instructions of this processor that the system lets programs use."""
    flags = (line.partition(":")[2] for line in cpuinfo.read_text().splitlines() if line.startswith("flags"))
    return set(next(flags, "").split())


def widest(has: AbstractSet[str]) -> str:
    """Return the widest instruction set that a processor with these features has; raises UserError for none."""
    for name, needed in INSTRUCTION_SETS.items():
        if needed <= has:
            return name
    raise UserError(
        "expected a processor of x86-64-v3 for the core of this package, got one without"
        f" {', '.join(sorted(_V3 - has))}: build Soleus from its sources on this machine"
    )


def load(instruction_set: str) -> ModuleType:
    """Return the core that was built for an instruction set."""
    (file,) = (Path(__file__).parent / "_cores" / instruction_set).glob("_core.*")
    spec = importlib.util.spec_from_file_location("soleus._core", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "soleus._core":
    sys.modules[__name__] = load(widest(features()))
