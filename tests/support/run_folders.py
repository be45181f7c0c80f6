"""Small run folders with numbers that one can follow by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

CONFIG: dict[str, Any] = {
    "env": {"id": "gymnasium:CartPole-v1", "options": {}},
    "train": {"num_envs": 8, "seed": 0, "num_threads": None},
    "ppo": {"epochs": 4},
    "parallel": {"collector": "inline", "num_workers": 1, "num_envs_per_worker": 8},
}
NATIVE = {"model": "walk2d", "task": {"name": "walk"}, "train": {"num_envs": 8, "num_threads": 2}}
MACHINE = {"processor": "Abacus", "cpus": 2, "system": "Linux"}


def iteration(number: int, steps_per_s: float, steps: int = 100, before_s: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return the row of the number-th iteration of `steps` steps each, all at one speed, `before_s` passing first."""
    seconds = before_s + number * steps / steps_per_s
    row = {"time/steps": number * steps, "time/seconds": seconds, "time/steps_per_s": steps_per_s}
    return row | {key.replace("__", "/"): value for key, value in more.items()}


def write_run(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any] = CONFIG,
    summary: Mapping[str, Any] | None = None,
) -> Path:
    """Write a run folder; no summary.json where `summary` is None."""
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "config.yaml").write_text(yaml.safe_dump(dict(config), sort_keys=False))
    if summary is not None:
        (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def sequential(folder: Path) -> Path:
    """Write a run of four iterations of 100 steps at 50 steps/s, 2 s each, and an evaluation of 2 s after them."""
    rows: list[dict[str, Any]] = [
        iteration(number, 50.0, episode__return=value, time__collect_share=0.25, time__learn_share=0.75)
        for number, value in enumerate([1.0, 2.0, 5.0, 4.0], start=1)
    ]
    rows.append({"time/steps": 400, "evaluate/mean_return": 6.5})
    summary = {
        "steps": 400,
        "seconds": 10.0,
        "updates": 64,
        "parallel": {"collector": "inline", "num_workers": 1, "num_envs_per_worker": 8, "threads_per_worker": 1},
        "peak_memory_mb": 512.0,
        "cpu": 0.95,
        "interrupted": False,
        "machine": MACHINE,
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
    }
    return write_run(folder, rows, summary=summary)


def parallel(folder: Path) -> Path:
    """Write a run of two workers at 80 steps/s, killed after its second iteration; half of it is collecting."""
    config = {**CONFIG, "parallel": {"collector": "workers", "num_workers": 2, "num_envs_per_worker": 4}}
    shares = {"time__collect_share": 0.5, "time__learn_share": 0.4, "time__publish_share": 0.02}
    rows = [
        iteration(1, 80.0, **shares, time__waiting_share=0.2, system__memory_mb=700.0, system__cpu=1.5),
        iteration(2, 80.0, **shares, time__waiting_share=0.4, system__memory_mb=650.0, system__cpu=1.7),
    ]
    return write_run(folder, rows, config)


def older(folder: Path) -> Path:
    """Write the single iteration of a run of native humans that knows collecting alone."""
    summary = {"steps": 100, "seconds": 4.0, "num_threads": 2, "num_envs": 8, "peak_memory_mb": 300.0}
    return write_run(folder, [iteration(1, 25.0, time__collect_share=0.8)], NATIVE, summary)
