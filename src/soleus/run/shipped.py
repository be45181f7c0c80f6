"""Policies that come with the package, and what somebody means who names a run.

Each has a folder in policies/ as a run has one, with the policy alone in its checkpoint, and a record of its training.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from soleus.config import builtin
from soleus.config.fields import Section
from soleus.errors import UserError, nearest
from soleus.run.remote_run import local_copy

RECORD = "trained.yaml"
"""File in the folder of a policy that says how it was trained."""


class Record(Section):
    """How a policy was trained, and what it came to when it was put into the package."""

    preset: str
    changes: dict[str, Any] = Field(default_factory=dict)
    """Keys of the configuration with other values than those of the preset."""
    seed: int
    steps: int
    """Control steps that it has learnt from."""
    version: str
    """Of the package that measured the rest."""
    evaluation: dict[str, float]
    """As soleus.evaluate returns it."""
    likeness: float | None
    """How alike the walk is to people's, 0 to 1; None for who does not walk."""


def record_of(name: str) -> Record:
    """Return the record of a policy that comes with the package."""
    return Record.model_validate(yaml.safe_load((builtin.policy(name) / RECORD).read_text(encoding="utf-8")))


def place_of(run: str) -> Path:
    """Return the path of what somebody names: a run folder, a checkpoint file, the URL of either, or a policy's name.

    A file or folder of that name in the current folder comes first. A run at a URL is fetched (local_copy). There may
    be nothing at the path.
    """
    return builtin.policy(run) if builtin.is_policy(run) else local_copy(run)


def find_run(run: str) -> Path:
    """Return the path of what somebody names (place_of). Raises UserError where there is none, or a name is hidden."""
    path = place_of(run)
    if not path.exists():
        known = builtin.policies()
        raise UserError(
            f"{run}: expected a run folder (with config.yaml) or a checkpoint file, or a policy that comes along"
            f" ({', '.join(known)}), got none of them{nearest(path.name, known)}"
        )
    if run in builtin.policies() and not (path / "config.yaml").is_file():
        raise UserError(
            f"{run}: expected a run folder (with config.yaml), got something else, which hides the policy of this name"
        )
    return path


def find_records(run: str) -> Path:
    """Return the path of a run with the records of its training. Raises UserError for a policy's name."""
    if builtin.is_policy(run):
        raise UserError(f"{run}: expected a run with the records of its training, got a policy, which has none")
    return local_copy(run)


def check_resumable(run: str) -> None:
    """Raise UserError for a policy's name: what its training would go on from does not come along."""
    if builtin.is_policy(run):
        raise UserError(
            f"--resume: expected a run, got the policy '{run}', which comes along without what its training would go"
            f" on from; a new run begins with it by --train.start_from {run}"
        )


def name_of(folder: Path) -> str | None:
    """Return the name of the policy that comes with the package, by its folder; None for the folder of a run."""
    known = folder.name in builtin.policies() and folder.resolve() == builtin.policy(folder.name).resolve()
    return folder.name if known else None


def beside(folder: Path, name: str) -> Path:
    """Return where a file or folder about a run goes that has no other place: into the run's folder.

    The package is not written into: about a policy that comes with it, it goes into the current folder, as POLICY-NAME.
    """
    policy = name_of(folder)
    return folder / name if policy is None else Path(f"{policy}-{name}")
