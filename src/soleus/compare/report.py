"""The files of a comparison: compare.png and compare.txt."""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from soleus.compare.comparison import Comparison
from soleus.compare.reading import RunRecord
from soleus.compare.shares import SHARES
from soleus.compare.table import DASH, as_text, figures_table, grid, piped_width
from soleus.errors import UserError
from soleus.machine.files import write_bytes

PICTURE, REPORT = "compare.png", "compare.txt"


def check_folder(folder: Path) -> None:
    """Make a folder for the files where there is none; raise UserError where they could not be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flaw = "" if os.access(folder, os.W_OK | os.X_OK) else "it does not allow that"
        flaw = next((f"{name} in it is a folder" for name in (PICTURE, REPORT) if (folder / name).is_dir()), flaw)
    except OSError as error:
        flaw = str(error.strerror)
    if flaw:
        raise UserError(f"--out: expected a folder that can be written to, got {folder} ({flaw})")


def write_report(comparison: Comparison, folder: Path) -> list[Path]:
    """Write the picture and the text into a folder; return their paths. Raises UserError where the disk refuses."""
    from soleus.compare.picture import draw  # matplotlib is slow to import

    picture = io.BytesIO()
    draw(comparison).savefig(picture, format="png", dpi=120)
    write_bytes(folder / PICTURE, picture.getbuffer())
    write_bytes(folder / REPORT, report(comparison).encode())
    return [folder / PICTURE, folder / REPORT]


def report(comparison: Comparison) -> str:
    """Return the text report."""
    width = piped_width(len(comparison.runs))
    reference, *others = comparison.names
    parts = [
        f"{', '.join(others)} compared with {reference}",
        *([f"Warning: {comparison.warning}."] if comparison.warning else []),
        as_text(figures_table(comparison.names, comparison.figures, width), width),
        f"{comparison.speed}\n{comparison.returns}",
        _titled("Where the time goes (shares of the whole run)", _shares(comparison, width)),
        _titled("Settings that differ", _differences(comparison, width)),
        _titled("Runs", "\n\n".join(_origin(run) for run in comparison.runs)),
        _titled("How to read the figures", _NOTES),
    ]
    return "\n\n".join(parts) + "\n"


_NOTES = """\
steps/s, mean           all steps over the time of all iterations, collecting and learning
speed-up                mean steps/s over that of the first run
efficiency per worker   speed-up over the ratio of the numbers of workers: processes, or the native collector's threads
                        (none where machines differ or were shared with other work)
steps per CPU second    mean steps/s over the CPUs in use: what compares where machines were shared
return                  mean over the first and the last 5% of the iterations in which episodes ended; best such mean
peak memory             of all processes, shared pages counted once; in older runs that of the main process"""


def _titled(title: str, text: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{text}"


def _shares(comparison: Comparison, width: int) -> str:
    known = [figures.shares or {} for figures in comparison.figures]
    rows = [(name, [f"{part[name]:.1%}" if name in part else DASH for part in known]) for name in SHARES]
    notes = "\n".join(f"{name:<12}{meaning}" for name, meaning in SHARES.items())
    return f"{as_text(grid(comparison.names, rows, width), width)}\n\n{notes}"


def _differences(comparison: Comparison, width: int) -> str:
    if not comparison.differences:
        return "none"
    rows = [
        (key, [_value(found[name]) if name in found else DASH for name in comparison.names])
        for key, found in comparison.differences.items()
    ]
    return as_text(grid(comparison.names, rows, width), width)


def _value(value: Any) -> str:
    """Return a setting as config.yaml has it, in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return " ".join(text.removesuffix("...\n").split())


def _origin(run: RunRecord) -> str:
    """Return where a run is and what its figures belong to."""
    machine, versions = run.summary.get("machine"), run.summary.get("versions")
    lines = [f"{run.name}: {run.ending}", f"  folder    {run.folder.absolute()}"]
    if isinstance(machine, Mapping):
        told = f"{machine.get('processor', DASH)}, {machine.get('cpus', DASH)} CPUs, {machine.get('system', DASH)}"
        lines.append(f"  machine   {told}")
    else:
        lines.append(f"  machine   {DASH}")
    known = versions if isinstance(versions, Mapping) else {}
    lines.append(f"  versions  {', '.join(f'{name} {version}' for name, version in known.items()) or DASH}")
    return "\n".join(lines)
