"""What a run folder tells: its iterations and evaluations, its configuration, its summary where there is one."""

import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from soleus.config.strict_yaml import parse_yaml
from soleus.errors import UserError, first_line
from soleus.run.log import read_metrics

Row = Mapping[str, Any]


def number(value: Any) -> float | None:
    """Return a finite number as it is, None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return None


@dataclass(frozen=True)
class RunRecord:
    """One run as its folder tells it. What a run did not record is missing, never guessed."""

    name: str
    """Unique among the runs read together."""
    folder: Path
    iterations: tuple[Row, ...]
    """Rows of metrics.jsonl, at least one."""
    evaluations: tuple[Row, ...]
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    """Empty where the run did not come to write one."""

    def column(self, key: str) -> np.ndarray:
        """Return a metric of all iterations  # (iterations,), nan where it is missing."""
        return _column(self.iterations, key)

    def evaluated(self, key: str) -> np.ndarray:
        """Return a metric of all evaluations  # (evaluations,), nan where it is missing."""
        return _column(self.evaluations, key)

    @property
    def final_summary(self) -> Mapping[str, Any]:
        """The summary where it is that of the last iteration, else empty: a resumed run may have been killed."""
        steps = self.iterations[-1].get("time/steps")
        return self.summary if self.summary.get("steps") == steps else {}

    @property
    def ending(self) -> str:
        """How the run came to its end, in two or three words."""
        if not self.final_summary:
            return "no summary"
        return "stopped early" if self.final_summary.get("interrupted") else "finished"

    def setting(self, *path: str) -> Any:
        """Return a value of the configuration by its path of keys, None where there is no such key."""
        value: Any = self.config
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


def _column(rows: Sequence[Row], key: str) -> np.ndarray:
    found = [number(row.get(key)) for row in rows]
    return np.array([math.nan if value is None else value for value in found], dtype=float)


def read_runs(folders: Sequence[Path]) -> list[RunRecord]:
    """Return the runs of these folders. Raises UserError for a folder that is no run, or one without an iteration."""
    return [_read(folder, name) for folder, name in zip(folders, names_of(folders), strict=True)]


def names_of(folders: Sequence[Path]) -> list[str]:
    """Return a short name for each run: its folder's, with the folders above it where several are called the same."""
    paths = [Path(os.path.abspath(folder)) for folder in folders]
    depths = dict.fromkeys(paths, 1)
    while True:
        short = {path: "/".join(path.parts[-depth:]) for path, depth in depths.items()}
        counts = Counter(short.values())
        shared = [path for path, depth in depths.items() if counts[short[path]] > 1 and depth < len(path.parts)]
        if not shared:
            break
        depths |= {path: depths[path] + 1 for path in shared}
    names, seen = [], Counter[Path]()
    for path in paths:  # the same folder may come twice
        seen[path] += 1
        names.append(short[path] if seen[path] == 1 else f"{short[path]} ({seen[path]})")
    return names


def _read(folder: Path, name: str) -> RunRecord:
    for file in ("config.yaml", "metrics.jsonl"):
        if not (folder / file).is_file():
            got = f"one without {file}" if folder.is_dir() else "a file" if folder.exists() else "nothing there"
            raise UserError(f"{folder}: expected a run folder (with config.yaml and metrics.jsonl), got {got}")
    try:
        rows: Sequence[Row] = read_metrics(folder)
    except OSError as error:
        raise UserError(f"{folder / 'metrics.jsonl'}: expected a file to read, but {error.strerror}") from None
    is_evaluation = [any(key.startswith("evaluate/") for key in row) for row in rows]
    iterations = tuple(row for row, other in zip(rows, is_evaluation, strict=True) if not other)
    if not iterations:
        raise UserError(f"{folder / 'metrics.jsonl'}: expected at least one iteration, got none")
    return RunRecord(
        name=name,
        folder=folder,
        iterations=iterations,
        evaluations=tuple(row for row, other in zip(rows, is_evaluation, strict=True) if other),
        config=read_mapping(folder / "config.yaml"),
        summary=read_mapping(folder / "summary.json") if (folder / "summary.json").is_file() else {},
    )


def read_mapping(file: Path) -> dict[str, Any]:
    """Return what a YAML or JSON file holds, keys of other versions too."""
    kind = "YAML" if file.suffix == ".yaml" else "JSON"
    try:
        text = file.read_text(encoding="utf-8")
        content = parse_yaml(text, str(file)) if kind == "YAML" else json.loads(text)
    except OSError as error:
        raise UserError(f"{file}: expected a file to read, but {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{file}: expected {kind}, got something else ({first_line(error)})") from None
    if not isinstance(content, dict):
        raise UserError(f"{file}: expected {kind} with keys and values, got {type(content).__name__}")
    return content
