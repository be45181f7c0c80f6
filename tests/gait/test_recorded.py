"""A walk beside a subject's own recording: files that are known, and what is wrong with others."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages import Page
from soleus.errors import UserError
from soleus.gait import analyse, read_recorded, write_report
from soleus.gait.cycles import POINTS
from soleus.gait.excitation import envelopes
from soleus.models import Human
from soleus.motions.coordinates import coordinates_of
from soleus.motions.storage import storage_text
from soleus.sim.trace import Trace
from walker import walked

START = 0.4  # [s] of the files' time
KEPT = slice(0, None, 4)  # rows of a trace that are recorded: 120 a second


@pytest.fixture(scope="module")
def subject(myolegs: Human) -> Trace:
    return walked(myolegs, strides=5, seed=1).trace


def write_poses(path: Path, trace: Trace) -> Path:
    times = START + trace.times[KEPT]
    path.write_text(storage_text("poses", times, coordinates_of(trace.human, trace.qpos[KEPT]), trace.human.name))
    return path


def write_forces(
    path: Path, trace: Trace, names: tuple[str, str] = ("ground_force_r_v", "ground_force_l_v"), by: float = 1
) -> Path:
    """OpenSim's axes: x forward, y up, z to the right. by: how much heavier the subject is than the model."""
    columns = {}
    for side, name in enumerate(names):
        force = by * trace.ground_force[:, side]
        columns |= {f"{name}x": force[:, 0], f"{name}y": force[:, 2], f"{name}z": -force[:, 1]}
    path.write_text(storage_text("forces", START + trace.times, columns))
    return path


def write_emg(path: Path, trace: Trace, muscles: dict[str, np.ndarray]) -> Path:
    table = np.column_stack([START + trace.times, *muscles.values()])
    lines = [",".join(["time", *muscles]), *(",".join(f"{value:.6g}" for value in row) for row in table)]
    path.write_text("\n".join(lines) + "\n")
    return path


def envelope(trace: Trace, muscle: str) -> np.ndarray:
    """(T,) what electrodes would see."""
    return np.asarray(envelopes(trace)[:, trace.human.muscle_names.index(muscle)])


def activation(trace: Trace, muscle: str) -> np.ndarray:
    return np.asarray(trace.activation[:, trace.human.muscle_names.index(muscle)])


@pytest.mark.parametrize("names", [("ground_force_r_v", "ground_force_l_v"), ("ground_force_v", "1_ground_force_v")])
def test_a_recording_of_the_same_walk_is_the_same(subject: Trace, tmp_path: Path, names: tuple[str, str]) -> None:
    """Half as heavy again, as only forces over body weight compare; electromyography in units of its own."""
    muscles = {name: 40 * envelope(subject, name) for name in ("soleus_r", "soleus_l", "tibant_r")}
    recorded = read_recorded(
        subject.human,
        write_poses(tmp_path / "poses.mot", subject),
        write_forces(tmp_path / "forces.mot", subject, names, by=1.5),
        write_emg(tmp_path / "emg.csv", subject, muscles),
    )
    assert recorded.name == "poses.mot"
    assert recorded.cycles == {"right": 5, "left": 4}
    report = analyse([walked(subject.human, strides=8, seed=2).trace], recorded=recorded)
    assert report.beside is not None
    matches = report.beside.matches
    assert {"hip_flexion", "knee_flexion", "ankle_dorsiflexion", "pelvis_list"} <= set(matches["angles"])
    for side in ("right", "left"):
        for name in ("hip_flexion", "knee_flexion", "ankle_dorsiflexion"):
            r, rms = matches["angles"][name][side].r, matches["angles"][name][side].rms
            assert r is not None
            assert rms is not None
            assert r > 0.998, name
            assert rms < 1, name
        vertical, fore_aft = matches["forces"]["vertical"][side], matches["forces"]["fore_aft"][side]
        assert vertical.r is not None
        assert fore_aft.r is not None
        assert min(vertical.r, fore_aft.r) > 0.98
        soleus = matches["timing"]["soleus"][side]
        assert soleus.r is not None
        assert soleus.r > 0.99
        assert soleus.rms is None
    assert set(matches["timing"]) == {"soleus", "tibialis_anterior"}
    np.testing.assert_allclose(report.beside.groups["soleus"].mean.max(), 1)


def test_the_recording_takes_the_place_of_what_is_normal(subject: Trace, tmp_path: Path) -> None:
    recorded = read_recorded(subject.human, write_poses(tmp_path / "poses.mot", subject))
    assert recorded.forces == recorded.groups == {}
    assert any("farthest ahead" in note for note in recorded.notes)
    # By poses alone cycles begin nearly where they do by forces.
    forces = write_forces(tmp_path / "forces.mot", subject)
    by_force = read_recorded(subject.human, tmp_path / "poses.mot", forces).angles["knee_flexion"].curve()
    for side, values in recorded.angles["knee_flexion"].curve().sides.items():
        assert np.corrcoef(values.mean, by_force.sides[side].mean)[0, 1] > 0.95
    trace = walked(subject.human, strides=8, seed=2).trace
    report, before = analyse([trace], recorded=recorded), analyse([trace])
    assert before.beside is None
    knee, normal = report.angles["knee_flexion"].band, before.angles["knee_flexion"].band
    assert knee is not None
    assert normal is not None
    assert knee.mean.shape == (POINTS,)
    assert np.abs(knee.mean - normal.mean).max() > 0.5
    assert report.angles["hip_adduction"].band is not None
    assert report.forces["vertical"].band is None
    assert report.likeness == before.likeness
    files = write_report(report, tmp_path / "report", {"name": "walk"})
    content = json.loads(files[1].read_text())
    assert content["beside"]["name"] == "poses.mot"
    assert "normal" not in content["angles"]["knee_flexion"]
    assert len(content["angles"]["knee_flexion"]["recorded"]["mean"]) == POINTS
    page = Page(files[0].read_text())
    assert "Beside the recording" in page.text
    assert page.text.count("Here the recording stands in the place of what is normal.") == 1
    assert "beside.matches.angles.knee_flexion.right.r" in {path for path, _, _ in page.numbers}


def test_a_raw_signal_becomes_an_envelope(subject: Trace, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    raw = activation(subject, "soleus_r") * rng.standard_normal(len(subject.qpos))
    poses, forces = write_poses(tmp_path / "poses.mot", subject), write_forces(tmp_path / "forces.mot", subject)
    recorded = read_recorded(subject.human, poses, forces, write_emg(tmp_path / "emg.csv", subject, {"soleus_r": raw}))
    found = recorded.groups["soleus"].sides["right"].mean(axis=0)
    own = analyse([subject]).timing["soleus"].sides["right"].mean
    assert np.corrcoef(found, own)[0, 1] > 0.95


def test_cycles_without_a_plate_have_no_forces(subject: Trace, tmp_path: Path) -> None:
    """A laboratory has few plates: most cycles have no force, and those are told by the poses."""
    force = subject.ground_force.copy()
    force[np.flatnonzero((subject.times < 1.2) | (subject.times > 2.6))] = 0
    forces = write_forces(tmp_path / "forces.mot", replace(subject, ground_force=force))
    recorded = read_recorded(subject.human, write_poses(tmp_path / "poses.mot", subject), forces)
    assert 1 <= len(recorded.forces["vertical"].sides["right"]) < 4


def test_files_that_do_not_fit(subject: Trace, tmp_path: Path) -> None:
    human = subject.human
    poses, forces = write_poses(tmp_path / "poses.mot", subject), write_forces(tmp_path / "forces.mot", subject)
    late = tmp_path / "late.mot"
    late.write_text(
        storage_text(
            "forces", 90 + subject.times, {f"ground_force_{s}_v{a}": subject.times for s in "rl" for a in "xyz"}
        )
    )
    other = tmp_path / "other.mot"
    other.write_text(storage_text("forces", subject.times, {"f1": subject.times, "f2": subject.times}))
    nobody = write_forces(tmp_path / "nobody.mot", replace(subject, ground_force=0 * subject.ground_force))
    short = write_poses(tmp_path / "short.mot", replace(subject, qpos=subject.qpos[:200]))
    for given, message in (
        ({"poses": tmp_path / "poses.bvh"}, "--against: expected a file that ends in .mot or .sto, got"),
        ({"poses": short}, "--against: expected one whole cycle or more in"),
        ({"poses": poses, "forces": other}, "--forces: expected a column ground_force_r_vx of the right foot in"),
        ({"poses": poses, "forces": late}, "--forces: expected times among those of the poses, 0.40 to"),
        ({"poses": poses, "forces": nobody}, "--forces: expected vertical forces above 100 N in"),
        ({"poses": poses, "forces": poses}, "--forces: expected a column ground_force_r_vx of the right foot in"),
    ):
        assert_error(human, given, message)
    assert forces.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--emg: expected a header of 'time' and muscles in"),
        ("t,soleus_r\n0,1\n1,1\n2,1\n", "--emg: expected a header of 'time' and muscles in"),
        ("time,soleus_r\n0,1\n", "--emg: expected 3 rows of numbers or more in"),
        ("time,soleus_r\n0,1\n1,x\n2,1\n", "--emg: expected 2 finite numbers in row 3 of"),
        ("time,soleus_r\n0,1\n1,nan\n2,1\n", "--emg: expected 2 finite numbers in row 3 of"),
        ("time,soleus_r\n0,1\n1,1,2\n2,1\n", "--emg: expected 2 finite numbers in row 3 of"),
        ("time,soleus_r\n0,1\n2,1\n1,1\n", "--emg: expected times that rise in"),
        ("time,soleus\n0,1\n1,1\n2,1\n", "--emg: expected columns named after a muscle and its side, such as soleus_r"),
        ("time,biceps_r\n0,1\n1,1\n2,1\n", "--emg: expected columns named after a muscle and its side, such as soleus"),
        ("time,soleus_r\n90,1\n91,1\n92,1\n", "--emg: expected times among those of the poses"),
    ],
)
def test_electromyography_that_does_not_fit(subject: Trace, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "emg.csv"
    path.write_text(text)
    assert_error(subject.human, {"poses": write_poses(tmp_path / "poses.mot", subject), "emg": path}, message)


def assert_error(human: Human, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        read_recorded(human, **given)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
