"""Noise is filtered out of recordings and clips, and what people do stays, at its time."""

from pathlib import Path

import numpy as np
import pytest
from test_units import STRIDE, rewritten

from soleus import motions
from soleus.config.sources import BvhMotion, MassFiles, ModelFiles, TableMotion
from soleus.errors import UserError
from soleus.models import load
from soleus.motions.bvh import read_bvh
from soleus.motions.smoothing import smooth_clip
from storage_files import coordinates, write_storage

PERSON = Path(__file__).parents[1] / "mass" / "person.xml"


@pytest.mark.parametrize("model", ["walk2d", "myolegs"])
def test_tables(tmp_path, model, request):
    human = request.getfixturevalue(model)
    walk = motions.load("walk", human)
    columns = coordinates(walk, human)
    noise = 0.02 * np.sin(2 * np.pi * 40.0 * columns["time"])
    for name in ("knee_angle_r", "pelvis_tilt"):
        columns[name] = columns[name] + noise
    path = write_storage(tmp_path / "a.mot", columns)
    poses = {}
    for hz in (None, 10.0):
        poses[hz] = motions.load(TableMotion(table=str(path), lap="once", filter=hz), human).qpos
    adr = int(human.model.joint("knee_angle_r").qposadr[0])
    inner = slice(8, -8)
    wanted = np.append(walk.qpos[:, adr], walk.qpos[0, adr])[inner]
    assert np.abs(poses[None][inner, adr] - wanted).max() > 0.019
    assert np.abs(poses[10.0][inner, adr] - wanted).max() < 0.01
    if model == "myolegs":
        np.testing.assert_allclose(np.linalg.norm(poses[10.0][:, 3:7], axis=1), 1.0)


def test_clips(tmp_path):
    """A clip of 24 frames a second that shakes at 6 Hz."""
    clip = read_bvh(Path(STRIDE))
    k = np.arange(clip.frames)

    def shaken(rows):
        rows[:, 4:] += 2.0 * np.cos(np.pi * k / 2)[:, None]
        return rows

    path = Path(rewritten(tmp_path / "a.bvh", clip, frames=shaken))
    rough = read_bvh(path)
    smoothed, plain = smooth_clip(rough, 3.0), smooth_clip(clip, 3.0)
    inner = slice(4, -4)

    def apart(one, other):
        turns = np.swapaxes(one.rotations[inner], -1, -2) @ other.rotations[inner]
        return float(np.rad2deg(np.arccos(np.clip((np.trace(turns, axis1=-2, axis2=-1) - 1) / 2, -1, 1))).max())

    assert apart(rough, clip) > 1.9
    assert apart(smoothed, plain) < 0.4
    human = load(ModelFiles(mass=MassFiles(skeleton=str(PERSON))))
    apart_by = {}
    for hz in (None, 3.0):
        one, other = (motions.load(BvhMotion(bvh=str(file), filter=hz), human) for file in (path, STRIDE))
        apart_by[hz] = np.abs(one.qpos - other.qpos)[12:-12, 3:].max()
    assert apart_by[3.0] < 0.3 * apart_by[None]


def test_what_cannot_be_filtered(tmp_path, walk2d):
    columns = coordinates(motions.load("walk", walk2d), walk2d)
    path = str(write_storage(tmp_path / "a.mot", columns))
    with pytest.raises(UserError, match=r"motion\.filter: expected less than 46\.9 Hz, of 117 rows a s.*, got 59"):
        motions.load(TableMotion(table=path, lap="once", filter=59.0), walk2d)
    with pytest.raises(UserError, match=r"motion\.filter: expected it with motion\.lap: close, find or once, got lap"):
        motions.load(TableMotion(table=path, lap="given", filter=6.0), walk2d)
    columns["knee_angle_r"][60:] += 0.7
    path = str(write_storage(tmp_path / "jump.mot", columns))
    with pytest.raises(UserError, match="expected a motion without jumps"):
        motions.load(TableMotion(table=path, lap="once", filter=6.0), walk2d)
