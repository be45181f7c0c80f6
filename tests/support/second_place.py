"""Runs that have a second place, and what one sees of a run."""

from pathlib import Path
from typing import Any

import point_mass
from soleus.config import HumanRunConfig
from soleus.run import checkpoint, log
from soleus.run.live import LiveRun
from soleus.training import build

APART = ("events.out.tfevents", "owner.txt")  # what is in one of the two places alone


def start(config: HumanRunConfig, folder: Path, **options: Any) -> LiveRun:
    options = {"make_collector": point_mass.PointMassCollector, "evaluate": point_mass.evaluate, **options}
    return build(config, folder, **options)


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder, by name."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if not name.startswith(APART)}


def rows(folder: Path) -> list[dict[str, float]]:
    """What the iterations of a run recorded, without what depends on the clock."""
    return [
        {key: value for key, value in row.items() if key == "time/steps" or not key.startswith(("time/", "system/"))}
        for row in log.read_metrics(folder)
        if "evaluate/mean_return" not in row
    ]


def steps(folder: Path, name: str) -> int:
    """Control steps before a checkpoint; 0 where there is none."""
    file = folder / "checkpoints" / name
    return int(checkpoint.read(file)["counters"]["steps"]) if file.exists() else 0
