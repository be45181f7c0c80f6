"""The page: its numbers are those of the JSON, it needs nothing from outside, it says what it has to."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pages import Page, at
from run_folders import iteration, write_run
from soleus.compare.reading import read_runs
from soleus.errors import UserError
from soleus.gait import Report, check_folder, write_report

RUN = {"name": "walk <2d>", "folder": "runs/x", "checkpoint": "best.pt", "steps": 812345}


@pytest.fixture(scope="module", params=["planar", "spatial"])
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Page, dict[str, Any]]:
    """The folder of a report, its page and its JSON: drawn once, and only read."""
    report: Report = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("report")
    rows = [iteration(k, 50.0, episode__return=float(k)) for k in (1, 2, 3)]
    record = read_runs([write_run(folder / "run", rows)])[0]
    files = write_report(report, folder, RUN, record)
    assert [path.name for path in files] == [
        "report.html", "report.json", "angles.png", "forces.png", "loads.png", "timing.png", "activations.png",
        "muscles.png", "curves.png",
    ]  # fmt: skip
    return folder, Page((folder / "report.html").read_text()), json.loads((folder / "report.json").read_text())


def test_numbers_are_those_of_the_json(written: tuple[Path, Page, dict[str, Any]]) -> None:
    """Every number of the page, to the last digit, and as it is shown to as many as it shows."""
    _, page, content = written
    assert len(page.numbers) > 100
    for path, value, text in page.numbers:
        known = at(content, path)
        assert float(value) == known, path
        shown = text.replace("−", "-").replace(",", "")
        digits = len(shown.partition(".")[2])
        assert float(shown) == pytest.approx(known, abs=0.5 * 10**-digits + 1e-12), path


def test_all_that_matters_is_on_it(written: tuple[Path, Page, dict[str, Any]]) -> None:
    _, page, content = written
    shown = {path for path, _, _ in page.numbers}
    for key in ("speed", "cadence", "step_length", "stance_share", "cost_of_transport"):
        assert f"measures.{key}.mean" in shown
    for key, measure in content["measures"].items():
        for part in ("mean", "sd", "right", "left"):
            assert (f"measures.{key}.{part}" in shown) == (measure[part] is not None), key
    assert {f"symmetry_percent.{key}" for key in content["symmetry_percent"]} <= shown
    assert {f"phases.{i}.{end}" for i in range(8) for end in ("start", "end")} <= shown
    assert {f"angles.{name}.summary.{side}.range" for name in content["angles"] for side in ("right", "left")} <= shown
    assert ("torque_residual" in shown) == (content["torque_residual"] is not None)
    for key in content["likeness"]["yardsticks"]:
        assert {f"likeness.yardsticks.{key}.{part}" for part in ("value", "normal", "score")} <= shown
    assert {f"likeness.topics.{topic}" for topic in content["likeness"]["topics"]} <= shown
    assert "likeness.figure" in shown
    for phase in content["phases"]:
        assert phase["name"].capitalize() in page.text


def test_no_number_is_loose(written: tuple[Path, Page, dict[str, Any]]) -> None:
    """In tables and tiles every number is a <data>: what is left of them without those has no digits."""
    folder, _, _ = written
    text = (folder / "report.html").read_text()
    bare = re.sub(r"<data .*?</data>", "", text)
    for cell in re.findall(r"<td>(.*?)</td>|<b>(.*?)</b>", bare):
        assert not re.search(r"\d", "".join(cell)), cell


def test_it_opens_without_a_network(written: tuple[Path, Page, dict[str, Any]]) -> None:
    folder, page, _ = written
    text = (folder / "report.html").read_text()
    assert page.fetched == []
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in text


def test_the_pictures_in_it_are_those_beside_it(written: tuple[Path, Page, dict[str, Any]]) -> None:
    folder, page, _ = written
    names = ["angles", "forces", "loads", "timing", "activations", "muscles", "curves"]
    assert page.images == [(folder / f"{name}.png").read_bytes() for name in names]
    assert all(image.startswith(b"\x89PNG") for image in page.images)


def test_it_says_how_many_strides_there_are(written: tuple[Path, Page, dict[str, Any]]) -> None:
    _, page, content = written
    text = " ".join(page.text.split())
    strides = content["strides"]
    assert f"over {strides['right']} strides of the right foot and {strides['left']} of the left" in text
    assert ("fewer than the 20 of each" in text) == (not strides["enough"])


def test_it_says_what_the_band_is(written: tuple[Path, Page, dict[str, Any]]) -> None:
    text = " ".join(written[1].text.split())
    assert "one standard deviation between people" in text
    assert "Winter (1991)" in text
    assert "Perry and Burnfield (2010)" in text


def test_names_are_escaped(written: tuple[Path, Page, dict[str, Any]]) -> None:
    folder, page, content = written
    assert content["run"]["name"] == "walk <2d>"
    assert "Gait report: walk <2d>" in page.text
    assert "<2d>" not in (folder / "report.html").read_text()


def test_pictures_of_an_earlier_report_do_not_stay(planar: Report, tmp_path: Path) -> None:
    from dataclasses import replace

    write_report(planar, tmp_path, RUN)
    assert (tmp_path / "muscles.png").exists()
    assert not (tmp_path / "curves.png").exists()
    files = write_report(replace(planar, activations={}, muscles={}, timing={}), tmp_path, RUN)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in files)
    assert not (tmp_path / "muscles.png").exists()
    assert len(Page((tmp_path / "report.html").read_text()).images) == 3


def test_folders_that_do_not_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"^--out: expected a folder that can be written to, got .*file \("):
        check_folder(tmp_path / "file")
    (tmp_path / "taken" / "report.html").mkdir(parents=True)
    with pytest.raises(UserError, match=r"report\.html in it is a folder"):
        check_folder(tmp_path / "taken")
    check_folder(tmp_path / "new" / "deep")
    assert not (tmp_path / "new").exists()


def test_a_run_is_said_to_be_one(planar: Report, tmp_path: Path) -> None:
    from dataclasses import replace

    for stance, said in ((48.0, True), (60.0, False)):
        write_report(replace(planar, stance=stance), tmp_path, RUN)
        assert ("is that of a run" in (tmp_path / "report.html").read_text()) == said
