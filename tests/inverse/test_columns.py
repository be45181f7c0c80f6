"""Poses become numbers without jumps, and the same poses again."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest
import torch

from soleus.inverse.columns import columns_of, read_poses, write_poses
from soleus.inverse.series import TERMS, basis, by_column, moved, series_of, travelled
from soleus.models import Human
from soleus.motions.looping import quaternions
from soleus.motions.rotations import about_z, multiply, rotated
from strider import strider
from walker import motion_of, walked


@pytest.mark.parametrize("which", ["walk2d", "myolegs", "balls"])
def test_poses_come_back(which: str, request: pytest.FixtureRequest) -> None:
    human: Human = _strider() if which == "balls" else request.getfixturevalue(which)
    qpos = motion_of(human).qpos if which != "balls" else np.tile(human.qpos_rest, (5, 1))
    if which == "balls":
        for adr in quaternions(human.model):
            qpos[:, adr : adr + 4] += 0.2 * np.random.default_rng(adr).standard_normal((5, 4))
            qpos[:, adr : adr + 4] /= np.linalg.norm(qpos[:, adr : adr + 4], axis=1, keepdims=True)
    columns = columns_of(human)
    values = read_poses(columns, human, qpos, np.zeros((len(qpos), 2)), 0.0, None)
    back = write_poses(columns, human, values, qpos[:, :2] if which != "walk2d" else qpos[:, [0, 0]])
    np.testing.assert_allclose(_places(human, back), _places(human, human.consistent(qpos)), atol=1e-6)


def _strider() -> Human:
    """A person whose hips are balls."""
    person = strider()
    return replace(person, dof_coupled=np.zeros(person.model.nv, np.bool_))


def _places(human: Human, qpos: np.ndarray) -> np.ndarray:
    data, found = mujoco.MjData(human.model), []
    for pose in qpos:
        data.qpos[:] = pose
        mujoco.mj_kinematics(human.model, data)
        found.append(data.xpos[human.own_bodies].copy())
    return np.array(found)


def test_where_a_stride_leads_does_not_matter(myolegs: Human) -> None:
    """A walk that is turned about the vertical has the same numbers."""
    trace, columns = walked(myolegs, strides=2).trace, columns_of(myolegs)
    turn, velocity = about_z(1.1), trace.qvel[:, :2]
    qpos = trace.qpos.copy()
    qpos[:, 3:7] = multiply(turn, qpos[:, 3:7])
    ahead = rotated(turn, np.column_stack([velocity, np.zeros(len(qpos))]))[:, :2]
    plain = read_poses(columns, myolegs, trace.qpos, velocity, 0.0, trace.ground_force)
    turned = read_poses(columns, myolegs, qpos, ahead, 1.1, rotated(turn, trace.ground_force))
    np.testing.assert_allclose(turned, plain, atol=1e-9)
    assert {column.kind for column in columns} == {"velocity", "height", "root", "hinge", "force"}


def test_series() -> None:
    """A curve of a few harmonics comes back at any phase; later curves are turned ones; speeds add up to ways."""
    phases = np.linspace(0, 1, 101)
    curves = np.stack([np.sin(2 * np.pi * phases) + 0.3, np.cos(6 * np.pi * phases)], axis=1)
    series = series_of(curves)
    assert np.square(series).sum(axis=1) == pytest.approx([0.5 + 0.09, 0.5])
    at = torch.tensor([0.123, 0.777, 1.4], dtype=torch.float64)
    values = (basis(at) @ torch.from_numpy(series).T).numpy()
    np.testing.assert_allclose(values[:, 0], np.sin(2 * np.pi * at.numpy()) + 0.3, atol=1e-12)
    later = moved(torch.from_numpy(series), torch.tensor(0.2, dtype=torch.float64))
    shifted = basis(at + 0.2) @ torch.from_numpy(series).T
    np.testing.assert_allclose((basis(at) @ later.T).numpy(), shifted.numpy(), atol=1e-12)
    way = travelled(series, np.array([0.5, 1.0]))[:, 0]
    np.testing.assert_allclose(way, [0.15 + 1 / np.pi, 0.3], atol=1e-12)
    assert by_column(torch.zeros(3, 2 * TERMS)).shape == (3, 2, TERMS)
