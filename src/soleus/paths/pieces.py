"""Fits polynomials to the length of a muscle that are to hold everywhere, there being no exact path behind them.

Where one polynomial does not keep within the bounds, its cell is cut in two, at a place where the path is known to jump
or else where a cut helps most, and each half is fitted alone. A polynomial may be one of the square of what the length
exceeds an offset by: a distance of two points is the root of a smooth function of the angles, and not smooth itself
near where it vanishes. Lengths and moment arms are fitted together, as in fit.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soleus.paths import polynomials
from soleus.paths.fit import Bounds

Floats = NDArray[np.float64]
Cut = tuple[int, float]
"""A coordinate of the muscle's, and where it is cut."""

BOUNDS = Bounds(length=0.1e-3, moment=0.5e-3, worst=2e-3)
_EARLY = {1: 8, 2: 7, 3: 6, 4: 6, 5: 4, 6: 4}  # degree to which all kinds are tried, by the number of variables
_LATE = {1: 12, 2: 12, 3: 9, 4: 8, 5: 5, 6: 4}  # and to which the best of them are
_OFFSETS = (0.0, 0.5, 0.8, 0.95)  # of squares, over the least length
_LEAST_SQUARE = 1e-6  # [m^2] that fitted squares are to exceed at all poses
_RIDGE = 1e-12
_POSES_A_TERM = 5  # that fits see
_HOPELESS = 10.0  # times the bounds: a cell is cut rather than fitted by higher degrees
_MOST_CUTS = 3  # one within the other
_TRAINING = 0.75  # share of the poses that fits see; the others are for comparing alone
_LEAST_POSES = 250  # of a cell
_GRID = (0.25, 0.375, 0.5, 0.625, 0.75)  # of a cell's range, where cuts are tried
_GAIN = 0.7  # a cut leaves at most this share of the error
_LOOSE = 0.1  # weight of slopes beyond a jump, so that a polynomial goes on there as the path does, about
_LEEWAY = 1.5  # times as far as its partner's a muscle's length may be off when it takes that one's


@dataclass(frozen=True, eq=False)
class Samples:
    """Lengths and their gradients at poses."""

    coordinates: Floats
    """(n, variables)"""
    lengths: Floats
    """(n,) [m]"""
    gradients: Floats
    """(n, variables); not a number where the path jumps"""
    beyond: NDArray[np.bool_] | None = None
    """(n,) whether a pose is beyond a jump of the path: fits follow its slopes loosely there, and its length not at
    all; None: no pose is"""

    def weighed(self) -> NDArray[np.bool_]:
        """Return at which poses errors count, (n,)."""
        return np.ones(len(self.lengths), bool) if self.beyond is None else ~self.beyond

    def smooth(self) -> NDArray[np.bool_]:
        """Return at which the path does not jump, (n,)."""
        return np.asarray(np.all(np.isfinite(self.gradients), axis=1))

    def at(self, chosen: NDArray[np.bool_]) -> "Samples":
        """Return some of them."""
        beyond = None if self.beyond is None else self.beyond[chosen]
        return Samples(self.coordinates[chosen], self.lengths[chosen], self.gradients[chosen], beyond)


@dataclass(frozen=True, eq=False)
class Cell:
    """Part of the range of a muscle's coordinates, (variables,): what it speaks for, and the box it is fitted in."""

    low: Floats
    high: Floats
    box_low: Floats
    box_high: Floats

    @classmethod
    def whole(cls, box_low: Floats, box_high: Floats) -> "Cell":
        """Return the cell of a box, and of all beyond it."""
        return cls(np.full(len(box_low), -np.inf), np.full(len(box_low), np.inf), box_low, box_high)

    def holds(self, coordinates: Floats) -> NDArray[np.bool_]:
        """Whether poses (n, variables) are in it."""
        return np.asarray(np.all((coordinates >= self.low) & (coordinates < self.high), axis=1))

    def cut(self, at: Cut) -> tuple["Cell", "Cell"]:
        """Return the parts below and above."""
        parts = []
        for side in range(2):
            edges = [edge.copy() for edge in (self.low, self.high, self.box_low, self.box_high)]
            for edge in edges[1 - side :: 2]:
                edge[at[0]] = at[1]
            parts.append(Cell(*edges))
        return parts[0], parts[1]


@dataclass(frozen=True, eq=False)
class Piece:
    """A polynomial of a length or of a square, in x = (q - centre) / half of a cell's box."""

    cell: Cell
    squared: bool
    offset: float
    """[m]"""
    degree: int
    coefficients: Floats
    """of monomials, in the order of polynomials.exponents()"""
    error: float
    """over the bounds: 1 where it just keeps within them"""


@dataclass(frozen=True)
class Errors:
    """How far a muscle is off at poses; those at which its path jumps are left out."""

    length: float
    """[m] root mean square"""
    moment: float
    """[m] root mean square, of the worst coordinate"""
    worst: float
    """[m] greatest, of a moment arm"""

    def keep(self, bounds: Bounds) -> bool:
        """Whether all are within bounds."""
        return self.length <= bounds.length and self.moment <= bounds.moment and self.worst <= bounds.worst

    def over(self, bounds: Bounds) -> float:
        """Return the greatest of them over its bound."""
        return max(self.length / bounds.length, self.moment / bounds.moment, self.worst / bounds.worst)


def fit_pieces(samples: Samples, low: Floats, high: Floats, jumps: Sequence[Cut], bounds: Bounds) -> list[Piece]:
    """Fit a muscle over a box, (variables,); jumps: where its path may jump."""
    # By chance: which quarter of a range a pose of Sobol's sequence is in follows from its number.
    train = np.random.default_rng(0).random(len(samples.lengths)) < _TRAINING
    smooth = samples.smooth()
    return _fit_cell(samples.at(smooth), train[smooth], Cell.whole(low, high), list(jumps), bounds, _MOST_CUTS)


def evaluate(pieces: Sequence[Piece], coordinates: Floats) -> tuple[Floats, Floats]:
    """Return lengths (n,) and gradients (n, variables) at poses (n, variables) within the box."""
    lengths, gradients = np.full(len(coordinates), np.nan), np.full(coordinates.shape, np.nan)
    for piece in pieces:
        here = piece.cell.holds(coordinates)
        lengths[here], gradients[here] = _evaluate(piece, coordinates[here])
    return lengths, gradients


def errors_of(pieces: Sequence[Piece], samples: Samples) -> Errors:
    """Compare pieces with samples, but for those beyond a jump."""
    smooth = samples.at(samples.smooth() & samples.weighed())
    lengths, gradients = evaluate(pieces, smooth.coordinates)
    return _errors(lengths - smooth.lengths, gradients - smooth.gradients)


def fits_too(pieces: Sequence[Piece], samples: Samples, bounds: Bounds) -> bool:
    """Whether the pieces of a muscle of the other side fit this one nearly as well as that."""
    own = errors_of(pieces, samples)
    return own.over(bounds) <= _LEEWAY * max(1.0, *(piece.error for piece in pieces))


def _errors(lengths: Floats, gradients: Floats) -> Errors:
    if not len(lengths):
        return Errors(0.0, 0.0, 0.0)
    moment = np.sqrt(np.mean(gradients**2, axis=0)).max()
    return Errors(float(np.sqrt(np.mean(lengths**2))), float(moment), float(np.abs(gradients).max()))


def _evaluate(piece: Piece, coordinates: Floats) -> tuple[Floats, Floats]:
    centre, half = (piece.cell.box_high + piece.cell.box_low) / 2, (piece.cell.box_high - piece.cell.box_low) / 2
    x = (coordinates - centre) / half
    value, slope = polynomials.evaluate(piece.coefficients, x)
    slope = slope / half
    if not piece.squared:
        return value, slope
    root = np.sqrt(np.maximum(value, _LEAST_SQUARE / 100))
    return piece.offset + root, slope / (2 * root)[:, None]


def _fit_cell(
    samples: Samples, train: NDArray[np.bool_], cell: Cell, jumps: list[Cut], bounds: Bounds, cuts: int
) -> list[Piece]:
    piece = _best(samples, train, cell, bounds, _HOPELESS if cuts else np.inf)
    if piece.error <= 1.0 or not cuts:
        return [piece]
    found = _best_cut(samples, train, cell, jumps, bounds)
    if found is None:
        return [piece]
    parts = []
    for part in cell.cut(found):
        here = part.holds(samples.coordinates)
        parts += _fit_cell(samples.at(here), train[here], part, jumps, bounds, cuts - 1)
    return parts if max(one.error for one in parts) < piece.error else [piece]


def _best_cut(samples: Samples, train: NDArray[np.bool_], cell: Cell, jumps: list[Cut], bounds: Bounds) -> Cut | None:
    """Return where a cut helps most, by quick fits: of where the path may jump, or else of a grid."""
    within = [(i, at) for i, at in jumps if cell.box_low[i] < at < cell.box_high[i]]
    span = cell.box_high - cell.box_low
    grid = [(i, float(cell.box_low[i] + share * span[i])) for i in range(len(span)) for share in _GRID]
    whole = _quick(samples, train, cell, bounds)
    for candidates in (within, grid):
        tried = []
        for candidate in candidates:
            total, least = 0.0, len(samples.lengths)
            for part in cell.cut(candidate):
                here = part.holds(samples.coordinates)
                least = min(least, int(here.sum()))
                total += _quick(samples.at(here), train[here], part, bounds) if here.sum() >= _LEAST_POSES else np.inf
            tried.append((total, candidate))
        if tried and min(tried)[0] < _GAIN * whole:
            return min(tried)[1]
    return None


def _quick(samples: Samples, train: NDArray[np.bool_], cell: Cell, bounds: Bounds) -> float:
    """Return the sum of squared errors over their bounds of a low degree."""
    degree = 4 if len(cell.low) < 4 else 3
    fit = _Fit(_Basis(samples, train, cell, degree, bounds), 0.0)
    lengths, gradients, _ = fit.solve(degree, every=True)
    return float(np.sum((lengths / bounds.length) ** 2) + np.sum((gradients / bounds.moment) ** 2))


def _best(samples: Samples, train: NDArray[np.bool_], cell: Cell, bounds: Bounds, hopeless: float) -> Piece:
    """Return the cheapest polynomial of a cell that keeps within the bounds, or else the one that is least off.

    hopeless: errors over the bounds beyond which higher degrees are not tried.
    """
    variables, least = len(cell.low), float(samples.lengths.min())
    kinds: list[float | None] = [None, *(share * least for share in _OFFSETS)]
    tried: list[Piece] = []
    begin = 2
    for most in (_EARLY[variables], _LATE[variables]):
        basis = _Basis(samples, train, cell, most, bounds)
        fits = [_Fit(basis, offset) for offset in kinds]
        for degree in range(begin, most + 1):
            if tried and polynomials.count(variables, degree) * 2 > train.sum() * (1 + variables):
                break
            tried += (here := [fit.piece(degree) for fit in fits])
            best = min(here, key=lambda one: one.error)
            if best.error <= 1.0:
                return best
        order = sorted(kinds, key=lambda kind: min(one.error for one in tried if _kind(one) == kind))
        kinds, begin = order[:2], most + 1
        if min(one.error for one in tried) > hopeless:
            break
    return min(tried, key=lambda one: one.error)


def _kind(piece: Piece) -> float | None:
    return piece.offset if piece.squared else None


class _Basis:
    """Polynomials at the poses of a cell, which fits of all kinds have in common."""

    def __init__(self, samples: Samples, train: NDArray[np.bool_], cell: Cell, degree: int, bounds: Bounds) -> None:
        self.samples, self.cell, self.bounds = samples, cell, bounds
        half = (cell.box_high - cell.box_low) / 2
        x = (samples.coordinates - cell.box_low) / half - 1.0
        self.value, gradient = polynomials.basis(x, degree)
        self.gradient = gradient / half[:, None, None]
        self.weighed = samples.weighed()
        self.test = ~train & self.weighed
        # More would cost time and change nothing.
        self.train = np.flatnonzero(train)[: _POSES_A_TERM * self.value.shape[1]]


class _Fit:
    """Least squares of one kind, all degrees of which share a matrix of normal equations. offset: of squares."""

    def __init__(self, basis: _Basis, offset: float | None) -> None:
        self.basis, self.offset = basis, offset
        own, bounds, train = basis.samples, basis.bounds, basis.train
        lengths, slopes = own.lengths[train], own.gradients[train]
        # A small change of a square is a change of the length times twice the root.
        root = np.ones_like(lengths) if offset is None else 2 * (lengths - offset)
        wanted = lengths if offset is None else (lengths - offset) ** 2
        weight = basis.weighed[train].astype(np.float64)
        loose = np.where(basis.weighed[train], 1.0, _LOOSE)
        parts = [(basis.value[train], wanted / root, bounds.length, weight)]
        parts += [(basis.gradient[i, train], slopes[:, i], bounds.moment, loose) for i in range(slopes.shape[1])]
        count = basis.value.shape[1]
        self.normal, self.right = np.zeros((count, count)), np.zeros(count)
        for matrix, column, bound, weights in parts:
            rows = matrix * (weights / (bound * root))[:, None]
            self.normal, self.right = self.normal + rows.T @ rows, self.right + rows.T @ (weights * column / bound)

    def solve(self, degree: int, every: bool = False) -> tuple[Floats, Floats, Floats | None]:
        """Return errors of lengths (n,) and gradients (n, variables), and coefficients of polynomials.basis().

        The errors are of poses that the fit did not see, or of every one. Where a square is not above 0 at all poses
        there are no coefficients.
        """
        basis, own = self.basis, self.basis.samples
        terms = polynomials.count(own.coordinates.shape[1], degree)
        normal = self.normal[:terms, :terms]
        ridge = _RIDGE * np.trace(normal) / terms * np.eye(terms)
        solved = np.linalg.solve(normal + ridge, self.right[:terms])
        value = basis.value[:, :terms] @ solved
        slope = (basis.gradient[:, :, :terms] @ solved).T
        good = True
        if self.offset is not None:
            good = bool(value.min() > _LEAST_SQUARE)
            root = np.sqrt(np.maximum(value, _LEAST_SQUARE))
            value, slope = self.offset + root, slope / (2 * root)[:, None]
        seen = basis.weighed if every else basis.test
        return (value - own.lengths)[seen], (slope - own.gradients)[seen], solved if good else None

    def piece(self, degree: int) -> Piece:
        """Return the polynomial of a degree."""
        lengths, gradients, solved = self.solve(degree)
        variables = self.basis.samples.coordinates.shape[1]
        if solved is None:
            return Piece(self.basis.cell, True, self.offset or 0.0, 0, np.zeros(1), np.inf)
        coefficients = polynomials.to_monomials(variables, degree) @ solved
        error = _errors(lengths, gradients).over(self.basis.bounds)
        return Piece(self.basis.cell, self.offset is not None, self.offset or 0.0, degree, coefficients, error)
