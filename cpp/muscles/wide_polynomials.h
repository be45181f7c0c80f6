// Polynomials in several variables, with their gradients, in lanes: all monomials are made once for the polynomials that
// share variables, and each polynomial is a sum over them.
#pragma once

#include <span>
#include <vector>

#include "base/wide.h"

namespace soleus {

class WidePolynomials {
 public:
  static constexpr int kMostVariables = 6;
  static constexpr int kMostDegree = 12;

  // How many monomials there are of so many variables up to a total degree.
  static int monomials(int variables, int degree);
  // The degree up to which there are so many monomials; kMostDegree at most.
  static int degree_of(int variables, std::size_t monomials);

  // degree: the greatest of the polynomials that are added. Throws InvalidInput beyond the bounds above.
  WidePolynomials(int variables, int degree);

  // Adds a polynomial in the variables x_i = (q_i - centre_i) / half_i. coefficients: of the monomials in x by total degree,
  // within a degree by variables in lexicographic order: 1, x0, x1, x0 x0, x0 x1, x1 x1, ... half: (variables) the gradient
  // is one in q. Throws InvalidInput where the coefficients are not those of a degree.
  void add(std::span<const double> coefficients, std::span<const double> half);

  int variables() const { return variables_; }
  int monomials() const { return static_cast<int>(factors_.size()); }

  // All monomials of the variables, (monomials()).
  void raise(const Wide* variables, Wide* monomials) const;
  // How fast all monomials change as the variables go along a direction, (monomials()). Summed by evaluate() in place of
  // the monomials, they give the rates of a polynomial and of its gradient.
  void raise_along(const Wide* variables, const Wide* direction, const Wide* monomials, Wide* rates) const;
  // The value of a polynomial, and its gradient in q, (variables).
  void evaluate(int polynomial, const Wide* monomials, Wide& value, Wide* gradient) const;

 private:
  template <int kVariables>
  void sum(int polynomial, const Wide* monomials, Wide& value, Wide* gradient) const;

  // A monomial is an earlier one times a variable.
  struct Factor { int earlier, variable; };
  // Where the coefficients begin: blocks of value and gradient for each of the first `common` monomials, which both have,
  // then of the value alone, up to `all`.
  struct Polynomial { int begin, common, all; };

  int variables_, degree_;
  std::vector<Factor> factors_;
  std::vector<std::vector<int>> exponents_;  // (monomials) (variables)
  std::vector<Polynomial> polynomials_;
  std::vector<double> coefficients_;
};

}  // namespace soleus
