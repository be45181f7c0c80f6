"""Checkpoints: written whole or not at all, read as data only.

A run keeps three in its folder checkpoints/: latest.pt, previous.pt (the one before it) and best.pt (by evaluation).
Beside them step-N.pt has the policy after N steps, to look at and not to go on from, of some moments of the training.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from soleus.errors import UserError, first_line
from soleus.machine.files import write_bytes

_FORMAT = 1
_ACTING = ("counters", "policy", "muscle")  # what a policy acts with, and how far it has come
_KEYS = (*_ACTING, "ppo", "muscle_learner", "collector")  # what a run saves
LATEST, PREVIOUS, BEST = "latest.pt", "previous.pt", "best.pt"
MOMENTS = 20  # of a training; up to so many are kept however often it goes on


def _as_tensors(content: Any) -> Any:
    """Arrays become tensors, which torch reads back without running any code."""
    if isinstance(content, Mapping):
        return {key: _as_tensors(value) for key, value in content.items()}
    if isinstance(content, np.ndarray):
        return torch.from_numpy(np.array(content, order="C"))
    return content


def write(path: Path, content: Mapping[str, Any], keep: Path | None = None) -> None:
    """Write a checkpoint: nested mappings of arrays, tensors, numbers and text. `keep` and errors as write_bytes."""
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, **_as_tensors(content)}, buffer)
    write_bytes(path, buffer.getbuffer(), keep)


def _flaw(path: Path) -> str | None:
    """Say what is wrong with the archive, by its table of contents and its checksums, which torch does not look at."""
    if not zipfile.is_zipfile(path):  # the table of contents comes last: a truncated file has none
        return "it is truncated or no checkpoint"
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError, ValueError) as error:
        return f"it is damaged ({first_line(error)})"
    return None if entry is None else f"it is damaged (checksum of {entry})"


def _carries_code(path: Path) -> bool:
    """Whether a file names functions or classes that torch does not take for data. Nothing of it is run."""
    try:
        return bool(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # torch stumbles over a damaged file here too
        return False


def read_any(path: Path) -> dict[str, Any]:
    """Return what write() wrote, whatever it is, with tensors for arrays. Raises UserError for another file."""
    if not path.is_file():
        raise UserError(f"{path}: expected a checkpoint, but there is none")
    if flaw := _flaw(path):
        raise UserError(f"{path}: expected a whole checkpoint, but {flaw}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch stumbles over a foreign file in many ways
        if _carries_code(path):
            raise UserError(
                f"{path}: expected tensors and plain data alone, but it carries code; it was not run"
            ) from None
        raise UserError(f"{path}: expected a whole checkpoint, but it is damaged ({first_line(error)})") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise UserError(f"{path}: expected a checkpoint of format {_FORMAT}, got another file")
    return content


def _check_dense(content: Any, path: Path) -> None:
    """Raise UserError for a tensor that is no array of plain numbers: nothing here writes any."""
    if isinstance(content, Mapping):
        for value in content.values():
            _check_dense(value, path)
    elif isinstance(content, list | tuple):
        for value in content:
            _check_dense(value, path)
    elif isinstance(content, torch.Tensor) and (content.layout != torch.strided or content.is_complex()):
        raise UserError(f"{path}: expected dense tensors of real numbers, got another kind")


def _load(path: Path) -> dict[str, Any]:
    content = read_any(path)
    _check_dense(content, path)
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise UserError(f"{path}: expected a run's checkpoint with {', '.join(_KEYS)}, but '{missing[0]}' is missing")
    for key in _KEYS:
        value, needed = content[key], key in ("counters", "policy")
        if not (isinstance(value, Mapping) or (value is None and not needed)):
            raise UserError(f"{path}: expected a mapping for '{key}', got {type(value).__name__}")
        tensors = key in ("policy", "muscle", "collector")
        if tensors and value and not all(isinstance(one, torch.Tensor) for one in value.values()):
            raise UserError(f"{path}: expected tensors in '{key}', got other values")
    steps = content["counters"].get("steps")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise UserError(f"{path}: expected the number of its steps, got {steps!r}")
    return content


def read(path: Path) -> dict[str, Any]:
    """Return what a run saved, with tensors for arrays.

    Raises UserError for a file that is missing, truncated, damaged, carries code or is no run's, and offers the run's
    previous checkpoint where that one is good.
    """
    try:
        return _load(path)
    except UserError as error:
        previous = path.with_name(PREVIOUS)
        if path != previous:
            try:
                _load(previous)
            except UserError:
                raise error from None
            raise UserError(f"{error}; the previous one is good: {previous}") from None
        raise


def read_weights(path: Path) -> dict[str, Any]:
    """Return a torch state_dict from a file. Raises UserError where it is none, is unreadable or carries code."""
    if not path.is_file():
        raise UserError(f"{path}: expected a file of weights, but there is none")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # torch stumbles over a foreign file in many ways, some of them long
        raise UserError(
            f"{path}: expected a torch state_dict, tensors alone, got another file, or one with code"
        ) from None
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) and value.layout == torch.strided
        for name, value in content.items()
    ):
        raise UserError(f"{path}: expected a torch state_dict, dense tensors by name, got another file")
    return {name: value.float() if value.is_floating_point() else value for name, value in content.items()}


def locate(run: Path, prefer: str = LATEST) -> Path:
    """Return the checkpoint of a run folder, `prefer`, or the latest for the best; a checkpoint file stands for itself.

    The run's folder is two above it. Raises UserError where there is no such run, or none of the other checkpoints.
    """
    if run.is_file() and run.suffix == ".pt":
        file = run.absolute()
        if file.parent.name != "checkpoints" or not (file.parent.parent / "config.yaml").is_file():
            raise UserError(
                f"{run}: expected a checkpoint in a run's checkpoints/ folder, with config.yaml beside that folder"
            )
        return file
    if not (run / "config.yaml").is_file():
        raise UserError(f"{run}: expected a run folder (with config.yaml) or a checkpoint file, got neither")
    preferred = run / "checkpoints" / prefer
    if preferred.is_file():
        return preferred
    if prefer.startswith("step-"):
        there = ", ".join(str(steps) for steps in moments(run)) or "none"
        raise UserError(f"{run}: expected steps of which a checkpoint is kept ({there}), got {prefer[5:-3]}")
    if prefer == PREVIOUS:
        raise UserError(f"{preferred}: expected a checkpoint, but there is none")
    return run / "checkpoints" / LATEST


def save(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the latest checkpoint of a run; the one that was latest stays as the previous one, where it is whole."""
    latest = folder / LATEST
    write(latest, content, keep=folder / PREVIOUS if _flaw(latest) is None else None)


def moments(run: Path) -> list[int]:
    """Return the steps of a run folder's step-N.pt, in order."""
    names = ((run / "checkpoints").glob("step-*.pt")) if run.is_dir() else ()
    return sorted(int(path.stem[5:]) for path in names if path.stem[5:].isdigit())


def policy_alone(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint of counters, policy and muscle network, to look at and not to go on from."""
    return {key: content.get(key) if key in _ACTING else None for key in _KEYS}


def save_moment(folder: Path, weights: Mapping[str, Any]) -> None:
    """Write step-N.pt: the policy alone; every second one goes where there are too many."""
    write(folder / f"step-{weights['counters']['steps']}.pt", policy_alone(weights))
    there = moments(folder.parent)
    if len(there) > MOMENTS:
        for one in there[1:-1:2]:
            (folder / f"step-{one}.pt").unlink(missing_ok=True)


def save_best(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the best checkpoint of a run."""
    write(folder / BEST, content)
