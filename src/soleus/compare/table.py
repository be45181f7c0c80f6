"""The table of a comparison: runs are columns, figures are rows, a dash is what a run did not record."""

import io
import re
import sys
from collections.abc import Callable, Sequence

from rich.box import Box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from soleus.compare.figures import Figures
from soleus.run.log import short_time

DASH = "-"
_NARROWEST, _WIDEST = 8, 32  # of a run's column
_RULED = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)  # a rule under the head, in any encoding


def decimal(value: float | None) -> str:
    """Return a number in four digits, or more where there are more before the point."""
    if value is None:
        return DASH
    return f"{value:,.0f}" if abs(value) >= 999.95 else f"{value:#.4g}"


def count(value: float | None) -> str:
    """Return a whole number."""
    return DASH if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """Return a share."""
    return DASH if value is None else f"{value:.0%}"


def _times(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}x"


def _time(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.1f} s" if value < 60 else short_time(value)


def _collection(figures: Figures) -> str:
    if figures.workers and figures.envs and figures.envs % figures.workers == 0:
        return f"{figures.workers} x {figures.envs // figures.workers}"
    return f"{figures.workers or DASH}, {count(figures.envs)} envs" if figures.workers or figures.envs else DASH


ROWS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("collector", lambda run: run.collector or DASH),
    ("workers x envs", _collection),
    ("duration", lambda run: _time(run.duration_s)),
    ("steps", lambda run: count(run.steps)),
    ("updates", lambda run: count(run.updates)),
    ("steps/s, mean", lambda run: decimal(run.steps_per_s_mean)),
    ("steps/s, last", lambda run: decimal(run.steps_per_s_last)),
    ("speed-up", lambda run: _times(run.speed_up)),
    ("efficiency per worker", lambda run: percent(run.efficiency)),
    ("steps per CPU second", lambda run: decimal(run.steps_per_cpu_s)),
    ("return, initial", lambda run: decimal(run.return_initial)),
    ("return, final", lambda run: decimal(run.return_final)),
    ("return, best", lambda run: decimal(run.return_best)),
    ("evaluation, best", lambda run: decimal(run.evaluation_best)),
    ("peak memory [MB]", lambda run: count(run.peak_memory_mb)),
    ("CPUs in use", lambda run: DASH if run.cpu is None else f"{run.cpu:.2f}"),
)


def grid(names: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], width: int) -> Table:
    """Return a table with a column a run, to be `width` columns wide at most.

    Names and values that are too long for theirs go on in the next line.
    """
    label_width = max(len(label) for label, _ in rows)
    room = min(max((width - label_width) // len(names) - 3, _NARROWEST), _WIDEST)
    table = Table(box=_RULED, pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(Text(_broken(name, room)), justify="right", overflow="fold", min_width=_NARROWEST)
    for label, cells in rows:
        table.add_row(Text(label), *(Text(cell) for cell in cells))
    return table


def _broken(name: str, width: int) -> str:
    """Return a name in lines of at most `width`, broken behind its dashes, underscores and slashes where it can be."""
    lines = [""]
    for part in re.findall(r"[^-_/ ]*[-_/ ]|[^-_/ ]+", name):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def figures_table(names: Sequence[str], figures: Sequence[Figures], width: int) -> Table:
    """Return the figures of runs, ROWS from top to bottom, to be `width` columns wide at most."""
    return grid(names, [(label, [show(run) for run in figures]) for label, show in ROWS], width)


def as_text(content: RenderableType, width: int) -> str:
    """Return what rich would print, without colours, in lines of at most `width` without blanks at their ends."""
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(content)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def print_figures(names: Sequence[str], figures: Sequence[Figures]) -> None:
    """Print the figures of runs as wide as the terminal allows, or as piped_width() says where it goes elsewhere."""
    if sys.stdout.isatty():
        console = Console()
        console.print(figures_table(names, figures, console.width))
    else:
        width = piped_width(len(names))
        print(as_text(figures_table(names, figures, width), width))


def piped_width(runs: int) -> int:
    """Return the columns of a table of so many runs where no terminal sets them: 100, or what their numbers need."""
    return max(100, 24 + 13 * runs)
