"""The loggers that a run has asked for: begun together, each on its own from then on, ended together.

What each finds its record of a run by again is in loggers.json of the run's folder, so that a resumed run goes on in
the same records.
"""

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

from soleus.config import RunConfig
from soleus.errors import UserError, described
from soleus.machine.files import write_bytes
from soleus.run.loggers.base import Known, Logger, RunFacts

FILE = "loggers.json"
_MADE_BY = {  # imported only where they are asked for: the package of the same name may not be there
    "tensorboard": ("soleus.run.loggers.tensorboard", "TensorBoard"),
    "wandb": ("soleus.run.loggers.wandb", "WeightsAndBiases"),
    "mlflow": ("soleus.run.loggers.mlflow", "MLflow"),
}


def check(names: Iterable[str]) -> None:
    """Raise UserError for a logger whose package is missing."""
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:  # a folder of that name in the current one is no package
            raise UserError(f"log: {name} needs its package, got none: pip install 'soleus[{name}]'")


def _read(folder: Path) -> dict[str, Known]:
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not all(map(_is_known, content.values())):
        said = "expected the ids of its records by logger, got another file"
        raise UserError(f"{path}: {said}; without the file loggers begin new records")
    return content


def _is_known(content: object) -> bool:
    return isinstance(content, dict) and all(isinstance(text, str) for text in content.values())


def _in_a_line(error: Exception) -> str:
    return " ".join(described(error).split())


class Loggers:
    """Loggers by name. One that fails is told of, once, and left out from then on: metrics.jsonl has everything."""

    def __init__(self, ones: Mapping[str, Logger] | None = None) -> None:
        self._ones = dict(ones or {})

    @classmethod
    def begin(cls, config: RunConfig, folder: Path, resume_steps: int | None = None) -> Self:
        """Begin those that a run asks for, or go on with them. Raises UserError for one that cannot; none is then left.

        folder: of the run. resume_steps: that it goes on from.
        """
        everything = RunFacts(folder, config.model_dump(mode="json", by_alias=True), resume_steps)
        known = _read(folder)
        begun = cls()
        try:
            for name in config.log:
                begun._begin(name, replace(everything, known=known.get(name)))
            found = {name: one.known for name, one in begun._ones.items() if one.known is not None}
            if any(known.get(name) != one for name, one in found.items()):
                write_bytes(folder / FILE, (json.dumps({**known, **found}, indent=2) + "\n").encode())
        except BaseException:
            begun.close(failed=True)
            raise
        return begun

    def _begin(self, name: str, run: RunFacts) -> None:
        module, kind = _MADE_BY[name]
        try:
            self._ones[name] = getattr(importlib.import_module(module), kind)(run)
        except Exception as error:  # clients raise whatever their libraries do
            raise UserError(f"log: expected {name} to record the run, but it failed ({_in_a_line(error)})") from None

    def row(self, metrics: Mapping[str, float], steps: int) -> None:
        """Record finite metrics, "time/steps" among them, at so many steps."""
        for name, one in list(self._ones.items()):
            try:
                one.row(metrics, steps)
            except Exception as error:
                del self._ones[name]
                self._warn(name, error, "the run goes on without it")

    def close(self, failed: bool = False) -> None:
        """End them. failed: the run ended by an error."""
        while self._ones:
            name, one = self._ones.popitem()
            try:
                one.close(failed)
            except Exception as error:
                self._warn(name, error, "it may lack the end of the run")

    @staticmethod
    def _warn(name: str, error: Exception, result: str) -> None:
        said = f"warning: log: {name} failed ({_in_a_line(error)}): {result}; metrics.jsonl has everything"
        print(said, file=sys.stderr, flush=True)
