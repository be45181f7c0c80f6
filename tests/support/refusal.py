"""Commands that are refused."""

import pytest

from soleus.cli import main


def error_of(captured: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that fails says: one line."""
    captured.readouterr()
    assert main(arguments) == 2
    error = captured.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error.removeprefix("error: ").rstrip("\n")
