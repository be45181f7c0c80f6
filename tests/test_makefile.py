"""The targets that train and compare: what they call, and what they refuse."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from makefile import stamp
from soleus.cli.verbs import call_of
from soleus.config import EnvRunConfig, load_config, parse_overrides

REPOSITORY = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout whose environment is set up and whose `soleus` says what it was called with."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "CMakeLists.txt"):
        shutil.copy(REPOSITORY / name, tmp_path)
    program = tmp_path / ".venv/bin/soleus"
    program.parent.mkdir(parents=True)
    program.write_text(
        '#!/bin/sh\necho "soleus $*"\nwhile [ $# -gt 0 ]; do [ "$1" = --run-dir ] && mkdir -p "$2"; shift; done\n'
    )
    program.chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Return the exit code and what `soleus` was called with, or the lines with an error."""
    shown = subprocess.run(
        ["make", "--silent", f"--old-file={_stamp(folder)}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (shown.stdout + shown.stderr).splitlines()
    return shown.returncode, [line for line in lines if line.startswith(("soleus ", "error: "))]


def _stamp(folder: Path) -> str:
    """Make the stamp that says that the environment is set up; return its path as the Makefile has it."""
    file = stamp(folder)
    (folder / file).touch()
    return file


def test_compare_trains_what_is_missing_and_a_second_time_only_compares(folder: Path) -> None:
    code, calls = make(folder, "compare", "DURATION=30s")
    assert code == 0
    sequential, parallel, comparison = calls
    assert sequential == (
        "soleus train procgen-coinrun --collector inline --num-workers 1 --duration 30s --run-dir runs/sequential"
    )
    assert parallel == "soleus train procgen-coinrun --collector workers --duration 30s --run-dir runs/parallel"
    assert comparison == "soleus compare runs/sequential runs/parallel --out runs/comparison"
    assert make(folder, "compare") == (0, [comparison])


def _installs(folder: Path, target: str) -> list[str]:
    """What `make TARGET` would install."""
    shown = subprocess.run(["make", "-n", target], cwd=folder, capture_output=True, text=True, check=False).stdout
    return re.findall(r"--editable '(\S+)'", shown)


def test_who_only_walks_installs_no_extras(folder: Path) -> None:
    assert _installs(folder, "train") == ["."]
    assert _installs(folder, "setup") == [".[dev]"]
    assert _installs(folder, "train-parallel") == [".[dev]"]
    _stamp(folder)
    assert [_installs(folder, target) for target in ("train", "setup")] == [[], []]
    os.utime(folder / "pyproject.toml", (time.time() + 60,) * 2)
    assert _installs(folder, "train") == [".[dev]"], "extras that are there stay up to date"


@pytest.mark.parametrize(("target", "name"), [("train-sequential", "SEQUENTIAL"), ("train-parallel", "PARALLEL")])
def test_a_run_is_never_written_over(folder: Path, target: str, name: str) -> None:
    assert make(folder, target)[0] == 0
    code, lines = make(folder, target)
    run = f"runs/{name.lower()}"
    assert (code, lines) == (2, [f"error: {run} is there already: remove it, or name another by {name}="])
    code, lines = make(folder, target, f"{name}=runs/other", "ARGS=--seed 3")
    assert code == 0
    assert lines[0].endswith("--duration 2m --run-dir runs/other --seed 3")


@pytest.mark.parametrize(
    ("target", "collector", "workers"), [("train-sequential", "inline", 1), ("train-parallel", "workers", "auto")]
)
def test_the_commands_are_understood(folder: Path, target: str, collector: str, workers: int | str) -> None:
    _, (command,) = make(folder, target)
    call = call_of(command.split()[1:])
    given = call.keywords["collection"].given  # type: ignore[attr-defined]
    config = load_config(
        "procgen-coinrun", parse_overrides([f"--parallel.{key}={value}" for key, value in given.items()])
    )
    assert isinstance(config, EnvRunConfig)
    assert (config.parallel.collector, config.parallel.num_workers) == (collector, workers)
