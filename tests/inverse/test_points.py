"""Points fill the space of the conditions, its corners among them."""

import numpy as np

from soleus.inverse.points import spread


def test_all_corners_where_there_are_few() -> None:
    low, high = np.array([0.0, -1.0]), np.array([1.0, 3.0])
    points = spread(low, high, 64, 0)
    assert points.shape == (64, 2)
    assert {tuple(point) for point in points[:4]} == {(0, -1), (0, 3), (1, -1), (1, 3)}
    counts = np.histogram2d(*points[4:].T, bins=4, range=[(0, 1), (-1, 3)])[0]
    assert counts.min() >= 3, "every sixteenth of the space"
    np.testing.assert_array_equal(points, spread(low, high, 64, 0))
    assert (points != spread(low, high, 64, 1)).any()


def test_a_quarter_are_corners_where_there_are_many() -> None:
    points = spread(np.zeros(20), np.ones(20), 100, 3)
    corners = np.isin(points, (0.0, 1.0)).all(axis=1)
    assert corners.sum() == 25
    assert len(np.unique(points, axis=0)) == 100
