"""How the configurations of runs differ, and whether they are about the same thing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from soleus.compare.reading import RunRecord


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested configuration as dotted keys; lists and empty mappings are values."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def differences(runs: Sequence[RunRecord]) -> dict[str, dict[str, Any]]:
    """Return the settings that are not the same in all runs: dotted key -> run's name -> value, where it has one."""
    flat = {run.name: flatten(run.config) for run in runs}
    keys = dict.fromkeys(key for config in flat.values() for key in config)
    values = {key: {name: config[key] for name, config in flat.items() if key in config} for key in keys}
    return {
        key: found
        for key, found in values.items()
        if len(found) < len(runs) or len({json.dumps(value, default=str) for value in found.values()}) > 1
    }


def subject_of(run: RunRecord) -> str:
    """Return what a run is about: its environment, or its model and task."""
    env = run.setting("env")
    if isinstance(env, Mapping):
        env = env.get("id")
    named = [env] if env else [run.setting("model"), run.setting("task", "name")]
    return " ".join(str(part) for part in named if part) or "unknown"


def subject_warning(runs: Sequence[RunRecord]) -> str | None:
    """Return a line about runs of different environments or models; None where they are all of one."""
    subjects: dict[str, list[str]] = {}
    for run in runs:
        subjects.setdefault(subject_of(run), []).append(run.name)
    if len(subjects) == 1:
        return None
    listed = "; ".join(f"{subject} ({', '.join(names)})" for subject, names in subjects.items())
    return f"the runs are of different environments or models, so their returns do not compare: {listed}"
