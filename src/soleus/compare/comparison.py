"""A comparison: the runs, their figures, and what is to be said about them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from soleus.compare.figures import Figures, figures_of
from soleus.compare.reading import RunRecord
from soleus.compare.sentences import return_sentence, speed_sentence
from soleus.compare.settings import differences, subject_warning


@dataclass(frozen=True)
class Comparison:
    """Runs side by side; the first is the reference."""

    runs: list[RunRecord]
    figures: list[Figures]
    """One a run."""
    differences: dict[str, dict[str, Any]]
    """Settings that are not the same in all runs: dotted key -> run's name -> value, where it has one."""
    speed: str
    returns: str
    warning: str | None
    """Where the runs are of different environments or models."""

    @property
    def names(self) -> list[str]:
        """The runs' names, in order."""
        return [run.name for run in self.runs]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data; a figure that a run did not record is None."""
        return {
            "reference": self.runs[0].name,
            "runs": [
                {
                    "name": run.name,
                    "folder": str(run.folder),
                    "ending": run.ending,
                    **asdict(figures),
                    "machine": run.summary.get("machine"),
                    "versions": run.summary.get("versions"),
                }
                for run, figures in zip(self.runs, self.figures, strict=True)
            ],
            "differences": self.differences,
            "speed": self.speed,
            "return": self.returns,
            "warning": self.warning,
        }


def compare_runs(runs: Sequence[RunRecord]) -> Comparison:
    """Return the comparison of runs with the first of them."""
    figures, warning = figures_of(runs), subject_warning(runs)
    return Comparison(
        runs=list(runs),
        figures=figures,
        differences=differences(runs),
        speed=speed_sentence(runs, figures),
        returns=return_sentence(runs, figures, comparable=warning is None),
        warning=warning,
    )
