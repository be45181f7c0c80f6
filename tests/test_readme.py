"""What the README shows is what there is."""

import os
import re
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import soleus
from soleus.cli.verbs import call_of
from soleus.config import load_config, parse_overrides

TEXT = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


COMMANDS = [
    line.split("soleus ", 1)[1]
    for block in blocks("sh")
    for line in block.splitlines()
    if re.match(r"(\S*/)?soleus ", line)
]


def test_no_number_is_left_out() -> None:
    assert re.findall(r"\bEXPECT_\w+|\bTODO\b|\bTBD\b", TEXT) == []


def test_the_python_snippet_runs(tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(soleus.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", blocks("python")[0]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout


def test_there_are_commands_of_every_verb() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"train", "evaluate", "compare", "presets", "bench"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str) -> None:
    call = call_of(shlex.split(command, comments=True))
    assert isinstance(call, partial)
    overrides = parse_overrides([f"--{setting}" for setting in call.keywords.get("set", ())])
    overrides |= parse_overrides(
        [f"--train.{key}={call.keywords[key]}" for key in ("steps", "duration") if call.keywords.get(key)]
    )
    load_config(call.keywords.get("preset") or "walk2d", overrides)


@pytest.mark.parametrize("flag", re.findall(r"`(--[a-z_]+\.[^`]*)`", TEXT))
def test_a_flag_is_a_key(flag: str) -> None:
    load_config("walk-myolegs", parse_overrides(flag.split()))
