"""Polynomials of several variables up to a total degree: their monomials in the core's order, and bases to fit them in.

Fits are done in products of Legendre polynomials, which are nearly orthogonal over a box; the core sums monomials.
"""

from functools import cache
from itertools import combinations_with_replacement
from math import comb

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def count(variables: int, degree: int) -> int:
    """Return the number of monomials of some variables up to a total degree."""
    return comb(variables + degree, degree)


@cache
def exponents(variables: int, degree: int) -> NDArray[np.int64]:
    """Return the exponents of all monomials, (terms, variables), by total degree, then in lexicographic order.

    The monomials of a lower degree come first: those up to it are the first `count(variables, lower)`.
    """
    rows = [
        np.bincount(chosen, minlength=variables) if chosen else np.zeros(variables, np.int64)
        for total in range(degree + 1)
        for chosen in combinations_with_replacement(range(variables), total)
    ]
    return np.array(rows, np.int64).reshape(len(rows), variables)


def basis(x: Floats, degree: int) -> tuple[Floats, Floats]:
    """Return products of Legendre polynomials, (n, terms), and their gradients, (variables, n, terms).

    x: (n, variables), from -1 to 1. The terms are in the order of exponents().
    """
    n, variables = x.shape
    powers = exponents(variables, degree)
    values = [legendre.legvander(x[:, i], degree)[:, powers[:, i]] for i in range(variables)]
    slope = legendre.legder(np.eye(degree + 1), axis=0) if degree else np.zeros((1, 1))
    slopes = [legendre.legval(x[:, i], slope).T[:, powers[:, i]] for i in range(variables)]
    gradient = np.empty((variables, n, len(powers)))
    for i in range(variables):
        gradient[i] = slopes[i]
        for j in range(variables):
            if j != i:
                gradient[i] *= values[j]
    return np.prod(values, axis=0), gradient


def evaluate(coefficients: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return values (n,) and gradients (n, variables) of a polynomial at x, (n, variables).

    coefficients: of monomials, in the order of exponents().
    """
    n, variables = x.shape
    degree = next(d for d in range(len(coefficients) + 1) if count(variables, d) >= len(coefficients))
    powers = exponents(variables, degree)
    raised = [np.vander(x[:, i], degree + 1, increasing=True)[:, powers[:, i]] for i in range(variables)]
    slopes = np.empty((n, variables))
    for i in range(variables):
        lower = np.vander(x[:, i], degree + 1, increasing=True)[:, np.maximum(powers[:, i] - 1, 0)]
        parts = lower * powers[:, i]
        for j in range(variables):
            if j != i:
                parts *= raised[j]
        slopes[:, i] = parts @ coefficients
    return np.prod(raised, axis=0) @ coefficients, slopes


@cache
def to_monomials(variables: int, degree: int) -> Floats:
    """Return the matrix that takes coefficients of basis() to coefficients of monomials, (terms, terms)."""
    powers = exponents(variables, degree)
    place = {tuple(row): i for i, row in enumerate(powers)}
    single = [legendre.leg2poly(np.eye(degree + 1)[k]) for k in range(degree + 1)]
    out = np.zeros((len(powers), len(powers)))
    for column, row in enumerate(powers):
        parts: dict[tuple[int, ...], float] = {(): 1.0}
        for power in row:
            parts = {
                (*before, k): value * factor
                for before, value in parts.items()
                for k, factor in enumerate(single[power])
                if factor
            }
        for exponent, value in parts.items():
            out[place[exponent], column] = value
    return out
