"""Sockets, cores and memory nodes that the CPUs in reach lie on, as Linux tells them in /sys."""

import re
from collections.abc import Collection
from pathlib import Path

from soleus.doctor.finding import Finding, plural


def topology(cpus: Collection[int], root: Path = Path("/")) -> Finding:
    """Say where CPUs lie, by their numbers. root: where /sys is mounted."""
    folder = root / "sys/devices/system"
    sockets = {cpu: _number(folder / f"cpu/cpu{cpu}/topology/physical_package_id") for cpu in cpus}
    cores = {cpu: (sockets[cpu], _number(folder / f"cpu/cpu{cpu}/topology/core_id")) for cpu in cpus}
    if None in sockets.values():
        return Finding("topology", "note", f"sockets and cores are not told: expected them in {folder}/cpu")
    text = f"{plural(len(set(cores.values())), 'core')} of {plural(len(set(sockets.values())), 'socket')}"
    if len(set(cores.values())) < len(cpus):
        text += f" ({len(cpus)} hardware threads, which share the cores' units)"
    nodes = _memory_nodes(folder / "node", cpus)
    sizes = " and ".join(f"{gigabytes:.1f} GB" for gigabytes in nodes)
    if len(nodes) < 2:
        return Finding("topology", "ok", f"{text}; {f'1 memory node of {sizes}' if nodes else 'memory nodes not told'}")
    advice = "a run is often faster within one: numactl --cpunodebind=0 --membind=0 soleus train ..."
    return Finding("topology", "note", f"{text}; {len(nodes)} memory nodes of {sizes}: {advice}")


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _memory_nodes(folder: Path, cpus: Collection[int]) -> list[float]:
    """Return the memory of each node that has some of these CPUs [GB]."""
    sizes = []
    for node in sorted(folder.glob("node[0-9]*")):
        try:
            listed, memory = (node / "cpulist").read_text(), (node / "meminfo").read_text()
        except OSError:
            continue
        total = re.search(r"MemTotal:\s+(\d+) kB", memory)
        if total and _cpus_of(listed) & set(cpus):
            sizes.append(int(total[1]) * 1024 / 1e9)
    return sizes


def _cpus_of(listed: str) -> set[int]:
    """Return {0, 1, 2, 8} for "0-2,8"."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", listed):
        found |= set(range(int(first), int(last or first) + 1))
    return found
