"""Fitted paths: within their bounds, cheaper than paths, gradients of their lengths, exact outside of their boxes."""

from functools import cache

import numpy as np
import pytest

from soleus import _core
from soleus.config import load_human_config
from soleus.models import Human
from soleus.paths import Bounds, FittedPaths, store
from soleus.paths.fit import Floats, Measure, exact_cost, fitted_cost
from soleus.sim.handover import human_data
from soleus.sim.muscle_paths import exact_paths, refit
from soleus.sim.scenario import load_scenario

PRESETS = ("walk2d", "walk-myolegs")
LANES: int = _core.LANES


@cache
def _fitted(preset: str) -> tuple[Human, Measure, FittedPaths]:
    scenario = load_scenario(load_human_config(preset, {"control.paths": "exact"}))
    paths = refit(scenario.human, scenario.motion, scenario.config, Bounds())
    return scenario.human, exact_paths(scenario.human, scenario.config), paths


def _tile(preset: str, fitted: bool) -> _core.DynamicsTile:
    config = load_human_config(preset)
    human, _, paths = _fitted(preset)
    return _core.DynamicsTile(human.model._address, human_data(human, config, paths if fitted else None), muscles=True)


def _measure(tile: _core.DynamicsTile, human: Human, coordinates: Floats) -> tuple[Floats, Floats]:
    """Lengths and moments of LANES poses."""
    address = human.model.jnt_qposadr[human.model.dof_jntid[human.coordinate_dof]]
    kinds = human.model.jnt_type[human.model.dof_jntid[human.coordinate_dof]]
    qpos = np.tile(human.model.qpos0, (LANES, 1))
    qpos[:, address[kinds >= 2]] = coordinates[:, kinds >= 2]
    tile.set(qpos, np.zeros((LANES, human.model.nv)))
    return np.array(tile.muscle_lengths), np.array(tile.muscle_moments)


def _in_boxes(human: Human, paths: FittedPaths, group: int, rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Poses all over a group's box, and the box's own variables there."""
    own = slice(*paths.coordinate_adr[group : group + 2])
    x = rng.uniform(-1, 1, (n, own.stop - own.start))
    at = np.zeros((n, len(human.coordinate_dof)))
    at[:, paths.coordinate[own]] = paths.centre[own] + paths.half[own] * x
    return at, x


@pytest.mark.parametrize("preset", PRESETS)
def test_errors_stay_within_the_bounds_at_poses_that_no_fit_saw(preset: str) -> None:
    human, measure, paths = _fitted(preset)
    rng = np.random.default_rng(11)
    groups = len(paths.coordinate_adr) - 1
    assert groups > 2
    for group in range(groups):
        at, x = _in_boxes(human, paths, group, rng, 320)
        lengths, _ = measure(at)
        for i in range(*paths.muscle_adr[group : group + 2]):
            error = store.evaluate(paths, i, x) - lengths[:, paths.muscle[i]]
            assert np.sqrt((error**2).mean()) < 1.3 * Bounds().length
            assert abs(error).max() < 1.5 * Bounds().worst


@pytest.mark.parametrize("preset", PRESETS)
def test_the_core_sums_the_polynomials_and_their_gradients(preset: str) -> None:
    human, _, paths = _fitted(preset)
    tile, rng = _tile(preset, fitted=True), np.random.default_rng(3)
    checked = 0
    for group in range(len(paths.coordinate_adr) - 1):
        at, x = _in_boxes(human, paths, group, rng, LANES)
        at, x = at * 0.9 + at[:1] * 0.1, x * 0.9 + x[:1] * 0.1  # a step away from the box's sides
        lengths, moments = _measure(tile, human, at)
        own = slice(*paths.coordinate_adr[group : group + 2])
        for i in range(*paths.muscle_adr[group : group + 2]):
            k = int(paths.muscle[i])
            np.testing.assert_allclose(lengths[:, k], store.evaluate(paths, i, x), atol=1e-12)
            slots = range(int(human.crossing_adr[k]), int(human.crossing_adr[k + 1]))
            for slot in slots:
                coordinate = human.actuated[human.crossing[slot]]
                variable = paths.coordinate[own].tolist().index(coordinate)
                step = np.zeros(x.shape[1])
                step[variable] = 1e-6
                slope = (store.evaluate(paths, i, x + step) - store.evaluate(paths, i, x - step)) / 2e-6
                np.testing.assert_allclose(moments[:, slot], slope / paths.half[own][variable], atol=1e-8)
                checked += 1
    assert checked > 15


def test_a_lane_outside_of_a_box_takes_the_path_and_its_neighbours_do_not_notice() -> None:
    human, _, paths = _fitted("walk-myolegs")
    exact, fitted = _tile("walk-myolegs", fitted=False), _tile("walk-myolegs", fitted=True)
    rng = np.random.default_rng(5)
    for group in range(len(paths.coordinate_adr) - 1):
        at, _ = _in_boxes(human, paths, group, rng, LANES)
        first = int(paths.coordinate_adr[group])
        inside_lengths, inside_moments = _measure(fitted, human, at)
        out = at.copy()
        out[1, paths.coordinate[first]] = paths.centre[first] + 1.01 * paths.half[first]
        lengths, moments = _measure(fitted, human, out)
        true_lengths, true_moments = _measure(exact, human, out)
        own = paths.muscle[slice(*paths.muscle_adr[group : group + 2])]
        for k in own:
            slots = slice(int(human.crossing_adr[k]), int(human.crossing_adr[k + 1]))
            assert lengths[1, k] == true_lengths[1, k]
            np.testing.assert_array_equal(moments[1, slots], true_moments[1, slots])
            others = np.arange(LANES) != 1
            np.testing.assert_array_equal(lengths[others, k], inside_lengths[others, k])
            np.testing.assert_array_equal(moments[others, slots], inside_moments[others, slots])
        assert (lengths[others][:, own] != true_lengths[others][:, own]).any()


@pytest.mark.parametrize("preset", PRESETS)
def test_each_muscle_is_fitted_within_the_bounds_or_says_why_it_is_exact(preset: str) -> None:
    human, _, paths = _fitted(preset)
    bounds = Bounds()
    assert [one.name for one in paths.muscles] == list(human.muscle_names)
    fitted = [one for one in paths.muscles if one.kind != "exact"]
    assert len(fitted) == len(paths.muscle) > 0.5 * len(paths.muscles)
    for k, one in enumerate(paths.muscles):
        if one.kind == "exact":
            assert one.reason
            continue
        assert one.length <= bounds.length
        assert one.moment <= bounds.moment
        assert one.worst <= bounds.worst
        assert fitted_cost(len(one.coordinates), one.degree, len(human.muscle_names)) <= exact_cost(human, k)
    assert preset != "walk-myolegs" or {one.kind for one in paths.muscles} == {"whole", "reference", "exact"}
    assert f"{len(fitted)} of {len(paths.muscles)} muscles fitted" in str(paths)


def test_narrower_bounds_fit_fewer_muscles_and_all_better() -> None:
    human, _, wide = _fitted("walk2d")
    config = load_human_config("walk2d")
    narrow = refit(human, None, config, Bounds(0.2e-3, 0.5e-3, 0.2e-3))
    assert 0 < len(narrow.muscle) < len(wide.muscle)
    assert max(one.worst for one in narrow.muscles if one.kind != "exact") <= 0.2e-3
