"""Joints that follow a spline: values, slopes and curvatures are SciPy's, in the lanes and in Python."""

from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import lane_bodies
from lane_bodies import KNOTS, SPLINES
from lane_oracle import LANES, Pair
from soleus import _core
from soleus.config import load_human_config
from soleus.errors import UserError
from soleus.models import Human
from soleus.models.coupling import spline_value
from soleus.sim.handover import human_data


def _expected(joint: str, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, slope and curvature of a joint's spline, which goes on linearly beyond its knots."""
    x, y = KNOTS[joint]
    spline, at = CubicSpline(x, y, bc_type="natural"), np.clip(q, x[0], x[-1])
    inside = at == q
    return spline(at) + spline(at, 1) * (q - at), spline(at, 1), np.where(inside, spline(at, 2), 0.0)


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Human:
    return lane_bodies.load(tmp_path_factory.mktemp("splines"), SPLINES)


def _places(human: Human, joint: str) -> tuple[int, int, int, int]:
    """Of a joint and of the knee that drives it: addresses in qpos, then dofs."""
    own, knee = human.model.joint(joint), human.model.joint(f"knee_{joint[-1]}")
    return int(own.qposadr[0]), int(knee.qposadr[0]), int(own.dofadr[0]), int(knee.dofadr[0])


@pytest.mark.parametrize("joint", KNOTS)
def test_poses_are_scipys(joint: str, person: Human) -> None:
    own, knee, dof, _ = _places(person, joint)
    angles = np.linspace(-1.0, 3.0, 201)
    qpos = np.tile(person.qpos_rest, (len(angles), 1))
    qpos[:, knee] = angles
    value, slope, curvature = _expected(joint, angles)
    np.testing.assert_allclose(person.consistent(qpos)[:, own], value, atol=1e-12)
    np.testing.assert_allclose([person.coupling.derivative(pose)[dof] for pose in qpos], slope, atol=1e-12)
    pieces = person.coupling.splines[dof]
    np.testing.assert_allclose(spline_value(pieces, angles, derivative=2), curvature, atol=1e-12)


@pytest.mark.parametrize("joint", KNOTS)
def test_lanes_are_scipys(joint: str, person: Human) -> None:
    """Each lane on a piece of its own, beyond the knots too."""
    own, knee, dof, knee_dof = _places(person, joint)
    both, rng = Pair(person, muscles=False), np.random.default_rng(3)
    for _ in range(200 // LANES):
        qpos, qvel = both.states(rng)
        qpos[:, knee] = rng.uniform(-1.0, 3.0, LANES)
        both.set(qpos, qvel)
        value, slope, curvature = _expected(joint, qpos[:, knee])
        np.testing.assert_allclose(both.tile.qpos[:, own], value, atol=1e-12)
        np.testing.assert_allclose(both.tile.coupling[:, dof], slope, atol=1e-12)
        np.testing.assert_allclose(both.tile.coupling_rate[:, dof], curvature * qvel[:, knee_dof] ** 2, atol=1e-10)


def test_the_tables_are_of_a_spline_or_of_a_polynomial(person: Human) -> None:
    """A coupled joint without a spline follows its polynomial as before."""
    own, knee, dof, _ = _places(person, "knee_tilt_r")
    assert dof not in person.coupling.splines
    qpos = person.qpos_rest.copy()
    qpos[knee] = 0.7
    assert person.consistent(qpos)[own] == pytest.approx(-0.1 * 0.7 + 0.02 * 0.7**2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name="spline:knee_x_r"', 'name="spline:nothing"', "expected the name of a hinge or slide after the colon"),
        ('name="spline:knee_x_r"', 'name="spline:hip_r"', "expected a joint of the person that an equality drives"),
        ('knee_x_r" data="', 'knee_x_r" data="0 ', "expected 5 numbers for each piece of the spline, got 31 in all"),
        ('knee_x_r" data="', 'knee_x_r" data="9 0 0 0 0 ', "expected pieces whose starts rise, got [9.0, -1.2"),
        ('joint1="knee_tilt_r" joint2="knee_r"', 'joint1="knee_tilt_r" joint2="knee_x_r"', "follows 'knee_x_r', which"),
    ],
)
def test_a_spline_that_does_not_fit_is_one_line(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in SPLINES
    with pytest.raises(UserError) as told:
        lane_bodies.load(tmp_path, SPLINES.replace(old, new))
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"spline_adr": [0]}, "expected spline_adr of length"),
        ({"spline": [0.0] * 4}, "expected spline of length"),
        ({"spline": 0.0}, "whose starts rise"),
    ],
)
def test_the_core_refuses_splines_that_do_not_fit(change: dict, said: str, person: Human) -> None:
    told = human_data(person, load_human_config("walk2d"))
    if change.get("spline") == 0.0:
        change = {"spline": [0.0] * len(told["spline"])}
    with pytest.raises(Exception, match=said):
        _core.DynamicsTile(person.model._address, told | change)
