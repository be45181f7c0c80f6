"""`soleus compare`: runs side by side."""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from soleus.errors import UserError


def compare(
    runs: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN_A RUN_B [RUN ...]", help_behavior_hint="")
    ],
    *,
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Compare runs: how fast they train, what they reach, and with how many CPUs and how much memory.

    Args:
        runs: Two or more run folders, on this machine or at URLs; the others are compared with the first.
        out: Write a picture, compare.png, and a report, compare.txt, to this folder, which is made if need be.
        json: Print the figures as JSON instead of the table.
    """
    if len(runs) < 2:
        raise UserError(f"expected two or more run folders to compare, got {len(runs)}; see soleus compare --help")
    from soleus import compare as comparing
    from soleus.run.shipped import find_records
    from soleus.run.summary import as_json

    records = comparing.read_runs([find_records(run) for run in runs])
    if out is not None:
        comparing.check_folder(out)
    comparison = comparing.compare_runs(records)
    if comparison.warning:
        print(f"warning: {comparison.warning}", file=sys.stderr)
    files = comparing.write_report(comparison, out) if out is not None else []
    if json:
        content = {**comparison.as_json(), "files": [str(file) for file in files]}
        print(as_json(content, default=str))
        return
    comparing.print_figures(comparison.names, comparison.figures)
    print(f"\n{comparison.speed}\n{comparison.returns}")
    if out is None:
        print("A picture and a report of it: add --out DIR")
    for file in files:
        print(file)
