import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from soleus.config import dump_config, load_config
from soleus.doctor.finding import Finding
from soleus.doctor.folder import examine_run
from soleus.errors import UserError
from soleus.run import checkpoint

CONTENT: dict[str, Any] = {"policy": {}, "muscle": None, "ppo": {}, "muscle_learner": None, "collector": {}}
HERE = {"mujoco": "3.17.0", "torch": "2.13.0"}


def run(
    folder: Path,
    preset: str = "walk2d",
    summary: Mapping[str, Any] | None = None,
    rows: list[dict[str, float]] | None = None,
    **overrides: Any,
) -> Path:
    """Write a run folder; overrides by dotted key with `__` for the dot."""
    folder.mkdir()
    config = load_config(preset, {key.replace("__", "."): value for key, value in overrides.items()})
    (folder / "config.yaml").write_text(dump_config(config))
    row = {"time/steps": 100, "time/steps_per_s": 10.0}
    (folder / "metrics.jsonl").write_text("".join(json.dumps({**row, **one}) + "\n" for one in rows or [{}]))
    if summary is not None:
        (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "checkpoints").mkdir()
    for _ in range(2):  # a latest one and a previous one
        checkpoint.save(folder / "checkpoints", {"counters": {"steps": 4096}, **CONTENT})
    return folder


def found(folder: Path, name: str, cpus: int = 2, free_mb: float = 1e6) -> list[Finding]:
    return [one for one in examine_run(folder, cpus, free_mb, HERE) if one.name == f"run {name}"]


def test_a_run_that_fits(tmp_path: Path) -> None:
    findings = examine_run(run(tmp_path / "run", summary={"num_threads": 2, "versions": HERE}), 2, 1e6, HERE)
    assert [(one.name, one.state, one.text) for one in findings] == [
        ("run threads", "ok", "what it asks for fits the 2 CPUs in reach"),
        ("run checkpoint", "ok", "latest.pt is whole, after 4,096 steps"),
    ]


def test_more_threads_than_cpus(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", train__num_threads=8, train__learner_threads=4)
    first, second = found(folder, "threads")
    assert (first.state, second.state) == ("wrong", "wrong")
    assert first.text == "train.num_threads asks for 8 threads, with 2 CPUs in reach: go on with --num-threads 2"
    assert second.text.startswith("train.learner_threads asks for 4 threads, with 2 CPUs in reach: go on with")
    assert second.text.endswith(" --train.learner_threads 2")
    assert [one.state for one in found(folder, "threads", cpus=8)] == ["ok"]


def test_a_run_of_a_larger_machine(tmp_path: Path) -> None:
    (one,) = found(run(tmp_path / "run", summary={"num_threads": 16}), "threads")
    assert (one.state, one.text) == ("note", "it ran with 16 threads and goes on with 2: 2 CPUs in reach")


@pytest.mark.parametrize(
    ("workers", "each", "advice"),
    [(8, 1, "--num-workers 2"), (2, 2, "--num-workers 1"), (1, 4, "--num-workers 1 --threads-per-worker 1")],
)
def test_more_workers_than_cpus(tmp_path: Path, workers: int, each: int, advice: str) -> None:
    keys = {"parallel__num_workers": workers, "parallel__threads_per_worker": each, "parallel__collector": "workers"}
    folder = run(tmp_path / "run", "cartpole", **keys)
    (one,) = found(folder, "workers")
    assert one.state == "wrong"
    assert one.text.endswith(f"each, with 2 CPUs in reach: go on with {advice}")
    assert found(folder, "workers", cpus=8) == []


@pytest.mark.parametrize(("share", "state"), [(0.1, "ok"), (0.6, "note")])
def test_its_waiting(tmp_path: Path, share: float, state: str) -> None:
    (one,) = found(run(tmp_path / "run", rows=[{"time/waiting_share": share}]), "waiting")
    assert one.state == state
    assert one.text.startswith(f"workers wait for the slowest in {share:.0%} of the collection")
    (one,) = found(run(tmp_path / "profiled", rows=[{"profile/waiting": share}]), "waiting")
    assert one.state == state
    assert one.text.startswith(f"threads wait for one another in {share:.0%} of an iteration")


def test_its_memory(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", summary={"peak_memory_mb": 900.0}, rows=[{"system/memory_mb": 1200.0}])
    assert [one.state for one in found(folder, "memory", free_mb=2000.0)] == ["ok"]
    (one,) = found(folder, "memory", free_mb=1000.0)
    assert (one.state, one.text.endswith("it may be under way")) == ("ok", True)
    os.utime(folder / "metrics.jsonl", (time.time() - 3600,) * 2)
    (one,) = found(folder, "memory", free_mb=1000.0)
    assert (one.state, one.text[:50]) == ("wrong", "1,200 MB at most, of 1,000 MB that are free here: ")


def test_other_versions(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", summary={"versions": {"mujoco": "3.16.0", "torch": "2.13.0", "numpy": "1"}})
    (one,) = found(folder, "versions")
    text = "it ran with mujoco 3.16.0 (here 3.17.0): it will not go on bit for bit"
    assert (one.state, one.text) == ("note", text)


def test_a_checkpoint_that_is_not_whole(tmp_path: Path) -> None:
    folder = run(tmp_path / "run")
    latest = folder / "checkpoints/latest.pt"
    latest.write_bytes(latest.read_bytes()[:-100])
    (one,) = found(folder, "checkpoint")
    assert one.state == "wrong"
    assert "it is truncated or no checkpoint; the previous one is good" in one.text
    latest.unlink()
    (one,) = found(folder, "checkpoint")
    assert (one.state, "but there is none" in one.text) == ("wrong", True)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", summary={})
    (folder / "summary.json").write_text("{")
    (one,) = found(folder, "summary")
    assert (one.state, "expected JSON, got something else" in one.text) == ("wrong", True)
    (folder / "config.yaml").write_text("model: walk2d\nspeed: 3\n")
    (one,) = found(folder, "config")
    assert (one.state, "unknown key 'speed'" in one.text) == ("wrong", True)
    assert [one.state for one in found(folder, "checkpoint")] == ["ok"]


def test_a_run_killed_before_its_first_iteration(tmp_path: Path) -> None:
    folder = run(tmp_path / "run")
    (folder / "metrics.jsonl").unlink()
    assert [one.name for one in examine_run(folder, 2, 1e6, HERE)] == ["run threads", "run checkpoint"]


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected a run folder \(with config.yaml\), got none"):
        examine_run(tmp_path, 2, 1e6, HERE)
