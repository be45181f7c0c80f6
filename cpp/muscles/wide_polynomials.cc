#include "muscles/wide_polynomials.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/error.h"

namespace soleus {

int WidePolynomials::monomials(int variables, int degree) {
  long long count = 1;  // (variables + degree)! / variables! / degree!
  for (int i = 1; i <= variables; ++i) count = count * (degree + i) / i;
  return static_cast<int>(count);
}

int WidePolynomials::degree_of(int variables, std::size_t count) {
  int degree = 0;
  while (degree < kMostDegree && monomials(variables, degree) < static_cast<int>(count)) ++degree;
  return degree;
}

WidePolynomials::WidePolynomials(int variables, int degree) : variables_(variables), degree_(degree) {
  require(variables >= 1 && variables <= kMostVariables && degree >= 0 && degree <= kMostDegree,
          "expected polynomials of 1 to " + std::to_string(kMostVariables) + " variables and a degree up to " +
              std::to_string(kMostDegree) + ", got " + std::to_string(variables) + " and " + std::to_string(degree));
  factors_.push_back({0, -1});
  exponents_.emplace_back(variables, 0);
  std::vector<int> last{0};  // the last variable of each monomial of the degree before
  int begin = 0;
  for (int d = 1; d <= degree; ++d) {
    const int end = static_cast<int>(factors_.size());
    std::vector<int> next;
    for (int m = begin; m < end; ++m) {
      for (int v = last[m - begin]; v < variables; ++v) {
        factors_.push_back({m, v});
        exponents_.push_back(exponents_[m]);
        ++exponents_.back()[v];
        next.push_back(v);
      }
    }
    begin = end;
    last = std::move(next);
  }
}

void WidePolynomials::add(std::span<const double> coefficients, std::span<const double> half) {
  const int degree = std::min(degree_, degree_of(variables_, coefficients.size()));
  const int all = monomials(variables_, degree), common = degree ? monomials(variables_, degree - 1) : 0;
  require(all == static_cast<int>(coefficients.size()),
          "expected the coefficients of all monomials up to a degree, got " + std::to_string(coefficients.size()));
  std::map<std::vector<int>, int> index;
  for (int m = 0; m < all; ++m) index[exponents_[m]] = m;
  polynomials_.push_back({static_cast<int>(coefficients_.size()), common, all});
  for (int m = 0; m < common; ++m) {
    coefficients_.push_back(coefficients[m]);
    for (int v = 0; v < variables_; ++v) {  // of the monomial in the derivative by a variable, which one more of it gave
      std::vector<int> from = exponents_[m];
      const int exponent = ++from[v];
      coefficients_.push_back(coefficients[index.at(from)] * exponent / half[v]);
    }
  }
  coefficients_.insert(coefficients_.end(), coefficients.begin() + common, coefficients.end());
}

void WidePolynomials::raise(const Wide* variables, Wide* out) const {
  out[0] = Wide(1.0);
  for (std::size_t m = 1; m < factors_.size(); ++m) out[m] = out[factors_[m].earlier] * variables[factors_[m].variable];
}

void WidePolynomials::raise_along(const Wide* variables, const Wide* direction, const Wide* monomials, Wide* rates) const {
  rates[0] = Wide(0.0);
  for (std::size_t m = 1; m < factors_.size(); ++m) {
    const auto [earlier, variable] = factors_[m];
    rates[m] = rates[earlier] * variables[variable] + monomials[earlier] * direction[variable];
  }
}

// Even and odd monomials are summed apart, so that sums need not wait for one another.
template <int kVariables>
void WidePolynomials::sum(int polynomial, const Wide* x, Wide& value, Wide* gradient) const {
  constexpr int kSums = kVariables + 1;
  const Polynomial& p = polynomials_[polynomial];
  const double* c = coefficients_.data() + p.begin;
  Wide even[kSums], odd[kSums];
  for (int i = 0; i < kSums; ++i) even[i] = odd[i] = Wide(0.0);
  int m = 0;
  for (; m + 1 < p.common; m += 2, c += 2 * kSums) {
    const Wide first = x[m], second = x[m + 1];
    for (int i = 0; i < kSums; ++i) even[i] += Wide(c[i]) * first;
    for (int i = 0; i < kSums; ++i) odd[i] += Wide(c[kSums + i]) * second;
  }
  for (; m < p.common; ++m, c += kSums) {
    for (int i = 0; i < kSums; ++i) even[i] += Wide(c[i]) * x[m];
  }
  Wide third(0.0), fourth(0.0);
  for (; m + 3 < p.all; m += 4, c += 4) {
    even[0] += Wide(c[0]) * x[m];
    odd[0] += Wide(c[1]) * x[m + 1];
    third += Wide(c[2]) * x[m + 2];
    fourth += Wide(c[3]) * x[m + 3];
  }
  for (; m < p.all; ++m, ++c) even[0] += Wide(*c) * x[m];
  value = (even[0] + odd[0]) + (third + fourth);
  for (int i = 0; i < kVariables; ++i) gradient[i] = even[i + 1] + odd[i + 1];
}

void WidePolynomials::evaluate(int polynomial, const Wide* monomials, Wide& value, Wide* gradient) const {
  switch (variables_) {
    case 1: return sum<1>(polynomial, monomials, value, gradient);
    case 2: return sum<2>(polynomial, monomials, value, gradient);
    case 3: return sum<3>(polynomial, monomials, value, gradient);
    case 4: return sum<4>(polynomial, monomials, value, gradient);
    case 5: return sum<5>(polynomial, monomials, value, gradient);
    default: return sum<6>(polynomial, monomials, value, gradient);
  }
}

}  // namespace soleus
