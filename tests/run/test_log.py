import contextlib
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from soleus.errors import UserError
from soleus.run import log

ROW = {"time/steps": 10, "time/seconds": 2.0, "time/steps_per_s": 5.0}


def test_rows_are_read_back_and_what_is_not_finite_is_left_out(tmp_path: Path) -> None:
    with log.Log(tmp_path) as records:
        records.row({**ROW, "ppo/kl": float("nan"), "episode/return": 1.5})
    assert log.read_metrics(tmp_path) == [{**ROW, "episode/return": 1.5}]


BROKEN = ['{"time/st', "[1]", '{"time/steps": NaN}', '{"time/steps": "7"}', "\x00" * 40, '{"a": 1}']


@pytest.mark.parametrize("line", BROKEN)
def test_rows_after_a_broken_line_are_read_and_it_is_told(
    tmp_path: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metrics.jsonl").write_text(f'{{"time/steps": 1}}\n{line}\n{{"time/steps": 3}}\n{{"time/steps": 4}}\n')
    assert [row["time/steps"] for row in log.read_metrics(tmp_path)] == [1, 3, 4]
    said = f"warning: {tmp_path / 'metrics.jsonl'}: expected a row of metrics in line 2, got something else, which is"
    assert capsys.readouterr().err == f"{said} left out; the 2 rows after it are read\n"


def test_a_row_cut_short_by_a_kill_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metrics.jsonl").write_text(json.dumps(ROW) + '\n{"time/st')
    assert log.read_metrics(tmp_path) == [ROW]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("line", ["12", '{"a": 1}', '{"time/steps": "x"}', "[1]", "null", '{"time/st', "\x80"])
def test_resuming_drops_a_line_that_is_no_row(tmp_path: Path, line: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(json.dumps(ROW) + f"\n{line}", encoding="latin-1")
    with log.Log(tmp_path, resume_steps=20) as records:
        records.row({"time/steps": 31})
    assert log.read_metrics(tmp_path) == [ROW, {"time/steps": 31}]


def test_a_kill_while_resuming_keeps_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*names: Path) -> None:
        raise KeyboardInterrupt

    (tmp_path / "metrics.jsonl").write_text(json.dumps(ROW) + "\n")
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            log.Log(tmp_path, resume_steps=20)
    assert log.read_metrics(tmp_path) == [ROW]


def test_a_folder_that_cannot_hold_records(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(UserError, match=r"expected a folder to record in, but Is a directory"):
        log.Log(tmp_path)


def test_resuming_drops_what_comes_again(tmp_path: Path) -> None:
    with log.Log(tmp_path) as records:
        for steps in (10, 20, 30):
            records.row({"time/steps": steps})
    with log.Log(tmp_path, resume_steps=20) as records:
        records.row({"time/steps": 31})
    assert [row["time/steps"] for row in log.read_metrics(tmp_path)] == [10, 20, 31]


def test_plain_progress_where_there_is_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with log.Log(tmp_path) as records:
        records.show({**ROW, "episode/return": 1.5, "episode/length_s": 0.5}, 0.25)
        records.show({**ROW, "time/steps": 1234}, 1.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "10 steps  5 steps/s  return 1.5  length 0.50 s  0:06 left",
        "1,234 steps  5 steps/s  return 1.5  length 0.50 s  0:00 left",
    ]


def lines_of(folder: Path, capsys: pytest.CaptureFixture[str], returns: list[float], start: int, **options: int) -> str:
    """Record returns an iteration each; return the last line on the screen."""
    with log.Log(folder, **options) as records:
        for number, value in enumerate(returns, start=start):
            row = {**ROW, "time/steps": 10 * number, "episode/return": value, "episode/length_s": 0.5}
            records.row(row)
            records.show(row, 0.5)
    return capsys.readouterr().out.splitlines()[-1]


def test_the_return_so_far_is_a_curve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines_of(tmp_path, capsys, [1, 2, 3], start=1).endswith("0:02 left  ▁▅█")
    resumed = lines_of(tmp_path, capsys, [5, 9], start=3, resume_steps=20)
    assert resumed.endswith("0:02 left  ▁▂▅█"), "it starts with its past, without what comes again"


def test_the_curve_where_the_output_has_no_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    with log.Log(tmp_path) as records:
        for value in (1.0, 2.0):
            records.show({**ROW, "episode/return": value, "episode/length_s": 0.5}, 0.5)
    output.seek(0)
    assert output.read().splitlines()[-1].endswith("0:02 left  _#")


def test_the_curve_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with log.Log(tmp_path) as records:
        for value in (1.0, 2.0):
            records.show({**ROW, "episode/return": value, "episode/length_s": 0.5}, 0.5)
        assert records.screen.progress.tasks[0].description.endswith("0:02 left  ▁█")


def test_a_full_disk_is_an_error_of_one_line(tmp_path: Path) -> None:
    with log.Log(tmp_path) as records:
        records.file.close()
        records.file = open("/dev/full", "a", encoding="utf-8")  # noqa: SIM115
        with pytest.raises(UserError, match=r"metrics could not be written \(No space left on device\)"):
            records.row(ROW)
        with contextlib.suppress(OSError):
            records.file.close()


def test_short_times() -> None:
    assert [log.short_time(seconds) for seconds in (5, 75, 3723)] == ["0:05", "1:15", "1:02:03"]


@pytest.mark.parametrize("slope", [1.0, -1.0])
def test_a_curve_is_drawn_where_its_values_are(tmp_path: Path, slope: float) -> None:
    """A straight line, from one corner of its panel to the other; on the other diagonal where the values fall."""
    rows = [{"time/steps": 1000.0 * k, "episode/return": slope * k} for k in range(1, 21)]
    (tmp_path / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    path = log.draw_curves(tmp_path)
    assert path == tmp_path / "curves.png"
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    lines, columns = np.nonzero(np.abs(pixels - [0x1F, 0x77, 0xB4]).max(2) < 30)  # Matplotlib's first colour
    height, width = pixels.shape[:2]
    assert np.ptp(columns) > 0.6 * width
    assert np.ptp(lines) > 0.5 * height
    across = (columns - columns.min()) / np.ptp(columns)
    up = (lines.max() - lines) / np.ptp(lines)
    np.testing.assert_allclose(up, across if slope > 0 else 1 - across, atol=0.05)


def test_no_curves_of_nothing(tmp_path: Path) -> None:
    assert log.draw_curves(tmp_path) is None
