"""Functions of OpenSim's as polynomials and pieces of cubics: values are OpenSim's, beyond the knots too."""

from typing import Any

import numpy as np
import pytest

from osim_files import opensim
from soleus.errors import UserError
from soleus.importing.opensim.curves import Curve, by_pieces, composed, less_coordinate, read_curve, sampled, scaled
from soleus.importing.opensim.curves import polynomial as poly

X = np.linspace(-3, 3, 301)
SPAN = (-2.0, 1.0)
POINTS = list(zip([-2.0, -1.2, -0.5, 0.1, 0.4], [0.1, 0.3, 0.2, 0.5, -0.2], strict=True))


def _of_points(kind: str, points: list[tuple[float, float]] = POINTS) -> Any:
    function = getattr(opensim, kind)()
    for x, y in points:
        function.addPoint(x, y)
    return function


def _values(function: Any) -> np.ndarray:
    return np.array([function.calcValue(opensim.Vector(1, float(x))) for x in X])


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["SimmSpline", "PiecewiseLinearFunction"])
def test_points_are_met_as_opensim_meets_them(kind: str, count: int) -> None:
    function = _of_points(kind, POINTS[:count])
    np.testing.assert_allclose(read_curve(opensim, function, SPAN, "here")(X), _values(function), atol=1e-13)


def test_polynomials_and_multiples_are_exact() -> None:
    numbers = opensim.Vector(3, 0.0)
    for k, value in enumerate((2.0, -1.0, 0.5)):  # the highest power first
        numbers.set(k, value)
    function = opensim.PolynomialFunction(numbers)
    curve = read_curve(opensim, function, SPAN, "here")
    assert curve.coefficients.tolist() == [0.5, -1, 2, 0, 0]
    assert curve.pieces is None
    times, line = opensim.MultiplierFunction(), opensim.LinearFunction(2.0, 0.25)
    line.thisown = False  # the other one's from now on
    times.setFunction(line)
    times.setScale(4.0)
    assert read_curve(opensim, times, SPAN, "here").coefficients.tolist() == [1, 8, 0, 0, 0]


def test_others_are_sampled() -> None:
    sine = opensim.Sine(0.5, 2.0, 0.3, 0.1)
    curve, within = read_curve(opensim, sine, SPAN, "here"), np.clip(X, *SPAN) == X
    np.testing.assert_allclose(curve(X)[within], _values(sine)[within], atol=1e-6)
    beyond = curve(np.array([1.5, 2.0, 2.5]))
    assert np.diff(beyond, 2) == pytest.approx(0, abs=1e-12)


SPLINE = read_curve(opensim, _of_points("SimmSpline"), SPAN, "here")


@pytest.mark.parametrize("inner", [(0.3, 2.0), (0.2, -1.5), (0.0, -1.0), (1.0, 1.0)])
def test_a_spline_of_a_line_is_exact(inner: tuple[float, float]) -> None:
    made = composed(SPLINE, poly(*inner), SPAN)
    np.testing.assert_allclose(made(X), SPLINE(inner[0] + inner[1] * X), atol=1e-12)
    assert (np.diff(made.pieces[:, 0]) > 0).all()


def test_other_chains_are_exact_or_nearly_so() -> None:
    square = poly(0.1, 0.5, 0.2)
    assert composed(square, square, SPAN).pieces is None
    np.testing.assert_allclose(composed(square, square, SPAN)(X), square(square(X)), atol=1e-12)
    x = np.linspace(*SPAN, 101)
    for outer, inner in ((SPLINE, square), (square, SPLINE)):
        made = composed(outer, inner, SPAN)
        off = np.abs(made(x) - outer(inner(x))).max()
        assert 0 < off <= 1.01 * made.missed < 5e-4
    assert composed(SPLINE, poly(0.2), SPAN).constant == pytest.approx(float(SPLINE(0.2)))
    assert composed(poly(0.7), SPLINE, SPAN).constant == 0.7


def test_sums_and_multiples_of_pieces() -> None:
    np.testing.assert_allclose(less_coordinate(SPLINE)(X), SPLINE(X) - X, atol=1e-12)
    np.testing.assert_allclose(scaled(SPLINE, -2.0)(X), -2 * SPLINE(X), atol=1e-12)
    np.testing.assert_allclose(less_coordinate(poly(1, 2))(X), 1 + X)


def test_the_polynomial_beside_pieces_is_near_and_says_how_near() -> None:
    x = np.linspace(*SPAN, 1000)
    off = np.abs(np.polynomial.polynomial.polyval(x, SPLINE.coefficients) - SPLINE(x)).max()
    assert off == pytest.approx(SPLINE.gap, rel=1e-2)
    cubic = Curve(np.zeros(5), np.array([[0.0, 1, 2, 3, 4]])).pieces
    assert by_pieces(cubic, SPAN).gap < 1e-12
    assert sampled(np.sin, SPAN).gap < 0.02


def test_more_points_than_there_is_room_for_is_one_line() -> None:
    function = _of_points("SimmSpline", [(0.1 * k, np.sin(k)) for k in range(100)])
    with pytest.raises(UserError, match="here: expected a SimmSpline of fewer than 100 points, got 100"):
        read_curve(opensim, function, SPAN, "here")
