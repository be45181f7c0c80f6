"""Lengths and moment arms of Hill-type muscles, whose paths are polynomials everywhere, in NumPy, for a few poses.

The core has the same in lanes (cpp/muscles/wide_fitted_paths.cc).
"""

import numpy as np
from numpy.typing import NDArray

from soleus.models.hill_muscles import HillMuscles
from soleus.paths import polynomials

Floats = NDArray[np.float64]


def lengths_and_gradients(muscles: HillMuscles, coordinates: Floats) -> tuple[Floats, Floats]:
    """Return lengths (n, nm) [m] and their gradients (n, nm, nc) [m/rad] or [m/m] at coordinates (n, nc)."""
    n, nc = coordinates.shape
    lengths, gradients = np.zeros((n, len(muscles.names))), np.zeros((n, len(muscles.names), nc))
    pieces = muscles.pieces
    for piece, muscle in enumerate(pieces.muscle):
        own = pieces.coordinates_of(piece)
        columns = pieces.coordinate[own]
        q = coordinates[:, columns]
        here = np.flatnonzero(np.all((q >= pieces.low[own]) & (q < pieces.high[own]), axis=1))
        if not len(here):
            continue
        value, slope = _extended(muscles, piece, (q[here] - pieces.centre[own]) / pieces.half[own])
        lengths[here, muscle] = value
        gradients[here[:, None], muscle, columns] = slope / pieces.half[own]
    return lengths, gradients


def _extended(muscles: HillMuscles, piece: int, x: Floats) -> tuple[Floats, Floats]:
    """Return values (n,) and gradients (n, variables) at x (n, variables), linear beyond the box from -1 to 1."""
    pieces = muscles.pieces
    coefficients = pieces.coefficient[pieces.coefficients_of(piece)]
    within = np.clip(x, -1.0, 1.0)
    beyond, out = x - within, np.abs(x) > 1.0
    value, slope, curve = _derivatives(coefficients, within)
    if pieces.squared[piece]:
        root = np.sqrt(value)
        slope = slope / (2 * root)[:, None]
        curve = (curve / 2 - slope[:, :, None] * slope[:, None, :]) / root[:, None, None]
        value = pieces.offset[piece] + root
    turn = np.einsum("ni,nij->nj", beyond, curve)
    return value + np.einsum("ni,ni->n", beyond, slope), slope + np.where(out, 0.0, turn)


def _derivatives(coefficients: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return a polynomial's values (n,), gradients (n, variables) and second derivatives (n, variables, variables)."""
    variables, degree = x.shape[1], 0
    while polynomials.count(variables, degree) < len(coefficients):
        degree += 1
    powers = polynomials.exponents(variables, degree)

    def total(orders: tuple[int, ...]) -> Floats:
        parts = np.tile(coefficients, (len(x), 1))
        for i in range(variables):
            order, power = orders.count(i), powers[:, i]
            factor = power * (power - 1) if order == 2 else power if order else np.ones(len(power))
            parts = parts * factor * x[:, i : i + 1] ** np.maximum(power - order, 0)
        return np.asarray(parts.sum(axis=1))

    slope = np.stack([total((i,)) for i in range(variables)], axis=1)
    curve = np.stack([np.stack([total((i, j)) for j in range(variables)], axis=1) for i in range(variables)], axis=1)
    return total(()), slope, curve
