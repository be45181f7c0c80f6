// Sparse L'DL factorization of a symmetric positive definite matrix whose pattern is fixed by a body's kinematic tree.
// Leaves are eliminated first, so a tree fills in nothing (R. Featherstone, Rigid Body Dynamics Algorithms, 2008, 6.5).
#pragma once

#include <vector>

namespace soleus {

class SparseLdl {
 public:
  SparseLdl() = default;
  // pattern[i][j] for j <= i says which entries of the lower triangle may be non-zero; fill-in is added here.
  explicit SparseLdl(std::vector<std::vector<bool>> pattern);

  int size() const { return static_cast<int>(row_.size()) - 1; }
  int entries() const { return row_.empty() ? 0 : row_.back(); }
  // Position of (i, j), j <= i, in the value array; -1 if structurally zero.
  int slot(int i, int j) const;
  int diagonal(int i) const { return row_[i + 1] - 1; }

  // Factors values (entries()) in place, the diagonal as its inverse; false if a pivot is not positive.
  bool factor(double* values) const;
  // Solves in place with the factored values; x: (size()).
  void solve(const double* values, double* x) const;

 private:
  std::vector<int> row_{0};   // (n + 1) row starts; a row ends with its diagonal
  std::vector<int> column_;   // (entries)
  std::vector<int> target_;   // slots updated when a row is eliminated, in order of use
};

}  // namespace soleus
