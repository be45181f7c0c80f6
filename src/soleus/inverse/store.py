"""The forward network in a file, which needs neither the run nor code of others to be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from soleus.config.sources import ModelSource
from soleus.errors import UserError, described
from soleus.exchange.state import flaw_of
from soleus.inverse.columns import Column
from soleus.inverse.forward import Condition, Facts, Forward, spec_of
from soleus.inverse.series import TERMS
from soleus.nets.mlp import build_network
from soleus.run import checkpoint

NAME = "forward.pt"
"""Of the file in a run's folder"""
_KIND = "forward"
_ROWS = ("residuals", "deviations")


@dataclass(frozen=True)
class _About:
    """All of a network but its tensors."""

    model: ModelSource
    sim_hz: int
    conditions: dict[str, Condition]
    columns: tuple[Column, ...]
    facts: Facts


_TEXT = TypeAdapter(_About)


def save_forward(path: Path, forward: Forward) -> None:
    """Write a network whole or not at all. Raises UserError where the disk refuses."""
    about = _About(forward.model, forward.sim_hz, forward.conditions, forward.columns, forward.facts)
    arrays = {name: getattr(forward, name) for name in ("mean", "scale", *_ROWS)}
    content = {
        "kind": _KIND,
        "about": _TEXT.dump_json(about, by_alias=True).decode(),
        "net": dict(forward.net.state_dict()),
        **arrays,
    }
    checkpoint.write(path, content)


def is_forward(path: Path) -> bool:
    """Whether a file is a network of this kind, and no checkpoint of a run, by where it lies."""
    return path.is_file() and path.absolute().parent.name != "checkpoints"


def load_forward(path: str | Path) -> Forward:
    """Return the network that a file of `soleus learn forward` holds.

    Raises UserError for a file that is missing, damaged or another one.
    """
    path = Path(path)
    if not path.is_file():
        came = "a folder" if path.is_dir() else "nothing there"
        raise UserError(f"{path}: expected a network that `soleus learn forward` wrote, got {came}")
    content = checkpoint.read_any(path)
    if content.get("kind") != _KIND:
        raise UserError(f"{path}: expected a network that `soleus learn forward` wrote, got another file")
    try:
        return _made(content)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: expected a network that `soleus learn forward` wrote, got a damaged one ({described(error)})"
        ) from None


def _made(content: Mapping[str, Any]) -> Forward:
    """Make a network of what a file holds. Raises ValueError, KeyError or TypeError for what is not as promised."""
    about = _TEXT.validate_json(content["about"])
    conditions, columns = about.conditions, about.columns
    spec, numbers = spec_of(len(conditions), len(columns)), 1 + len(columns) * TERMS
    net = build_network(spec, torch.Generator(), 1.0)
    expected = {"mean": torch.zeros(numbers), "scale": torch.zeros(numbers), "net": dict(net.state_dict())}
    if flaw := flaw_of({name: content[name] for name in expected}, expected):
        raise ValueError(flaw)
    rows = {name: torch.zeros(1, numbers) for name in _ROWS}
    if flaw := flaw_of({name: content[name] for name in rows}, rows, sizes=False):
        raise ValueError(flaw)
    if not all(one.low <= one.default <= one.high for one in conditions.values()):
        raise ValueError("defaults out of their ranges")
    net.load_state_dict(content["net"])
    net.requires_grad_(False)
    return Forward(
        about.model, about.sim_hz, conditions, columns, net, content["mean"], content["scale"], content["residuals"],
        content["deviations"], about.facts,
    )  # fmt: skip
