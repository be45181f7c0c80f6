"""`soleus sweep`: a table that goes on where it was, and mistakes in a line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conditioned_run import conditioned_run
from small_run import small_run
from soleus.cli import main
from soleus.cli.sweep import axis_of
from soleus.errors import UserError
from soleus.sweep.parts import Parts
from soleus.sweep.tables import read_table

GRID = ["--over", "stride=0.8:1.2:2", "--over", "strength.plantarflexors_r=0.2:1:2"]
SHORT = ["--cycles", "2", "--seconds", "2", "--episodes", "1", "--num-threads", "1"]


def test_a_table_is_whole_and_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = str(conditioned_run()), tmp_path / "grid.npz"
    capsys.readouterr()
    assert main(["sweep", run, *GRID, *SHORT, "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 of 4: stride ")
    assert lines[-1] == f"{out}: {len(read_table(out)['point'])} rows of 4 points"
    table = read_table(out)
    assert sorted(set(table["point"])) == [0, 1, 2, 3]
    np.testing.assert_allclose(table["condition.stride"], np.where(table["point"] < 2, 0.8, 1.2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grid.npz", "grid.npz.json"]
    before = out.read_bytes()
    assert main(["sweep", run, *GRID, *SHORT, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: all 4 points were there already\n"
    assert out.read_bytes() == before
    other = [*GRID, *SHORT, "--seed", "4", "--out", str(out)]
    assert main(["sweep", run, *other]) == 2
    said = "expected the command that .* was begun with, got another: seed was 0, and is 4"
    assert capsys.readouterr().err == f"error: --out: {said.replace('.*', str(out))}\n"
    assert main(["sweep", str(out), "--plot", str(tmp_path / "map.png"), "--value", "success"]) == 0
    assert (tmp_path / "map.png").stat().st_size > 1000


def test_it_goes_on_where_it_was_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows are neither lost nor doubled, and the same as those of a sweep that nobody stopped."""
    run, whole, killed = str(conditioned_run()), tmp_path / "whole.npz", tmp_path / "killed.npz"
    command = ["sweep", run, "--over", "stride=0.8:1.2:40", *SHORT, "--out"]
    assert main([*command, str(whole)]) == 0
    process = subprocess.Popen([sys.executable, "-m", "soleus", *command, str(killed)], stdout=subprocess.DEVNULL)
    parts = tmp_path / "killed.npz.parts"
    while len(list(parts.glob("point-*.npz"))) < 5 and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = len(list(parts.glob("point-*.npz")))
    assert 5 <= done < 40, "the test wants it killed midway"
    capsys.readouterr()
    assert main([*command, str(killed)]) == 0
    assert capsys.readouterr().out.startswith(f"{done} of 40 points were there already\n")
    one, other = read_table(whole), read_table(killed)
    assert set(one) == set(other)
    for name, values in one.items():
        np.testing.assert_array_equal(other[name], values)
    assert not parts.exists()


def test_a_file_that_is_in_use_or_somebody_elses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = str(conditioned_run()), tmp_path / "grid.npz"
    capsys.readouterr()
    out.write_bytes(b"mine")
    assert main(["sweep", run, *GRID, *SHORT, "--out", str(out)]) == 2
    said = f"expected a new file, or that of a sweep with grid.npz.json beside it, got {out}"
    assert capsys.readouterr().err == f"error: --out: {said}\n"
    out.unlink()
    (tmp_path / "grid.npz.json").write_text("no JSON")
    assert main(["sweep", run, *GRID, *SHORT, "--out", str(out)]) == 2
    assert "grid.npz.json: expected what made a sweep, got something else" in capsys.readouterr().err
    (tmp_path / "grid.npz.json").unlink()
    parts = Parts(out, {"seed": 0}, 3)
    about = json.loads((tmp_path / "grid.npz.json").read_text())
    assert about == {"command": {"seed": 0}, "points": 3, "whole": False}
    assert parts.missing == [0, 1, 2]
    with pytest.raises(UserError, match=r"^--out: expected a table that no other process is making, got .*grid.npz"):
        Parts(out, {"seed": 0}, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "a.npz"], "--over: expected NAME=LOW:HIGH:COUNT such as cadence=0.8:1.2:5, got none"),
        (["--over", "stride=1:1.2:2"], "--out: expected a file for the table, got none"),
        (
            ["--over", "stride=1:1.2", "--out", "a.npz"],
            "--over: expected NAME=LOW:HIGH:COUNT such as cadence=0.8:1.2:5",
        ),
        (["--over", "stride=1.2:1:2", "--out", "a.npz"], "--over: expected a least value, a greater one and 2 or more"),
        (["--over", "slop=1:1.2:2", "--out", "a.npz"], "expected one of the run's conditions, stride, strength."),
        (["--over", "stride=0.8:2:2", "--out", "a.npz"], "stride: expected a value within 0.8 and 1.2, got 2"),
        (["--over", "stride=1:1.2:2", "--out", "a.txt"], "--out: expected a file ending in .npz, .csv, .parquet, .h5"),
        (["--over", "stride=1:1.2:2", "--out", "a.npz", "--cycles", "0"], "--cycles: expected 1 to 100000, got 0"),
        (["--over", "stride=1:1.2:2", "--out", "a.npz", "--episodes", "0"], "--episodes: expected 1 to 10000, got 0"),
        (["--over", "stride=1:1.2:2", "--out", "a.npz", "--seconds", "1"], "--seconds: expected 2 to 600, got 1"),
        (["--over", "stride=1:1.2:2", "--out", "a.npz", "--seed", "-1"], "--seed: expected 0 or more and less than"),
        (["--over", "stride=1:1.2:2", "--out", "a.npz", "--num-threads", "0"], "--num-threads: expected 1 or more"),
        (["--over", "stride=1:1.2:2", "--out", "a.npz", "--value", "speed"], "--value: expected it with --plot"),
        (["--over", "stride=1:1.2:2", "--out", "a.npz", "--plot", "a.pdf"], "--plot: expected a file ending in .png"),
    ],
)
def test_mistakes_end_in_a_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run = conditioned_run()
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["sweep", str(run), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_conditions_and_a_table_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = str(small_run()), str(tmp_path / "a.npz")
    capsys.readouterr()
    for arguments, message in (
        ([run, "--over", "speed=1:1.2:2", "--out", out], "--over: expected a run with conditions, got one without any"),
        ([out], f"--plot: expected a file for the picture of the table {out}, got none"),
        ([out, "--plot", str(tmp_path / "a.png")], f"{out}: expected the table of a sweep, got nothing there"),
        ([out, "--over", "a=1:2:2", "--plot", str(tmp_path / "a.png")], "--over: expected it with a run, got it with"),
    ):
        assert main(["sweep", *arguments]) == 2
        assert message in capsys.readouterr().err


def test_axes() -> None:
    assert axis_of("speed=0.8:1.2:5").values.tolist() == pytest.approx([0.8, 0.9, 1.0, 1.1, 1.2])
    assert axis_of("slope=-5deg:5deg:3").values.tolist() == pytest.approx([-0.0872665, 0, 0.0872665])
    assert axis_of("speed=1:1:1").values.tolist() == [1.0]
