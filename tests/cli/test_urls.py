"""Runs at URLs on the command line: gone on with, and looked at."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from refusal import error_of
from second_place import rows, start, steps
from soleus.cli import main
from soleus.config import HumanRunConfig, load_config
from soleus.run.remote_run import local_copy
from soleus.show.view.subject import run_of
from soleus.training import train

MakeConfig = Callable[..., HumanRunConfig]


@pytest.fixture
def run(make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run without a second place; its folder is one for who reads."""
    monkeypatch.chdir(tmp_path)
    train(start(make_config(train={"steps": 1024, "checkpoint_interval": 512}), tmp_path / "walk"))
    return tmp_path / "walk"


@pytest.mark.usefixtures("point_mass_core")
def test_a_run_at_a_url_goes_on_in_a_new_folder(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"file://{run}"
    assert main(["train", "--resume", url, "--steps", "1536"]) == 0
    (folder,) = Path("runs").iterdir()
    assert re.fullmatch(r"walk-\d{8}-1", folder.name)
    assert f"fetched {url} into {folder}" in capsys.readouterr().out
    assert steps(folder, "latest.pt") == steps(run, "latest.pt") == 1536
    assert error_of(capsys, "train", "--resume", url, "--run-dir", str(folder)) == (
        f"{folder}: expected a new folder, but it exists; go on with --resume {folder}, or name another"
    )
    assert main(["train", "--resume", f"{url}/checkpoints/previous.pt", "--steps", "1536", "--run-dir", "again",
                 "--checkpoint-url", "null"]) == 0  # fmt: skip
    assert rows(Path("again")) == rows(run)
    assert load_config("again/config.yaml").train.checkpoint_url is None
    said = f"{url}/latest.pt: expected a checkpoint in a run's checkpoints/"
    assert error_of(capsys, "train", "--resume", f"{url}/latest.pt") == said


@pytest.mark.usefixtures("point_mass_core")
def test_a_damaged_latest_checkpoint_offers_the_previous_one(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latest = run / "checkpoints/latest.pt"
    latest.write_bytes(latest.read_bytes()[:100])
    error = error_of(capsys, "train", "--resume", f"file://{run}", "--run-dir", "found")
    assert "expected a whole checkpoint, but it is truncated" in error
    assert error.endswith("; the previous one is good: found/checkpoints/previous.pt")
    assert main(["train", "--resume", "found/checkpoints/previous.pt", "--steps", "1536"]) == 0
    assert steps(run, "latest.pt") == 1536


@pytest.mark.usefixtures("point_mass_core")
def test_a_run_at_a_url_is_looked_at(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"file://{run}"
    for one in (url, f"{url}/", f"{url}/checkpoints/best.pt"):
        assert main(["evaluate", one, "--episodes", "2"]) == 0
        assert run_of(one).name == "walk"  # type: ignore[union-attr]
    assert local_copy(url) == local_copy(url)
    capsys.readouterr()
    assert main(["compare", str(run), url, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["runs"]
    assert [one["steps"] for one in told] == [1024, 1024]
    main(["doctor", url, "--quick"])
    assert "latest.pt is whole, after 1,024 steps" in capsys.readouterr().out
    assert (
        error_of(capsys, "report", url)
        == f"--out: expected a folder for the report of a run at a URL, got none beside {url}"
    )


def test_what_was_fetched_to_be_looked_at_goes_with_the_process(tmp_path: Path) -> None:
    run = tmp_path / "walk"
    (run / "checkpoints").mkdir(parents=True)
    for name in ("config.yaml", "checkpoints/latest.pt"):
        (run / name).touch()
    code = "import sys; from soleus.run.remote_run import local_copy; print(local_copy(sys.argv[1]))"
    result = subprocess.run([sys.executable, "-c", code, f"file://{run}"], capture_output=True, text=True, check=True)
    assert result.stdout.endswith("/walk\n")
    assert not Path(result.stdout.strip()).parent.exists()
