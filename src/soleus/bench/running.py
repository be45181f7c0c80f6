"""A run as users have it, advanced an iteration at a time: what the benchmarks of training measure."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import TracebackType
from typing import Self

from soleus.config import RunConfig
from soleus.run.log import read_metrics
from soleus.training import build, iterate

# No schedule comes to its end while it is measured, and nothing of it is kept.
_ENDLESS = {"steps": None, "duration": 1e9, "checkpoint_url": None}


@contextmanager
def _silently() -> Iterator[None]:
    """Keep the run's progress off the output, which is the benchmark's."""
    with redirect_stdout(io.StringIO()):
        yield


class Running:
    """A run in a temporary folder."""

    def __init__(self, config: RunConfig) -> None:
        """Raises UserError for a configuration that does not work."""
        self._folder = tempfile.TemporaryDirectory(prefix="soleus-bench-")
        train = config.train.model_copy(update=_ENDLESS)
        try:
            with _silently():
                self.run = build(config.model_copy(update={"train": train}), Path(self._folder.name) / "run")
        except BaseException:
            self._folder.cleanup()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def iterate(self) -> dict[str, float]:
        """Collect, learn, publish and record once; return the row of metrics.jsonl."""
        with _silently():
            iterate(self.run)
        return read_metrics(self.run.folder)[-1]

    def close(self) -> None:
        """End its processes and threads, remove its folder."""
        try:
            with _silently():
                self.run.close()
                self.run.log.close()
        finally:
            self._folder.cleanup()
