"""Mistakes on the command line are one line that names the flag and the nearest; what there is, is listed."""

import functools
import subprocess
import sys
from importlib import metadata

import pytest
import torch

from soleus import _core
from soleus.cli import main
from soleus.cli.key_help import listing
from soleus.cli.usage import one_line
from soleus.cli.verbs import VERBS, call_of
from soleus.config import known_keys
from soleus.errors import UserError


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_flag_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert main([verb, "rollout", "--nosuch-flag", "3"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "nosuch-flag'" in error or "nosuch_flag'" in error


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["evaluate", "x", "--chekpoint", "3"], "--checkpoint"),
        (["record", "x", "--camra", "side"], "--camera"),
        (["report", "x", "--episode", "3"], "--episodes"),
        (["view", "x", "--web=1", "--sped", "2"], "--speed"),
        (["compare", "x", "--outt", "y"], "--out"),
        (["doctor", "--pdi", "3"], "--pid"),
        (["import", "mass", "x", "--dampng", "3"], "--damping"),
        (["import", "mass", "x", "--form", "3"], "--from"),
        (["bench", "rollout", "walk2d", "--num-env", "3"], "train.num_envs"),
        (["train", "walk2d", "--step", "3"], "train.steps"),
    ],
)
def test_the_nearest_flag_is_named(capsys: pytest.CaptureFixture[str], arguments: list[str], near: str) -> None:
    assert main(arguments) == 2
    assert f"(did you mean '{near}'?)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["presets", "a"], "Unrecognized options: a; see soleus presets --help"),
        (["evaluate"], "Missing from soleus evaluate: RUN"),
        (["evaluate", "x", "--episodes"], "Missing value for argument '--episodes'"),
        (
            ["evaluate", "x", "--episodes", "few"],
            "Error parsing --episodes: invalid literal for int()",
        ),
        (["terms", "rewards"], "invalid choice 'rewards'"),
        (["import", "mass", "x"], "soleus import: expected --out, got none; see soleus import --help"),
    ],
)
def test_what_is_said_is_what_is_wrong(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said}")
    assert error.count("\n") == 1


def test_a_box_is_read_with_and_without_its_frame() -> None:
    text = "Unrecognized options: a"
    framed = f"╭─ Unrecognized options ─╮\n│ {text} │\n│ ──────── │\n│ For full helptext │\n╰────╯\n"
    bare = f"Unrecognized options\n--------------------\n{text}\n--------\nFor full helptext\n"
    assert one_line(framed, "x") == one_line(bare, "x") == f"{text}; see soleus x --help"


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"soleus {metadata.version('soleus')}\n"


def test_every_key_is_listed() -> None:
    text = listing()
    for key in known_keys():
        if "." in key and not key.startswith("training.") and key not in ("env.id", "task.reward"):
            assert f"--{key}" in text, key
    assert "--ppo.gamma 0.98" in text
    assert "--policy.hidden 256,256" in text
    assert "--train.num_envs 32" in text


def test_help_of_train_lists_the_keys() -> None:
    code = "import sys; from soleus.cli import main; sys.exit(main(['train', '--help']))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0
    assert "--ppo.learning_rate 0.0003" in result.stdout


def test_every_term_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["terms"]) == 0
    text = capsys.readouterr().out
    for kind in _core.catalog().values():
        for name, facts in kind.items():
            assert f"  {name}: {facts['meaning']}" in text
            for parameter, (default, meaning) in facts["parameters"].items():
                assert f"    {parameter} {default:g}: {meaning}" in text
    assert main(["terms", "termination"]) == 0
    assert "observation" not in capsys.readouterr().out


def test_completion_for_a_shell_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--tyro-print-completion", "bash"])
    assert "complete " in capsys.readouterr().out


@pytest.mark.parametrize("verb", [["record", "r", "--out", "x.mp4"], ["view", "r"], ["report", "r"]])
def test_times_of_every_verb_take_units(verb: list[str]) -> None:
    for text, seconds in (("90", 90.0), ("1m30s", 90.0), ("2.5s", 2.5)):
        call = call_of([*verb, "--seconds", text])
        assert isinstance(call, functools.partial)
        assert call.keywords["seconds"] == seconds
    for wrong in ("10x", "", "nan"):
        said = "expected a time such as 90s, 15m, 1h30m or 90 \\(seconds\\), got '" + wrong
        with pytest.raises(UserError, match=said):
            call_of([*verb, "--seconds", wrong])


def test_memory_that_torch_does_not_get_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Torch says so by an error of no kind of its own, in words that are known here alone."""
    monkeypatch.setattr("soleus.cli.verbs.run", lambda given: torch.empty(10**15).numel())
    assert main(["presets"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: expected memory enough for what was asked, but the system gave none (")
    assert error.count("\n") == 1
