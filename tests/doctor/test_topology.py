from pathlib import Path

from soleus.doctor.topology import topology


def machine(root: Path, cores: dict[int, tuple[int, int]], nodes: dict[int, tuple[str, int]]) -> Path:
    """Write what /sys says. cores: socket and core by CPU; nodes: CPUs and memory [kB] by node."""
    for cpu, (socket, core) in cores.items():
        folder = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text(f"{socket}\n")
        (folder / "core_id").write_text(f"{core}\n")
    for node, (cpus, memory) in nodes.items():
        folder = root / f"sys/devices/system/node/node{node}"
        folder.mkdir(parents=True)
        (folder / "cpulist").write_text(f"{cpus}\n")
        (folder / "meminfo").write_text(f"Node {node} MemTotal:       {memory} kB\nNode {node} MemFree: 1 kB\n")
    return root


def test_two_sockets_with_memory_of_their_own(tmp_path: Path) -> None:
    cores = {cpu: (cpu // 2, cpu % 2) for cpu in range(4)}
    root = machine(tmp_path, cores, {0: ("0-1", 1_000_000), 1: ("2,3", 2_000_000)})
    found = topology({0, 1, 2, 3}, root)
    assert found.state == "note"
    assert found.text.startswith("4 cores of 2 sockets; 2 memory nodes of 1.0 GB and 2.0 GB: a run is often faster")
    found = topology({2, 3}, root)
    assert (found.state, found.text) == ("ok", "2 cores of 1 socket; 1 memory node of 2.0 GB")


def test_hardware_threads_of_one_core(tmp_path: Path) -> None:
    root = machine(tmp_path, {0: (0, 0), 1: (0, 0)}, {})
    found = topology({0, 1}, root)
    text = "1 core of 1 socket (2 hardware threads, which share the cores' units); memory nodes not told"
    assert (found.state, found.text) == ("ok", text)


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    assert topology({0}, tmp_path).state == "note"


def test_this_machine() -> None:
    assert topology({0}).name == "topology"
