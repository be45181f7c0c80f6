"""A trained policy, as a run's checkpoint holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soleus import checkpoint
from soleus.config import Config, RunConfig, load_config
from soleus.errors import UserError


@dataclass(frozen=True, eq=False)
class Trained:
    """A policy and all that acts with it."""

    file: Path
    config: RunConfig
    policy: Mapping[str, Any]
    muscle: Mapping[str, Any] | None
    """Weights of the muscle network, where coordination is done by one."""
    steps: int
    """Control steps that it has learnt from."""

    @property
    def run(self) -> Path:
        """Its run folder."""
        return self.file.parent.parent

    def human(self) -> Config:
        """Return the configuration of a human; raises UserError for a run of other environments."""
        if not isinstance(self.config, Config):
            raise UserError(f"{self.run}: expected a run of a human, got one of '{self.config.subject}'")
        return self.config


def load_trained(run: Path, which: str = "best") -> Trained:
    """Return the policy of a run folder, or of a checkpoint file.

    which: best (or else latest), latest, previous, or the steps of one that was kept; of a run folder alone.
    Raises UserError where there is no such run or checkpoint, or where it lacks the muscle network that its control
    needs.
    """
    if which not in ("best", "latest", "previous") and not which.isdigit():
        raise UserError(f"--checkpoint: expected best, latest, previous or a number of steps, got '{which}'")
    if run.is_file() and which != "best":
        raise UserError(f"--checkpoint: expected none beside a checkpoint file, got {which} and {run}")
    file = checkpoint.locate(run, f"step-{which}.pt" if which.isdigit() else f"{which}.pt")
    content = checkpoint.read(file)
    config = load_config(file.parent.parent / "config.yaml")
    if isinstance(config, Config) and config.trains_muscle_network and content["muscle"] is None:
        raise UserError(
            f"{file}: expected the weights of the muscle network that coordination.method network needs, got none"
        )
    return Trained(
        file,
        config,
        checkpoint.as_arrays(content["policy"]),
        checkpoint.as_arrays(content["muscle"]) if content["muscle"] else None,
        int(content["counters"]["steps"]),
    )
