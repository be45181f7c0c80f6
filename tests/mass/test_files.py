"""Broken files: one line that names the file, the element and the reason, and exit code 2."""

import re
from pathlib import Path

import pytest

from mass_files import FILES
from soleus.cli import main
from soleus.config import load_config
from soleus.models.muscle_table import COLUMNS
from soleus.sim.scenario import load_scenario

OWN = FILES["person"]


def broken(tmp_path: Path, which: str, before: str, after: str) -> dict[str, Path]:
    """Copies of the small model's files, the first `before` in one of them replaced."""
    files = {}
    for key, path in OWN.items():
        text = path.read_text()
        if key == which:
            assert before in text
            text = re.sub(r' was="[^"]*"', "", text.replace(before, after, 1))  # a value's place is taken by another
        files[key] = tmp_path / path.name
        files[key].write_text(text)
    return files


def the_line(capsys, files: dict[str, Path], out: Path) -> str:
    """Run the import, which has to fail with one line on stderr and to write nothing."""
    code = main(["import", "mass", str(files["skeleton"]), str(files["muscles"]), "--bvh", str(files["bvh"]),
                 "--out", str(out)])  # fmt: skip
    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (2, "", 1)
    assert not out.exists()
    return said.err


@pytest.mark.parametrize(
    ("which", "before", "after", "parts"),
    [
        ("muscles", 'body="FemurL"', 'body="FemurX"', ["<Waypoint> 'FemurX'", "of person.xml", "did you mean 'Femur"]),
        ("skeleton", 'parent="FemurR"', 'parent="Thigh"', ["<Node> 'TibiaR'", "expected a parent", "'Thigh'"]),
        ("skeleton", 'parent="FemurR"', "", ["<Node> 'TibiaR'", "expected the attribute 'parent', got none"]),
        ("skeleton", 'type="Ball"', 'type="Bell"', ["<Joint>", "got 'Bell'", "'Ball'"]),
        ("skeleton", 'type="Ball"', 'type="Free"', ["expected a Free joint for the node without a parent alone"]),
        ("skeleton", 'mass="', 'mass="nan" was="', ["<Body>", "mass: expected finite numbers, got 'nan'"]),
        ("skeleton", 'mass="', 'mass="heavy" was="', ["<Body>", "mass: expected numbers, got 'heavy'"]),
        ("skeleton", 'size="', 'size="0.1 0.1" was="', ["<Body>", "size: expected 3 numbers, got 2"]),
        ("skeleton", 'linear="', 'linear="0 0 0 0 0 0 0 0 0" was="', ["<Transformation>", "expected a rotation"]),
        ("skeleton", "<Skeleton", "<Skeletons", ["expected XML, but mismatched tag"]),
        ("muscles", "<Muscle>", "<Muscle><Unit", ["expected XML"]),
        ("muscles", 'f0="', 'f0="-3" was="', ["<Unit>", "f0: expected a positive number, got -3"]),
        ("muscles", 'p="', 'p="inf 0 0" was="', ["<Waypoint>", "p: expected finite numbers, got 'inf 0 0'"]),
        ("skeleton", 'linear="', 'linear="2 0 0 0 2 0 0 0 2" was="', ["<Transformation>", "lengths 2, 2, 2"]),
        ("skeleton", 'linear="', 'linear="1 1 0 0 1 1 0 0 1" was="', ["<Transformation>", "not at right angles"]),
        ("skeleton", 'linear="', 'linear="-1 0 0 0 1 0 0 0 1" was="', ["<Transformation>", "a reflection"]),
        ("skeleton", 'mass="', 'mass="1e300" was="', ["<Body>", "mass: expected numbers up to 1e+06"]),
        ("skeleton", 'mass="', 'mass="1e-300" was="', ["<Body>", "mass: expected a number of 1e-06 or more"]),
        ("skeleton", '<Node name="', '<Node name="world" was="', ["<Node> 'world'", "expected another name"]),
        ("skeleton", "<Skeleton", '<?xml version="1.0" encoding="foo"?><Skeleton', ["in an encoding that is known"]),
        ("muscles", 'p="', 'p="1e30 0 0" was="', ["<Waypoint>", "expected numbers up to"]),
        ("bvh", "CHANNELS 3", "CHANNELS 2", ["line"]),
        ("bvh", "CHANNELS 3 Zrotation", "CHANNELS 3 Xrotation", ["channels of", "that differ"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys, which, before, after, parts):
    files = broken(tmp_path, which, before, after)
    line = the_line(capsys, files, tmp_path / "out")
    for part in (files[which].name, "line ", *parts):
        assert part in line


def test_a_muscle_of_one_waypoint(tmp_path, capsys):
    lone = '<Unit name="Lone" f0="1" lm="1" lt="0.2"><Waypoint body="Pelvis" p="0 1 0"/></Unit>'
    files = broken(tmp_path, "muscles", "</Muscle>", f"{lone}</Muscle>")
    line = the_line(capsys, files, tmp_path / "out")
    assert "muscles.xml line" in line
    assert "<Unit> 'Lone': expected at least two waypoints, got 1" in line


def test_a_frame_with_too_few_channels(tmp_path, capsys):
    files = broken(tmp_path, "skeleton", "<Skeleton", "<Skeleton")
    lines = files["bvh"].read_text().rstrip().split("\n")
    files["bvh"].write_text("\n".join([*lines[:-1], " ".join(lines[-1].split()[:-4])]) + "\n")
    line = the_line(capsys, files, tmp_path / "out")
    assert f"line {len(lines)}" in line
    assert "numbers" in line


def test_a_file_that_is_not_there(tmp_path, capsys):
    files = {**OWN, "muscles": tmp_path / "none.xml"}
    assert "none.xml: expected a readable file" in the_line(capsys, files, tmp_path / "out")


def test_nothing_is_written_over(tmp_path, capsys):
    files = [str(OWN["skeleton"]), str(OWN["muscles"]), "--out", str(tmp_path / "out")]
    assert main(["import", "mass", *files]) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    capsys.readouterr()
    assert main(["import", "mass", *files]) == 2
    assert "person.xml is there already" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,1,1,0.2,Pelvis,0,0,0,1,,,,,", "at least two waypoints of 'A', got one"),
        ("A,1,1,0.2,,0,0,0,1,,,,,", "line 2: body: expected a body, got none"),
        ("A,1,1,0.2,Pelvis,0,nan,0,1,,,,,", "line 2: y: expected a finite number, got 'nan'"),
        ("A,1,much,0.2,Pelvis,0,0,0,1,,,,,", "line 2: lm: expected a number, got 'much'"),
        ("A,1,1", "line 2: expected 14 cells, got 3"),
    ],
)
def test_a_broken_table_of_muscles(tmp_path, capsys, row, said):
    out = tmp_path / "out"
    assert main(["import", "mass", str(OWN["skeleton"]), str(OWN["muscles"]), "--out", str(out)]) == 0
    capsys.readouterr()
    (out / "muscles.csv").write_text(",".join(COLUMNS) + "\n" + row + "\n")
    assert main(["train", str(out / "train.yaml"), "--train.steps", "1", "--run-dir", str(tmp_path / "run")]) == 2
    line = capsys.readouterr().err
    assert "muscles.csv" in line
    assert said in line


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--damping", "-1"], "damping: expected greater than or equal to 0, got -1"),
        (["--damping", "nan"], "damping: expected a finite number, got nan"),
        (["--hz", "1e12"], "expected up to 1,000,000 frames"),
        (["--name", "Pelvis"], "--name: expected BODY=JOINT, got 'Pelvis'"),
        (["--name", "Pelvis=None"], "expected a joint 'None' for body 'Pelvis'"),
        (["--out", "x" * 300], "expected a folder to write to"),
    ],
)
def test_what_is_wrong_beside_the_files(tmp_path, capsys, monkeypatch, flags, said):
    monkeypatch.chdir(tmp_path)
    files = [str(OWN["skeleton"]), str(OWN["muscles"]), "--bvh", str(OWN["bvh"]), "--out", "out"]
    assert main(["import", "mass", *files, *flags]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path, capsys, monkeypatch):
    def full(path, table):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("soleus.importing.mass.write_table", full)
    assert main(["import", "mass", str(OWN["skeleton"]), str(OWN["muscles"]), "--out", str(tmp_path / "out")]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_joint_named_as_another_column(tmp_path, capsys):
    text = OWN["skeleton"].read_text().replace('"TibiaR"', '"time"')
    (tmp_path / "person.xml").write_text(text)
    (tmp_path / "muscles.xml").write_text(OWN["muscles"].read_text().replace('"TibiaR"', '"time"'))
    files = {**OWN, "skeleton": tmp_path / "person.xml", "muscles": tmp_path / "muscles.xml"}
    code = main(["import", "mass", str(files["skeleton"]), str(files["muscles"]), "--bvh", str(files["bvh"]),
                 "--out", str(tmp_path / "out")])  # fmt: skip
    assert (code, capsys.readouterr().err.count("got 'time' twice")) == (2, 1)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["a,b", "a: b", "#x", "a #b", "[z]", "*a", "&a", "@a", "Fu\u00dfball", "{y}"])
def test_names_of_files_may_be_odd(tmp_path, name):
    (tmp_path / f"{name}.xml").write_text(OWN["skeleton"].read_text())
    out = tmp_path / "out"
    assert main(["import", "mass", str(tmp_path / f"{name}.xml"), str(OWN["muscles"]), "--out", str(out)]) == 0
    assert load_scenario(load_config(out / "train.yaml")).human.muscle_names
