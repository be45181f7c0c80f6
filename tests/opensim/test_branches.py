"""Paths that jump: on which side of it poses are, and what is fitted to them."""

from dataclasses import replace

import numpy as np
import pytest

from soleus.importing.opensim.branches import beyond_jump, cuts
from soleus.paths.pieces import BOUNDS, Samples, errors_of, evaluate, fit_pieces

LOW, HIGH = np.array([-1.0, -0.5]), np.array([1.0, 0.5])
STEP = 8e-3  # [m]


def sampled(step: float) -> tuple[Samples, np.ndarray]:
    """A length of two angles that is greater by a step [m] beyond a curve, and numbers of points that differ there."""
    x, y = np.random.default_rng(3).uniform(LOW, HIGH, (2000, 2)).T
    beyond = x > 0.4 + 0.6 * y**2
    lengths = 0.3 + 0.04 * x - 0.02 * np.sin(y) * x + np.where(beyond, step, 0.0)
    gradients = np.stack([0.04 - 0.02 * np.sin(y), -0.02 * np.cos(y) * x], axis=1)
    return Samples(np.stack([x, y], axis=1), lengths, gradients), beyond


def test_poses_beyond_a_jump_are_found_and_its_size_is() -> None:
    samples, beyond = sampled(STEP)
    found = beyond_jump(samples, LOW, HIGH, np.where(beyond, 6, 4), np.zeros(2))
    assert found is not None
    assert np.mean(found.beyond != beyond) < 0.01
    assert found.by == pytest.approx(STEP, rel=0.05)
    # seen from the other side, the other poses are beyond
    found = beyond_jump(samples, LOW, HIGH, np.where(beyond, 6, 4), np.array([0.9, 0.0]))
    assert found is not None
    assert np.mean(found.beyond == beyond) < 0.02


def test_a_path_that_comes_to_wrap_without_a_jump_has_one_side() -> None:
    samples, beyond = sampled(0.0)
    assert beyond_jump(samples, LOW, HIGH, np.where(beyond, 6, 4), np.zeros(2)) is None


def test_a_fit_follows_one_side_and_only_slopes_beyond() -> None:
    samples, beyond = sampled(STEP)
    both = fit_pieces(samples, LOW, HIGH, [], BOUNDS)
    assert errors_of(both, samples).length > 0.1e-3
    branch = replace(samples, beyond=beyond)
    pieces = fit_pieces(branch, LOW, HIGH, [], BOUNDS)
    assert len(pieces) == 1
    assert errors_of(pieces, branch).keep(BOUNDS)
    lengths, gradients = evaluate(pieces, samples.coordinates)
    np.testing.assert_allclose(samples.lengths[beyond] - lengths[beyond], STEP, atol=0.3e-3)
    np.testing.assert_allclose(gradients[beyond], samples.gradients[beyond], atol=3e-3)
    assert errors_of(pieces, samples).length == pytest.approx(STEP * np.sqrt(beyond.mean()), rel=0.05)


def test_cuts_are_where_one_coordinate_says_how_many_points_there_are() -> None:
    samples, beyond = sampled(STEP)
    x, y = samples.coordinates.T
    assert list(cuts(samples.coordinates, np.where(beyond, 6, 4))) == []
    for points in (np.where(x > 0.7, 6, 4), np.where(x > 0.7, 4, 6)):
        ((which, at),) = cuts(samples.coordinates, points)
        assert (which, at) == (0, pytest.approx(0.7, abs=0.005))
    assert [which for which, _ in cuts(samples.coordinates, np.where(y > 0, 6, 4))] == [1]
