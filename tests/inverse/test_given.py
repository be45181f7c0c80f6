"""The gait of a motion file: all its whole cycles, and what it does not tell of."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from soleus.errors import UserError
from soleus.inverse.columns import columns_of
from soleus.inverse.given import read_given
from soleus.models import Human
from soleus.motions.storage import storage_text
from soleus.rollouts import write_episode
from walker import motion_of, walked


@pytest.mark.parametrize("ending", [".csv", ".mot", ".bvh", ".npz"])
def test_all_cycles_of_a_file(walk2d: Human, ending: str, tmp_path: Path) -> None:
    """Five strides begin at six strikes; the first, which begins as the file does, is left out."""
    person = walked(walk2d, strides=5, lead_s=0.3)
    file = tmp_path / f"walk{ending}"
    write_episode(file, person.trace)
    columns = columns_of(walk2d)
    given = read_given(str(file), walk2d, columns)
    assert 3 <= len(given.gait.rows) <= 5
    assert np.exp(given.gait.mean[0]) == pytest.approx(motion_of(walk2d).duration, abs=0.01)
    assert given.left_out == ()
    assert {columns[k].kind for k in given.compared} == {"velocity", "height", "hinge"}
    assert any("cycles from right heel strike" in note for note in given.notes)
    whole = read_given("walk", walk2d, columns)
    assert len(whole.gait.rows) == 1
    hip = 1 + 41 * next(k for k, column in enumerate(columns) if column.name == "hip_flexion_r")
    assert np.linalg.norm(given.gait.mean[hip : hip + 3]) == pytest.approx(
        np.linalg.norm(whole.gait.mean[hip : hip + 3]), rel=0.03
    )


def test_joints_that_a_file_lacks(walk2d: Human, tmp_path: Path) -> None:
    trace = walked(walk2d, strides=4).trace
    own = {"hip_flexion_r": 3, "hip_flexion_l": 6, "knee_angle_r": 4, "knee_angle_l": 7}
    table = {name: np.rad2deg(trace.qpos[:, adr]) for name, adr in own.items()}
    file = tmp_path / "hips.mot"
    file.write_text(storage_text("Coordinates", trace.times, table, None))
    columns = columns_of(walk2d)
    given = read_given(str(file), walk2d, columns)
    assert {"ankle_angle_r", "ankle_angle_l"} <= set(given.left_out)
    assert {columns[k].name for k in given.compared} >= set(own)


def test_less_than_a_cycle(walk2d: Human, tmp_path: Path) -> None:
    trace = walked(walk2d, strides=3).trace
    parts = [field.name for field in fields(trace) if field.name not in ("human", "dt")]
    short = replace(trace, **{name: getattr(trace, name)[:300] for name in parts})
    for ending in (".csv", ".npz"):
        file = tmp_path / f"short{ending}"
        write_episode(file, short)
        with pytest.raises(UserError, match=rf"{file}: expected one whole cycle or more, got less \(motion table"):
            read_given(str(file), walk2d, columns_of(walk2d))


def test_nobody_moves(walk2d: Human, tmp_path: Path) -> None:
    trace = walked(walk2d, strides=3).trace
    qpos = np.tile(walk2d.qpos_rest, (len(trace.qpos), 1))
    qpos[:, 0] = trace.qpos[:, 0]
    file = tmp_path / "slides.npz"
    write_episode(file, replace(trace, qpos=qpos))
    with pytest.raises(UserError, match=r"slides.npz: expected .*, got"):
        read_given(str(file), walk2d, columns_of(walk2d))


def test_a_file_of_another_model(walk2d: Human, tmp_path: Path) -> None:
    file = tmp_path / "arms.mot"
    file.write_text(storage_text("Coordinates", np.arange(50) / 50, {"elbow_r": np.zeros(50)}, None))
    with pytest.raises(UserError, match="expected columns with the names of joints of 'walk2d'"):
        read_given(str(file), walk2d, columns_of(walk2d))
