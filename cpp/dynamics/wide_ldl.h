// The sparse L'DL factorization of SparseLdl, of kLanes matrices of one pattern at a time.
//
// Sums are taken in the order of one row after another, so that their bits do not depend on how rows are put into blocks.
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
  static constexpr int kMostRows = 4;
  // Rows that are handled together, so that what they share is loaded once: each has the entries of the one before it, and
  // one more, as the rows of a chain of joints have. `common`: entries off the diagonal of the first. A row some of
  // whose updates are scattered is a block of its own.
  struct Block { int first, rows, common; bool scattered; };
  // Where the products of a row's entry with the entries before it go: to the first of these slots and those after it,
  // where they lie side by side, as in a tree, whose ancestors' rows are beginnings of one another; else one by one.
  struct Update { int first; bool contiguous; };

  bool continues(int row) const;
  template <int kRows>
  WideMask factor_block(const Block& block, Wide* values) const;
  WideMask factor_scattered(const Block& block, Wide* values) const;
  template <int kRows>
  void solve_upwards(const Block& block, const Wide* values, Wide* x) const;
  template <int kRows>
  void solve_downwards(const Block& block, const Wide* values, Wide* x) const;
  template <int kRows>
  void multiply_block(const Block& block, const Wide* values, const Wide* x, Wide* out) const;

  std::vector<int> row_, column_;
  std::vector<Block> blocks_;       // in rising order
  std::vector<Update> updates_;     // (entries off the diagonal), of each where row_ and column_ have it
  std::vector<int> target_;         // of updates that are not contiguous
};

}  // namespace soleus
