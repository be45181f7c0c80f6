"""Functions of one coordinate: polynomials of degree 4 or less, or cubics by pieces, which is what OpenSim's become."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.polynomial import polynomial as poly
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from soleus.errors import UserError
from soleus.models.coupling import ORDER, spline_value

Floats = NDArray[np.float64]

_EXACT = 1e-7  # of a function that pieces are fitted to, of its greatest value
_FEWEST, _MOST = 16, 64  # pieces of one that is sampled
_ROOM = 100  # pieces that an element of MJCF has room for


@dataclass(frozen=True, eq=False)
class Curve:
    """A function of a coordinate's value: of its coefficients, or where it has them of its pieces."""

    coefficients: Floats
    """(5,) of the powers 0 to 4; of a curve of pieces the polynomial that is nearest over the coordinate's range."""
    pieces: Floats | None = None
    """(n, 5) as Coupling.splines has them."""
    gap: float = 0.0
    """How far the two are apart at most, over the range."""
    missed: float = 0.0
    """How far the pieces are from the function that they were fitted to, over the range."""

    @property
    def constant(self) -> float | None:
        """The value of a curve that has one alone."""
        flat = self.pieces is None and not self.coefficients[1:].any()
        return float(self.coefficients[0]) if flat else None

    @property
    def identity(self) -> bool:
        """Whether the value is the coordinate itself."""
        return self.pieces is None and bool(np.array_equal(self.coefficients, [0, 1, 0, 0, 0]))

    def __call__(self, x: float | Floats) -> Floats:
        """Value at x."""
        if self.pieces is not None:
            return spline_value(self.pieces, np.asarray(x, dtype=np.float64))
        return np.asarray(poly.polyval(x, self.coefficients), dtype=np.float64)


def polynomial(*coefficients: float) -> Curve:
    """Return a curve of the coefficients of the powers from 0 on, up to 4."""
    return Curve(np.array([*coefficients, *[0.0] * (ORDER - len(coefficients))], dtype=np.float64))


IDENTITY = polynomial(0.0, 1.0)


def by_pieces(pieces: Floats, span: tuple[float, float]) -> Curve:
    """Return a curve of pieces with the polynomial nearest to it over a range."""
    x = np.linspace(*span, 400)
    y = spline_value(pieces, x)
    middle, half = (span[0] + span[1]) / 2, max((span[1] - span[0]) / 2, 1e-9)
    # Chebyshev's points count alike what least squares would let go at the ends.
    nodes = middle + half * np.cos(np.pi * (np.arange(200) + 0.5) / 200)
    fitted = np.polynomial.Polynomial.fit(nodes, spline_value(pieces, nodes), ORDER - 1, domain=list(span))
    near = np.zeros(ORDER)
    coefficients = fitted.convert(domain=[-1, 1], window=[-1, 1]).coef
    near[: len(coefficients)] = coefficients
    return Curve(near, pieces, float(np.abs(poly.polyval(x, near) - y).max()))


def less_coordinate(curve: Curve) -> Curve:
    """Return the curve less the coordinate itself."""
    less = curve.coefficients - IDENTITY.coefficients
    if curve.pieces is None:
        return Curve(less)
    pieces = curve.pieces.copy()
    pieces[:, 1] -= pieces[:, 0]
    pieces[:, 2] -= 1.0
    return replace(curve, coefficients=less, pieces=pieces)


def scaled(curve: Curve, factor: float) -> Curve:
    """Return a multiple of the curve."""
    pieces = None if curve.pieces is None else curve.pieces * np.array([1.0, *[factor] * 4])
    factors = abs(factor) * curve.gap, abs(factor) * curve.missed
    return Curve(factor * curve.coefficients, pieces, *factors)


def composed(outer: Curve, inner: Curve, span: tuple[float, float]) -> Curve:
    """Return outer(inner(x)), of x in a range."""
    if inner.constant is not None:
        return polynomial(float(outer(inner.constant)))
    if outer.constant is not None:
        return outer
    if inner.identity:
        return outer if outer.pieces is None else replace(by_pieces(outer.pieces, span), missed=outer.missed)
    if inner.pieces is None and outer.pieces is None:
        result = _polynomial_of(outer.coefficients, inner.coefficients)
        if len(result) <= ORDER:
            return polynomial(*result)
    if inner.pieces is None and outer.pieces is not None and not inner.coefficients[2:].any():
        offset, slope = inner.coefficients[:2]
        return replace(by_pieces(_of_line(outer.pieces, float(offset), float(slope)), span), missed=outer.missed)
    return sampled(lambda x: outer(inner(x)), span)


def _of_line(pieces: Floats, offset: float, slope: float) -> Floats:
    """Pieces of f(offset + slope x) of the pieces of f."""
    starts = (pieces[:, 0] - offset) / slope
    if slope < 0:  # the last piece comes first, and each starts where it ended
        starts, pieces = np.concatenate([[starts[-1] - 1.0], starts[:0:-1]]), pieces[::-1]
    rows = []
    for start, piece in zip(starts, pieces, strict=True):
        cubic = _polynomial_of(piece[1:], np.array([offset + slope * start - piece[0], slope]))
        rows.append([start, *cubic, *[0.0] * (4 - len(cubic))])
    return np.array(rows)


def _polynomial_of(outer: Floats, inner: Floats) -> Floats:
    """Coefficients of outer(inner(x)), as of outer and inner from the power 0 on."""
    result: Floats = np.zeros(1)
    for c in outer[::-1]:
        result = np.asarray(poly.polymul(result, inner), dtype=np.float64)
        result[0] += c
    return np.asarray(poly.polytrim(result), dtype=np.float64)


def sampled(function: Callable[[Floats], Floats], span: tuple[float, float]) -> Curve:
    """Return a cubic spline through a smooth function, as many pieces as it takes; beyond the range it is linear."""
    count = _FEWEST
    while True:
        knots = np.linspace(*span, count + 1)
        spline = CubicSpline(knots, function(knots))
        between = np.linspace(*span, 10 * count + 1)
        values = function(between)
        missed = float(np.abs(spline(between) - values).max())
        if missed <= _EXACT * max(1.0, np.abs(values).max()) or count >= _MOST:
            break
        count *= 2
    pieces = _with_ends(knots, spline.c[::-1].T, spline(knots), spline(knots, 1))
    return replace(by_pieces(pieces, span), missed=missed)


def _with_ends(x: Floats, cubics: Floats, y: Floats, slopes: Floats) -> Floats:
    """Pieces between knots, which go on linearly beyond them."""
    first = [x[0] - 1.0, y[0] - slopes[0], slopes[0], 0.0, 0.0]
    last = [x[-1], y[-1], slopes[-1], 0.0, 0.0]
    return np.vstack([[first], np.column_stack([x[:-1], cubics]), [last]])


def _hermite(x: Floats, y: Floats, slopes: Floats) -> Floats:
    """(n - 1, 4) cubics between knots of these values and slopes."""
    h, rise = np.diff(x), np.diff(y)
    second = (3 * rise / h - 2 * slopes[:-1] - slopes[1:]) / h
    third = (slopes[:-1] + slopes[1:] - 2 * rise / h) / h**2
    return np.column_stack([y[:-1], slopes[:-1], second, third])


def read_curve(opensim: Any, function: Any, span: tuple[float, float], where: str) -> Curve:
    """Return a function of OpenSim's of one coordinate; span: the coordinate's range.

    A SimmSpline is taken as OpenSim has it, by its values and slopes at its knots; beyond them it is linear. What is
    neither polynomial nor spline is sampled over the range. Raises UserError for one that is not smooth.
    """
    kind = str(function.getConcreteClassName())

    def cast() -> Any:
        return getattr(opensim, kind).safeDownCast(function)

    if kind == "Constant":
        return polynomial(float(cast().getValue()))
    if kind == "MultiplierFunction":
        multiplier = cast()
        return scaled(read_curve(opensim, multiplier.getFunction(), span, where), float(multiplier.getScale()))
    if kind == "LinearFunction":
        numbers = cast().getCoefficients()
        if numbers.getSize() != 2:
            raise UserError(f"{where}: expected a function of one coordinate, got one of {numbers.getSize() - 1}")
        return polynomial(float(numbers.get(1)), float(numbers.get(0)))
    if kind == "PolynomialFunction":
        numbers = cast().getCoefficients()
        values = np.trim_zeros(np.array([numbers.get(i) for i in range(numbers.size())])[::-1], "b")
        if len(values) <= ORDER:
            return polynomial(*values)
    if kind in ("SimmSpline", "PiecewiseLinearFunction"):
        if cast().getSize() >= _ROOM:
            raise UserError(f"{where}: expected a {kind} of fewer than {_ROOM} points, got {cast().getSize()}")
        return _read_knots(opensim, cast(), kind, span)
    if kind == "PiecewiseConstantFunction":
        raise UserError(f"{where}: expected a smooth function, got {kind}")
    return sampled(lambda x: np.array([_value(opensim, function, q) for q in x]), span)


def _read_knots(opensim: Any, spline: Any, kind: str, span: tuple[float, float]) -> Curve:
    x = np.array([spline.getX(i) for i in range(spline.getSize())], dtype=np.float64)
    y = np.array([spline.getY(i) for i in range(spline.getSize())], dtype=np.float64)
    if kind == "PiecewiseLinearFunction":
        rise = np.diff(y) / np.diff(x)
        zero = np.zeros(len(rise))
        return by_pieces(_with_ends(x, np.column_stack([y[:-1], rise, zero, zero]), y, np.append(rise[0], rise)), span)
    slopes = np.array([_slope(opensim, spline, q) for q in x])
    return by_pieces(_with_ends(x, _hermite(x, y, slopes), y, slopes), span)


def _value(opensim: Any, function: Any, x: float) -> float:
    return float(function.calcValue(opensim.Vector(1, float(x))))


def _slope(opensim: Any, function: Any, x: float) -> float:
    first = opensim.StdVectorInt()
    first.append(0)
    return float(function.calcDerivative(first, opensim.Vector(1, float(x))))
