"""Files of markers become the coordinates that moved them, and each mistake is one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from marker_files import STEP, Moved, moved, write_c3d, write_trc
from osim_files import opensim, real
from soleus import models, motions
from soleus.cli import main
from soleus.config.sources import TableMotion
from soleus.errors import UserError
from soleus.importing.opensim import import_opensim
from soleus.motions.storage import read_storage

pytest.importorskip("ezc3d")
Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # x, y and z of the file are these rows of OpenSim's axes
TENTH = np.deg2rad(0.1)


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Moved:
    return moved(tmp_path_factory.mktemp("person"))


def imported(walker: Moved, file: Path, out: Path, **keys: Any) -> tuple[dict[str, np.ndarray], str]:
    """Coordinates [rad] or [m] that an import wrote, and what it said."""
    made = import_opensim(walker.model, motion=[file], out=out, muscles=False, **keys)
    storage = read_storage(out / f"{file.stem}.mot")
    assert storage.unit == "degree"
    model = opensim.Model(str(walker.model))
    values = {"time": storage.times}
    for name, column in zip(storage.names, storage.values.T, strict=True):
        turning = model.getCoordinateSet().get(name).getMotionType() == 1
        values[name] = np.deg2rad(column) if turning else column
    return values, "\n".join(made.notes)


def off(walker: Moved, values: dict[str, np.ndarray], rows: slice = slice(None)) -> dict[str, float]:
    """How far coordinates are from those that moved the markers, at most."""
    return {name: float(np.abs(values[name] - along[rows]).max()) for name, along in walker.values.items()}


@pytest.mark.parametrize("unit", ["mm", "m", "cm"])
def test_trc(walker: Moved, unit: str, tmp_path: Path) -> None:
    scale = {"mm": 1000, "m": 1, "cm": 100}[unit]
    file = write_trc(tmp_path / "step.trc", walker.names, walker.times, scale * walker.places, unit)
    values, said = imported(walker, file, tmp_path / "out")
    np.testing.assert_allclose(values["time"], walker.times, atol=1e-8)
    assert max(off(walker, values).values()) < TENTH
    assert f"step.trc: y points up, and the person faces along x; lengths are in {unit}\n" in said + "\n"
    assert "step.trc: inverse kinematics brings the model's markers to 0.0 mm (RMS) from the file's 40" in said
    start = yaml.safe_load((tmp_path / "out" / "train.yaml").read_text())
    assert start["motion"] == "step.mot"


def test_a_c3d_file_with_z_up_of_who_walks_along_minus_y(walker: Moved, tmp_path: Path) -> None:
    # OpenSim's x, y and z are -y, z and -x of the file.
    places = 1000 * walker.places[:, :, [2, 0, 1]] * [-1, -1, 1]
    file = write_c3d(tmp_path / "step.c3d", ["*1", *(f"Ann:{name}" for name in walker.names)], walker.times,
                     np.concatenate([np.full_like(places[:, :1], 7.0), places], axis=1))  # fmt: skip
    values, said = imported(walker, file, tmp_path / "out")
    assert max(off(walker, values).values()) < TENTH
    assert "step.c3d: z points up, and the person faces along -y; lengths are in mm" in said
    assert "step.c3d: the model has no markers *1, which are left out" in said


@pytest.mark.parametrize(("scale", "unit"), [(1000, "millimetres"), (1, "metres"), (100, "centimetres")])
def test_a_file_without_a_unit_is_in_the_one_that_fits(walker: Moved, scale: int, unit: str, tmp_path: Path) -> None:
    file = write_c3d(tmp_path / "step.c3d", walker.names, walker.times, scale * walker.places, "")
    values, said = imported(walker, file, tmp_path / "out")
    assert max(off(walker, values).values()) < TENTH
    assert f"lengths are in {unit}, which the file does not say and the model's markers fit" in said


def test_a_file_without_a_unit_that_no_unit_fits(walker: Moved, tmp_path: Path) -> None:
    file = write_c3d(tmp_path / "step.c3d", walker.names, walker.times, 1e5 * walker.places, "")
    with pytest.raises(UserError, match=r"expected markers as far apart as the model's in some unit, got them 1e\+05 "):
        imported(walker, file, tmp_path / "out")


def test_the_axis_up_and_the_part_that_are_said(walker: Moved, tmp_path: Path) -> None:
    file = write_trc(tmp_path / "step.trc", walker.names, walker.times + 3.0, walker.places @ Z_UP, "m")
    values, said = imported(walker, file, tmp_path / "out", up="z", start=3.2, end=3.6)
    np.testing.assert_allclose(values["time"], 3 + walker.times[10:31], atol=1e-8)
    assert max(off(walker, values, slice(10, 31)).values()) < TENTH
    assert "z points up as --up says" in said
    with pytest.raises(UserError, match=r"step\.trc': motion\.from: expected seconds within .*, 3 to 3\.8, got 1$"):
        imported(walker, file, tmp_path / "no", start=1.0)


@pytest.mark.parametrize("write", [write_trc, write_c3d])
def test_markers_that_were_not_seen(walker: Moved, write: Callable[..., Path], tmp_path: Path) -> None:
    places = 1000 * walker.places.copy()
    gone = walker.names.index("pelvis.1")
    places[5:15, gone] = np.nan
    file = write(tmp_path / f"step.{'trc' if write is write_trc else 'c3d'}", walker.names, walker.times, places)
    values, said = imported(walker, file, tmp_path / "out")
    assert max(off(walker, values).values()) < TENTH
    assert "markers that were not seen for a part of the time: pelvis.1 24 %" in said
    places[7, 2:] = np.nan
    file = write(file, walker.names, walker.times, places)
    with pytest.raises(UserError, match=r"expected 3 markers .* at every time, got 1 at 0\.14 s: --from and --to"):
        imported(walker, file, tmp_path / "no")


def test_markers_that_only_one_of_both_has(walker: Moved, tmp_path: Path) -> None:
    keep = [k for k, name in enumerate(walker.names) if name != "torso.3"]
    names = ["knee" if walker.names[k] == "femur_r.2" else walker.names[k] for k in keep]
    file = write_trc(tmp_path / "step.trc", names, walker.times, 1000 * walker.places[:, keep])
    _, said = imported(walker, file, tmp_path / "out")
    assert "step.trc: the model has no markers knee, which are left out" in said
    assert "step.trc: expected the model's markers femur_r.2, torso.3 too, got none of them" in said


TASKS = """<?xml version="1.0" encoding="UTF-8"?><OpenSimDocument Version="40000">{0}<IKTaskSet><objects>{1}</objects>
</IKTaskSet>{2}</OpenSimDocument>"""


def test_weights(walker: Moved, tmp_path: Path) -> None:
    """A marker that lies wrong hardly counts where its weight is small; one without a task does not count at all."""
    places = 1000 * walker.places.copy()
    places[:, walker.names.index("pelvis.1"), 1] += 40.0
    places[:, walker.names.index("torso.0"), 1] += 400.0
    file = write_trc(tmp_path / "step.trc", walker.names, walker.times, places)
    tasks = "".join(
        f'<IKMarkerTask name="{name}"><apply>{str(name != "torso.0" and "toes" not in name).lower()}</apply>'
        f"<weight>{1e-6 if name == 'pelvis.1' else 1}</weight></IKMarkerTask>"
        for name in walker.names
    )
    tasks += '<IKCoordinateTask name="mtp_r"><value_type>manual_value</value_type><value>0.3</value>'
    tasks += "<weight>1000</weight></IKCoordinateTask>"
    for name, around in (
        ("tasks", ("", "")),
        ("setup", ('<InverseKinematicsTool name="x">', "</InverseKinematicsTool>")),
    ):
        (tmp_path / f"{name}.xml").write_text(TASKS.format(around[0], tasks, around[1]))
        values, _ = imported(walker, file, tmp_path / name, tasks=tmp_path / f"{name}.xml")
        apart = off(walker, values)
        assert apart.pop("mtp_r") > TENTH
        np.testing.assert_allclose(values["mtp_r"], 0.3, atol=1e-3)
        assert max(apart.values()) < TENTH
    assert max(off(walker, imported(walker, file, tmp_path / "even")[0]).values()) > 10 * TENTH


def test_markers_that_are_not_the_models(walker: Moved, tmp_path: Path) -> None:
    """Markers in another order of names lie elsewhere."""
    file = write_trc(tmp_path / "step.trc", walker.names[::-1], walker.times, 1000 * walker.places)
    with pytest.raises(UserError, match=r"step\.trc': expected markers that lie as the model's do|along an axis"):
        imported(walker, file, tmp_path / "out", up="y")
    near = 1000 * walker.places + 60 * np.random.default_rng(0).standard_normal((1, len(walker.names), 3))
    _, said = imported(walker, write_trc(tmp_path / "near.trc", walker.names, walker.times, near), tmp_path / "near")
    assert "; more than 40 mm is much: expected a model that is scaled to the person" in said


def cell(line: int, column: int, word: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        lines = text.split("\n")
        cells = lines[line - 1].split("\t")
        cells[column] = word
        lines[line - 1] = "\t".join(cells)
        return "\n".join(lines)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.replace("PathFileType", "x", 1), r": expected a first line with PathFileType, got 'x\s"),
        (lambda t: t.replace("\tmm\t", "\tfurlongs\t"), ": expected a unit of length such as m, cm or mm, got 'furl"),
        (lambda t: t.replace("\tmm\t", "\tm\t"), r": expected markers as far apart .* 1e\+03 times .* 0\.001 for mi"),
        (lambda t: t.replace("Frame#", "Row"), " line 4: expected Frame#, Time and names of markers, got 'Row"),
        (lambda t: t.replace("pelvis.1", "pelvis.0"), " line 4: expected every marker once, got 'pelvis.0' twice"),
        (lambda t: t.rsplit("\n", 3)[0], ": expected 41 frames, as NumFrames says, got 39: the file may have been"),
        (cell(3, 3, "12"), ": expected 12 markers, as NumMarkers says, got 40"),
        (cell(20, 5, "a"), " line 20: expected a number for marker 'pelvis.1', got 'a'"),
        (cell(20, 1, ""), " line 20: expected a number for the time, got ''"),
        (cell(20, 121, "1\t2"), " line 20: expected 122 cells, three of each of 40 markers, got 123"),
        (cell(20, 1, "0.1"), r" line 20: expected times that rise from row to row, got 0\.24, then 0\.1"),
        (cell(47, 1, "9.8"), r" line 47: expected times that rise evenly, by 0\.02 s a row, got 0\.78, then 9\.8"),
    ],
)  # fmt: skip
def test_mistakes_in_trc_files(change: Callable[[str], str], said: str, walker: Moved, tmp_path: Path) -> None:
    file = write_trc(tmp_path / "step.trc", walker.names, walker.times, 1000 * walker.places)
    file.write_text(change(file.read_text()))
    with pytest.raises(UserError, match=r"^marker file '.*step\.trc'" + said) as caught:
        imported(walker, file, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_files_that_do_not_go_together(walker: Moved, tmp_path: Path) -> None:
    other = write_trc(tmp_path / "other.trc", ["LASI", "RASI", "SACR"], walker.times, walker.places[:, :3], "m")
    with pytest.raises(UserError, match=r"expected markers of model '.*' \(pelvis\.0, .*\), got none of them: LASI, "):
        imported(walker, other, tmp_path / "out")
    (tmp_path / "no.c3d").write_text("none")
    with pytest.raises(UserError, match=r"^marker file '.*no\.c3d' cannot be read"):
        imported(walker, tmp_path / "no.c3d", tmp_path / "out")
    file = write_c3d(tmp_path / "a.c3d", walker.names, walker.times, walker.places, "ells")
    with pytest.raises(UserError, match="expected a unit of length such as m, cm or mm, got 'ells'"):
        imported(walker, file, tmp_path / "out")
    (tmp_path / "tasks.xml").write_text(TASKS.format("", "", ""))
    with pytest.raises(UserError, match="expected markers with a weight above 0, got none"):
        imported(walker, file, tmp_path / "out", tasks=tmp_path / "tasks.xml")
    for text, said in (("<a/>", "expected an IKTaskSet"), ("<", "expected a")):
        (tmp_path / "tasks.xml").write_text(text)
        with pytest.raises(UserError, match=rf"file of tasks '.*': {said}"):
            imported(walker, file, tmp_path / "out", tasks=tmp_path / "tasks.xml")
    bare = walker.model.parent / "bare.osim"
    with pytest.raises(UserError, match=r"bare\.osim': expected markers, which other\.trc is to move, got none"):
        import_opensim(bare, motion=[other], out=tmp_path / "out", muscles=False)


def test_the_command(walker: Moved, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_trc(tmp_path / "step.trc", walker.names, walker.times, 1000 * walker.places)
    flags = ["import", "opensim", str(walker.model), "--motion", str(file), "--out", str(tmp_path / "out")]
    assert main([*flags, "--from", "0.2", "--to", "0.6"]) == 0
    assert "note: step.trc: inverse kinematics brings the model's markers to" in capsys.readouterr().out
    human = models.load(str(tmp_path / "out" / "model.xml"))
    motion = motions.load(TableMotion(table=str(tmp_path / "out" / "step.mot"), lap="once"), human)
    assert motion.duration == pytest.approx(20 * STEP)
    assert main([*flags[:-1], str(tmp_path / "no"), "--motion", str(tmp_path / "out" / "step.mot")]) == 2
    assert "expected model and motions under names that differ" in capsys.readouterr().err
    mot = ["import", "opensim", str(walker.model), "--motion", str(tmp_path / "out" / "step.mot")]
    assert main([*mot, "--out", str(tmp_path / "no"), "--from", "0.3"]) == 2
    said = "error: --from: expected it with a --motion of markers (.trc or .c3d), got none\n"
    assert capsys.readouterr().err == said


def test_markers_of_a_real_person(tmp_path: Path) -> None:
    model, motion = real("rajagopal_walk")
    made = import_opensim(model, motion=[motion.with_suffix(".trc")], out=tmp_path, muscles=False)
    assert "lengths are in mm" in made.notes[-2]
    assert "from the file's 41" in made.notes[-1]
    ours, theirs = (read_storage(file) for file in (tmp_path / "rajagopal_walk.mot", motion))
    for name in ("knee_angle_r", "knee_angle_l", "pelvis_rotation"):  # theirs are of other weights
        apart = ours.values[:, ours.names.index(name)] - theirs.values[:, theirs.names.index(name)]
        assert np.abs(apart).max() < 5.0
