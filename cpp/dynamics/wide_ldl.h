// The sparse L'DL factorization of SparseLdl, of kLanes matrices of one pattern at a time.
#pragma once

#include <span>
#include <vector>

#include "base/wide.h"
#include "model/ldl.h"

namespace soleus {

class WideLdl {
 public:
  explicit WideLdl(const SparseLdl& pattern);

  int size() const { return static_cast<int>(row_.size()) - 1; }
  int entries() const { return row_.back(); }
  int diagonal(int i) const { return row_[i + 1] - 1; }

  // Factors values (entries()) in place, the diagonal as its inverse. Lanes with a pivot that is not positive get NaN or
  // infinity, and say so: the lanes that were factored are returned.
  WideMask factor(Wide* values) const;
  // Solves in place with the factored values; x: (size()).
  void solve(const Wide* values, Wide* x) const;
  // out = values x, of the matrix itself.
  void multiply(const Wide* values, const Wide* x, Wide* out) const;

 private:
  std::vector<int> row_, column_;
  // Where the products of a row's entry with the entries before it go: to the first of these slots and those after it,
  // where they lie side by side, as in a tree, whose ancestors' rows are beginnings of one another; else one by one.
  struct Update { int first; bool contiguous; };
  std::vector<Update> updates_;     // (entries off the diagonal), in order of use
  std::vector<int> target_;         // of updates that are not contiguous
};

}  // namespace soleus
