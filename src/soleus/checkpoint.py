"""Checkpoints: written whole or not at all, read as data only.

A run keeps three in its folder checkpoints/: latest.pt, previous.pt (the one before it) and best.pt (by evaluation).
"""

import io
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from soleus.errors import UserError

_FORMAT = 1
LATEST, PREVIOUS, BEST = "latest.pt", "previous.pt", "best.pt"


def _as_tensors(content: Any) -> Any:
    """Arrays become tensors, which torch reads back without running any code."""
    if isinstance(content, Mapping):
        return {key: _as_tensors(value) for key, value in content.items()}
    if isinstance(content, np.ndarray):
        return torch.from_numpy(np.array(content, order="C"))
    return content


def as_arrays(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of tensors as one of arrays."""
    return {key: value.numpy() for key, value in content.items()}


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole or not at all: a temporary file beside it, flushed to the disk, then renamed over it.

    Raises UserError where the disk refuses (full, read-only); the old file then stays as it was.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        kept = f"; the last good one stays: {path}" if path.exists() else ""
        raise UserError(f"{path}: could not be written ({error.strerror}){kept}") from None


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint: nested mappings of arrays, tensors, numbers and text. Errors as write_bytes."""
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, **_as_tensors(content)}, buffer)
    write_bytes(path, buffer.getbuffer())


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path}: expected a checkpoint, but there is none")
    if not zipfile.is_zipfile(path):  # its table of contents comes last: a truncated file has none
        raise UserError(f"{path}: expected a whole checkpoint, but it is truncated or none")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(f"{path}: expected tensors and plain data alone, but it carries code; it was not run") from None
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise UserError(f"{path}: expected a whole checkpoint, but it is damaged ({_first_line(error)})") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise UserError(f"{path}: expected a checkpoint of format {_FORMAT}, got another file")
    return content


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def read(path: Path) -> dict[str, Any]:
    """Return what write() was given, with tensors for arrays.

    Raises UserError for a file that is missing, truncated, damaged or carries code, and offers the run's previous
    checkpoint where that one is good.
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


def locate(run: Path, prefer: str = LATEST) -> Path:
    """Return the checkpoint of a run folder, `prefer` or else the latest; a checkpoint file stands for itself.

    Raises UserError where there is no such run.
    """
    if run.is_file() and run.suffix == ".pt":
        return run
    if not (run / "config.yaml").is_file():
        raise UserError(f"{run}: expected a run folder (with config.yaml) or a checkpoint file, got neither")
    preferred = run / "checkpoints" / prefer
    return preferred if preferred.is_file() else run / "checkpoints" / LATEST


def save(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the latest checkpoint of a run; the one that was latest stays as the previous one."""
    latest, link = folder / LATEST, folder / f".{PREVIOUS}.tmp"
    if latest.is_file():
        link.unlink(missing_ok=True)
        try:  # a second name for the same file: at no moment is there no latest one
            os.link(latest, link)
            os.replace(link, folder / PREVIOUS)
        except OSError:
            write_bytes(folder / PREVIOUS, latest.read_bytes())
    write(latest, content)


def save_best(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the best checkpoint of a run."""
    write(folder / BEST, content)
