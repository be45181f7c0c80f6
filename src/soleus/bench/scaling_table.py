"""The entries of a sweep as a table: entries are columns, figures are rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from soleus.compare.table import DASH, as_text, decimal, grid, percent, piped_width

Entry = Mapping[str, Any]


def _share(value: float) -> str:
    return f"{value:.2%}" if value < 0.1 else percent(value)


def _times(value: float) -> str:
    return f"{value:.2f}x"


ROWS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("collecting, steps/s", "collect_steps_per_s", decimal),
    ("learning, steps/s", "learn_steps_per_s", decimal),
    ("training, steps/s", "steps_per_s", decimal),
    ("collecting, share", "collect_share", _share),
    ("learning, share", "learn_share", _share),
    ("publishing and taking, share", "publish_share", _share),
    ("waiting, share of collecting", "waiting_share", _share),
    ("CPUs in use", "cpu", lambda value: f"{value:.2f}"),
    ("speed-up of collecting", "collect_speed_up", _times),
    ("efficiency per worker, collecting", "collect_efficiency", percent),
    ("weights out, rollouts in, share", "transfer_share", _share),
    ("weights to each, MB", "weights_mb", lambda value: f"{value:.2f}"),
    ("rollouts from all, MB", "round_mb", lambda value: f"{value:.2f}"),
    ("merging, s", "merge_s", lambda value: f"{value:.4f}"),
    ("collecting, times native", "collect_over_native", _times),
    ("collecting, times one worker", "collect_over_one_worker", _times),
    ("speed-up of training", "train_speed_up", _times),
    ("efficiency per worker, training", "train_efficiency", percent),
)
"""Label, figure and its form."""


def name_of(entry: Entry) -> str:
    """Return how an entry is called: "inline", "1 worker", "2 on Ray"."""
    count = entry["num_workers"]
    if entry["collector"] == "ray":
        return f"{count} on Ray"
    return str(entry["collector"]) if entry["collector"] != "workers" else f"{count} worker{'s' * (count > 1)}"


def _cells(entries: Sequence[Entry]) -> list[tuple[str, list[str]]]:
    return [
        (label, [form(entry[key]) if key in entry else DASH for entry in entries])
        for label, key, form in ROWS
        if any(key in entry for entry in entries)
    ]


def as_table(entries: Sequence[Entry]) -> str:
    """Return the table for the screen."""
    width = piped_width(len(entries))
    return as_text(grid([name_of(entry) for entry in entries], _cells(entries), width), width)


def as_markdown(entries: Sequence[Entry]) -> str:
    """Return the table for a Markdown file."""
    lines = [["figure", *map(name_of, entries)], ["---"] * (len(entries) + 1)]
    lines += [[label, *cells] for label, cells in _cells(entries)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
