import os
from pathlib import Path

import pytest
import torch

from soleus.machine import threads
from soleus.machine.cpus import available_cpus


def fake(root: Path, groups: str, files: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture(autouse=True)
def _sixteen_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)


@pytest.mark.parametrize(
    ("groups", "files", "cpus"),
    [
        ("", {}, 16),
        ("0::/\n", {"cpu.max": "max 100000"}, 16),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "400000 100000"}, 4),
        ("0::/a\n", {"a/cpu.max": "150000 100000"}, 2),
        ("0::/a\n", {"a/cpu.max": "1000 100000"}, 1),
        ("0::/host/path\n", {"cpu.max": "300000 100000"}, 3),
        (
            "3:cpu,cpuacct:/a\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "200000", "cpu,cpuacct/a/cpu.cfs_period_us": "100000"},
            2,
        ),
        ("3:cpu:/\n2:memory:/x\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 16),
        ("0::/a\n", {"a/cpu.max": "6400000 100000"}, 16),
    ],
)
def test_cpus_that_may_be_used(tmp_path: Path, groups: str, files: dict[str, str], cpus: int) -> None:
    assert available_cpus(fake(tmp_path, groups, files)) == cpus


def test_more_threads_than_cpus_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threads, "available_cpus", lambda: 2)
    assert threads.collector_threads(None) == 2
    assert threads.collector_threads(2) == 2
    assert capsys.readouterr().err == ""
    assert threads.collector_threads(7) == 7
    assert capsys.readouterr().err == "warning: 7 threads asked for, but this process may use 2 CPUs\n"


def test_the_learner_takes_turns_with_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available_cpus", lambda: 2)
    before = torch.get_num_threads()
    try:
        assert threads.set_learner_threads(None, collector=7) == 2
        assert threads.set_learner_threads(1, collector=2) == 1
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
