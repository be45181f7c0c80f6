"""The files of a gait report: the page, its pictures and its numbers."""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soleus.compare.reading import RunRecord
from soleus.errors import UserError
from soleus.gait.analysis import Report
from soleus.machine.files import write_bytes
from soleus.run.summary import as_json

PAGE, NUMBERS = "report.html", "report.json"
PICTURES = ("angles", "forces", "loads", "timing", "activations", "muscles", "exoskeleton", "curves")
"""Names of the pictures; each is NAME.png where there is something to draw."""


def check_folder(folder: Path) -> None:
    """Raise UserError for a folder that the files could not be written to; none is left that was not there."""
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        flaw = "" if os.access(folder, os.W_OK | os.X_OK) else "it does not allow that"
        names = (PAGE, NUMBERS, *(f"{name}.png" for name in PICTURES))
        flaw = next((f"{name} in it is a folder" for name in names if (folder / name).is_dir()), flaw)
        for one in missing:  # it is made again when there is something to write
            one.rmdir()
    except OSError as error:
        flaw = str(error.strerror)
    if flaw:
        raise UserError(f"--out: expected a folder that can be written to, got {folder} ({flaw})")


def content_of(report: Report, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what report.json holds. run: what is known of the run: name, folder, checkpoint, steps."""
    return {"run": dict(run), **report.as_json()}


def write_report(report: Report, folder: Path, run: Mapping[str, Any], record: RunRecord | None = None) -> list[Path]:
    """Write all files into a folder; return their paths, the page first.

    record: the run's own records, for learning curves. Raises UserError where the disk refuses.
    """
    from soleus.gait.page import page

    content, pictures = content_of(report, run), draw(report, record)
    return write_files(folder, page(content, pictures), content, pictures)


def write_files(folder: Path, page: str, content: Mapping[str, Any], pictures: Mapping[str, bytes]) -> list[Path]:
    """Write a page, the numbers of report.json and the pictures by name into a folder; return their paths."""
    files = {PAGE: page.encode(), NUMBERS: (as_json(content, indent=1) + "\n").encode()}
    files |= {f"{name}.png": data for name, data in pictures.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out: expected a folder that can be made, got {folder} ({error.strerror})") from None
    for name, data in files.items():
        write_bytes(folder / name, data)
    for name in PICTURES:  # of an earlier report that had more to show
        if name not in pictures:
            (folder / f"{name}.png").unlink(missing_ok=True)
    return [folder / name for name in files]


def draw(report: Report, record: RunRecord | None) -> dict[str, bytes]:
    """Return the PNGs by name, of PICTURES."""
    from soleus.gait import figures  # matplotlib is slow to import

    drawn = {"angles": figures.draw_angles(report), "forces": figures.draw_forces(report)}
    if report.loads:
        drawn["loads"] = figures.draw_loads(report)
    if report.timing:
        drawn["timing"] = figures.draw_timing(report)
    if report.activations:
        drawn["activations"] = figures.draw_activations(report)
    if report.muscles:
        drawn["muscles"] = figures.draw_muscles(report)
    if report.exoskeleton:
        drawn["exoskeleton"] = figures.draw_exoskeleton(report)
    curves = figures.draw_learning(record) if record else None
    if curves:
        drawn["curves"] = curves
    return {name: png(figure) for name, figure in drawn.items()}


def png(figure: Any) -> bytes:
    """Return a figure as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()
