"""Humans that diverged: the state before, and all that is needed to replay how they diverged."""

from pathlib import Path

from soleus.errors import UserError
from soleus.exchange.batch import Divergence
from soleus.exchange.state import as_arrays
from soleus.run import checkpoint

FOLDER = "dumps"
_MOST = 20  # of a run: one is enough to see why
_KEYS = frozenset({"human", "state", "actions", "muscle"})


def write_dump(run: Path, steps: int, divergence: Divergence) -> Path | None:
    """Write a divergence into a run's folder dumps/, named by the steps before it; None where enough are there."""
    folder = run / FOLDER
    if folder.is_dir() and len(list(folder.glob("*.pt"))) >= _MOST:
        return None
    folder.mkdir(exist_ok=True)
    path = folder / f"step-{steps}-human-{divergence.human}.pt"
    checkpoint.write(path, {key: getattr(divergence, key) for key in sorted(_KEYS)})
    return path


def read_dump(path: Path) -> Divergence:
    """Return what write_dump wrote. Raises UserError for another file."""
    content = checkpoint.read_any(path)
    if not content.keys() >= _KEYS:
        raise UserError(f"{path}: expected a dump of a human that diverged, got another file")
    muscle = as_arrays(content["muscle"]) if content["muscle"] else None
    return Divergence(int(content["human"]), content["state"].numpy(), content["actions"].numpy(), muscle)
