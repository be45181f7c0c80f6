#include "dynamics/wide_ldl.h"

#include <algorithm>

namespace soleus {
namespace {

// Calls work with the number of rows of a block as a constant, 1 to 4.
template <class Work>
auto with_rows(int rows, Work&& work) {
  switch (rows) {
    case 1: return work(std::integral_constant<int, 1>());
    case 2: return work(std::integral_constant<int, 2>());
    case 3: return work(std::integral_constant<int, 3>());
    default: return work(std::integral_constant<int, 4>());
  }
}

}  // namespace

WideLdl::WideLdl(const SparseLdl& pattern) : row_{0} {
  const int n = pattern.size();
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) {
      if (pattern.slot(i, j) >= 0) column_.push_back(j);
    }
    row_.push_back(static_cast<int>(column_.size()));
  }
  updates_.resize(column_.size(), {0, true});
  std::vector<bool> scattered(n, false);
  for (int k = 0; k < n; ++k) {
    for (int a = row_[k]; a < diagonal(k); ++a) {
      const int first = pattern.slot(column_[a], column_[row_[k]]);
      bool contiguous = true;
      for (int b = row_[k]; b <= a; ++b) {
        contiguous = contiguous && pattern.slot(column_[a], column_[b]) == first + b - row_[k];
      }
      updates_[a] = {contiguous ? first : static_cast<int>(target_.size()), contiguous};
      for (int b = row_[k]; !contiguous && b <= a; ++b) target_.push_back(pattern.slot(column_[a], column_[b]));
      scattered[k] = scattered[k] || !contiguous;
    }
  }
  for (int k = 0; k < n; ++k) {
    const bool joins = k > 0 && !scattered[k] && !scattered[k - 1] && continues(k) && blocks_.back().rows < kMostRows;
    if (joins) {
      ++blocks_.back().rows;
    } else {
      blocks_.push_back({k, 1, diagonal(k) - row_[k], scattered[k]});
    }
  }
}

// Whether a row has the entries of the one before it, and one more.
bool WideLdl::continues(int row) const {
  const int begin = row_[row], before = row_[row - 1], count = row_[row + 1] - begin;
  return count == begin - before + 1 && std::equal(column_.begin() + before, column_.begin() + begin, column_.begin() + begin);
}

WideMask WideLdl::factor(Wide* values) const {
  WideMask good = every_lane();
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
    good = good & (block->scattered ? factor_scattered(*block, values)
                                    : with_rows(block->rows, [&](auto rows) { return factor_block<rows>(*block, values); }));
  }
  return good;
}

WideMask WideLdl::factor_scattered(const Block& block, Wide* values) const {
  const int begin = row_[block.first], end = diagonal(block.first);
  const Wide pivot = values[end], inverse = Wide(1.0) / pivot;
  const Wide* row = values + begin;
  for (int a = begin; a < end; ++a) {
    const Wide scaled = values[a] * inverse;
    const int* target = target_.data() + updates_[a].first;
    for (int b = 0; b <= a - begin; ++b) values[updates_[a].contiguous ? updates_[a].first + b : target[b]] -= scaled * row[b];
  }
  for (int a = begin; a < end; ++a) values[a] *= inverse;
  values[end] = inverse;
  return pivot > Wide(0.0);
}

template <int kRows>
WideMask WideLdl::factor_block(const Block& block, Wide* values) const {
  Wide* rows[kRows];
  for (int i = 0; i < kRows; ++i) rows[i] = values + row_[block.first + i];
  const int common = block.common;
  WideMask good = every_lane();
  Wide inverse[kRows];
  for (int j = kRows - 1; j >= 0; --j) {  // within the block
    Wide scaled[kRows];
    for (int i = kRows - 1; i > j; --i) scaled[i] = rows[i][common + j] * inverse[i];
    if (j < kRows - 1) {
#pragma GCC ivdep
      for (int b = 0; b <= common + j; ++b) {
        Wide x = rows[j][b];
        for (int i = kRows - 1; i > j; --i) x -= scaled[i] * rows[i][b];
        rows[j][b] = x;
      }
    }
    const Wide pivot = rows[j][common + j];
    good = good & (pivot > Wide(0.0));
    inverse[j] = Wide(1.0) / pivot;
  }
  const Update* update = updates_.data() + row_[block.first];
  int a = 0;
  for (; a + 1 < common; a += 2) {  // two rows above at a time
    Wide left[kRows], right[kRows];
    for (int i = 0; i < kRows; ++i) {
      left[i] = rows[i][a] * inverse[i];
      right[i] = rows[i][a + 1] * inverse[i];
    }
    Wide *first = values + update[a].first, *second = values + update[a + 1].first;
#pragma GCC ivdep
    for (int b = 0; b <= a; ++b) {
      Wide x = first[b], y = second[b];
      for (int i = kRows - 1; i >= 0; --i) {
        const Wide own = rows[i][b];
        x -= left[i] * own;
        y -= right[i] * own;
      }
      first[b] = x;
      second[b] = y;
    }
    for (int i = kRows - 1; i >= 0; --i) second[a + 1] -= right[i] * rows[i][a + 1];
  }
  for (; a < common; ++a) {
    Wide scaled[kRows];
    for (int i = 0; i < kRows; ++i) scaled[i] = rows[i][a] * inverse[i];
    Wide* out = values + update[a].first;
#pragma GCC ivdep
    for (int b = 0; b <= a; ++b) {
      Wide x = out[b];
      for (int i = kRows - 1; i >= 0; --i) x -= scaled[i] * rows[i][b];
      out[b] = x;
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int b = 0; b < common + i; ++b) rows[i][b] *= inverse[i];
    rows[i][common + i] = inverse[i];
  }
  return good;
}

void WideLdl::solve(const Wide* values, Wide* x) const {
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
    with_rows(block->rows, [&](auto rows) { solve_upwards<rows>(*block, values, x); });
  }
  for (const Block& block : blocks_) {
    with_rows(block.rows, [&](auto rows) { solve_downwards<rows>(block, values, x); });
  }
}

template <int kRows>
void WideLdl::solve_upwards(const Block& block, const Wide* values, Wide* x) const {
  const Wide* rows[kRows];
  Wide own[kRows];
  for (int i = 0; i < kRows; ++i) {
    rows[i] = values + row_[block.first + i];
    own[i] = x[block.first + i];
  }
  for (int i = kRows - 1; i >= 0; --i) {
    for (int j = 0; j < i; ++j) own[j] -= rows[i][block.common + j] * own[i];
  }
  for (int i = 0; i < kRows; ++i) x[block.first + i] = own[i];
  const int* column = column_.data() + row_[block.first];
  for (int a = 0; a < block.common; ++a) {
    Wide above = x[column[a]];
    for (int i = kRows - 1; i >= 0; --i) above -= rows[i][a] * own[i];
    x[column[a]] = above;
  }
}

template <int kRows>
void WideLdl::solve_downwards(const Block& block, const Wide* values, Wide* x) const {
  const Wide* rows[kRows];
  Wide sum[kRows];
  for (int i = 0; i < kRows; ++i) {
    rows[i] = values + row_[block.first + i];
    sum[i] = x[block.first + i] * rows[i][block.common + i];
  }
  const int* column = column_.data() + row_[block.first];
  for (int a = 0; a < block.common; ++a) {
    const Wide above = x[column[a]];
    for (int i = 0; i < kRows; ++i) sum[i] -= rows[i][a] * above;
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < i; ++j) sum[i] -= rows[i][block.common + j] * sum[j];
    x[block.first + i] = sum[i];
  }
}

void WideLdl::multiply(const Wide* values, const Wide* x, Wide* out) const {
  for (const Block& block : blocks_) {
    with_rows(block.rows, [&](auto rows) { multiply_block<rows>(block, values, x, out); });
  }
}

template <int kRows>
void WideLdl::multiply_block(const Block& block, const Wide* values, const Wide* x, Wide* out) const {
  const Wide* rows[kRows];
  Wide own[kRows], sum[kRows];
  for (int i = 0; i < kRows; ++i) {
    rows[i] = values + row_[block.first + i];
    own[i] = x[block.first + i];
    sum[i] = rows[i][block.common + i] * own[i];
  }
  const int* column = column_.data() + row_[block.first];
  for (int a = 0; a < block.common; ++a) {
    const Wide there = x[column[a]];
    Wide above = out[column[a]];
    for (int i = 0; i < kRows; ++i) {
      const Wide value = rows[i][a];
      sum[i] += value * there;
      above += value * own[i];
    }
    out[column[a]] = above;
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < i; ++j) {
      const Wide value = rows[i][block.common + j];
      sum[i] += value * own[j];
      sum[j] += value * own[i];
    }
  }
  for (int i = 0; i < kRows; ++i) out[block.first + i] = sum[i];
}

}  // namespace soleus
