"""Polynomials of several variables: bases, their gradients, and the order of monomials that the core shares."""

import numpy as np
import pytest

from soleus.paths import polynomials


def test_monomials_come_by_total_degree_then_in_lexicographic_order() -> None:
    expected = [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    assert polynomials.exponents(2, 2).tolist() == expected
    assert polynomials.count(2, 2) == 6
    assert polynomials.count(4, 5) == len(polynomials.exponents(4, 5)) == 126


@pytest.mark.parametrize(("variables", "degree"), [(1, 7), (2, 4), (3, 5), (4, 3)])
def test_a_basis_and_its_monomials_are_one_polynomial(variables: int, degree: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (50, variables))
    coefficients = rng.normal(size=polynomials.count(variables, degree))
    value, gradient = polynomials.basis(x, degree)
    monomials = polynomials.to_monomials(variables, degree) @ coefficients
    powers = polynomials.exponents(variables, degree)

    def at(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.prod(x[:, None, :] ** powers, axis=2) @ monomials)

    np.testing.assert_allclose(at(x), value @ coefficients, atol=1e-12)
    for i in range(variables):
        step = np.zeros(variables)
        step[i] = 1e-6
        slope = (at(x + step) - at(x - step)) / 2e-6
        np.testing.assert_allclose(gradient[i] @ coefficients, slope, rtol=1e-5, atol=1e-6)
