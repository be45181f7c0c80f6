"""Polynomials that hold everywhere: of squares where lengths bend sharply, in cells where they jump."""

import numpy as np
import pytest

from soleus.paths.pieces import BOUNDS, Cell, Samples, errors_of, evaluate, fit_pieces, fits_too

N = 3000


def _samples(coordinates: np.ndarray, length: object, step: float = 1e-6) -> Samples:
    """Of a function of poses (n, variables); gradients are differences, which are no numbers across jumps."""
    gradients = np.empty_like(coordinates)
    here = length(coordinates)
    for i in range(coordinates.shape[1]):
        shift = step * (np.arange(coordinates.shape[1]) == i)
        ahead, back = length(coordinates + shift), length(coordinates - shift)
        gradients[:, i] = np.where(np.abs(ahead + back - 2 * here) > 1e-8, np.nan, (ahead - back) / (2 * step))
    return Samples(coordinates, here, gradients)


def _near_the_joint(q: np.ndarray) -> np.ndarray:
    """Distance of two points either side of a universal joint, which all but meet at one pose."""
    x = 0.05 - 0.05 * np.cos(q[:, 0]) * np.cos(q[:, 1])
    y, z = 0.05 * np.sin(q[:, 0]) * np.cos(q[:, 1]), 0.05 * np.sin(q[:, 1]) + 0.02
    return np.sqrt(x**2 + y**2 + z**2)


def _jumping(q: np.ndarray) -> np.ndarray:
    return 0.3 + 0.03 * np.sin(q[:, 0]) + 0.01 * q[:, 1] ** 2 + np.where(q[:, 0] < 0.25, 0.0, 0.004 * q[:, 1])


def test_a_distance_that_all_but_vanishes_is_fitted_by_its_square() -> None:
    q = np.random.default_rng(0).uniform(-1, 1, (N, 2))
    samples = _samples(q, _near_the_joint)
    pieces = fit_pieces(samples, np.full(2, -1.0), np.full(2, 1.0), [], BOUNDS)
    assert [piece.squared for piece in pieces] == [True]
    assert errors_of(pieces, samples).keep(BOUNDS)


def test_a_path_that_jumps_is_cut_where_it_does() -> None:
    q = np.random.default_rng(1).uniform(-1, 1, (N, 2))
    samples = _samples(q, _jumping)
    pieces = fit_pieces(samples, np.full(2, -1.0), np.full(2, 1.0), [(1, 0.1), (0, 0.25)], BOUNDS)
    assert [(piece.cell.low[0], piece.cell.high[0]) for piece in pieces] == [(-np.inf, 0.25), (0.25, np.inf)]
    assert errors_of(pieces, samples).keep(BOUNDS)
    at = np.array([[0.2499, 1.0], [0.2501, 1.0]])
    lengths, _ = evaluate(pieces, at)
    assert lengths[1] - lengths[0] == pytest.approx(0.004, abs=3e-4)


def test_gradients_are_those_of_the_lengths() -> None:
    q = np.random.default_rng(2).uniform(-0.9, 0.9, (50, 2))
    for function in (_near_the_joint, _jumping):
        all_over = np.random.default_rng(3).uniform(-1, 1, (N, 2))
        low, high = np.full(2, -1.0), np.full(2, 1.0)
        pieces = fit_pieces(_samples(all_over, function), low, high, [(0, 0.25)], BOUNDS)
        _, gradients = evaluate(pieces, q)
        slopes = _samples(q, lambda at, own=pieces: evaluate(own, at)[0]).gradients
        np.testing.assert_allclose(gradients, slopes, atol=1e-7)


def test_the_other_side_takes_pieces_that_fit_it_alone() -> None:
    q = np.random.default_rng(4).uniform(-1, 1, (N, 2))
    samples = _samples(q, _near_the_joint)
    pieces = fit_pieces(samples, np.full(2, -1.0), np.full(2, 1.0), [], BOUNDS)
    assert fits_too(pieces, samples, BOUNDS)
    longer = Samples(samples.coordinates, samples.lengths + 1e-3, samples.gradients)
    assert not fits_too(pieces, longer, BOUNDS)


def test_cells_are_cut_in_two() -> None:
    low, high = Cell.whole(np.array([-1.0, -2.0]), np.array([1.0, 2.0])).cut((1, 0.5))
    assert (low.high[1], low.box_high[1], low.low[1], low.box_low[1]) == (0.5, 0.5, -np.inf, -2.0)
    assert (high.low[1], high.box_low[1], high.high[1], high.box_high[1]) == (0.5, 0.5, np.inf, 2.0)
    poses = np.array([[0.0, 0.5], [0.0, 0.4999], [5.0, -9.0]])
    assert low.holds(poses).tolist() == [False, True, True]
    assert high.holds(poses).tolist() == [True, False, False]
