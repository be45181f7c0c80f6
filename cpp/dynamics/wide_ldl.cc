#include "dynamics/wide_ldl.h"

namespace soleus {

WideLdl::WideLdl(const SparseLdl& pattern) : row_{0} {
  const int n = pattern.size();
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) {
      if (pattern.slot(i, j) >= 0) column_.push_back(j);
    }
    row_.push_back(static_cast<int>(column_.size()));
  }
  for (int k = n - 1; k >= 0; --k) {
    for (int a = row_[k]; a < diagonal(k); ++a) {
      const int first = pattern.slot(column_[a], column_[row_[k]]);
      bool contiguous = true;
      for (int b = row_[k]; b <= a; ++b) {
        contiguous = contiguous && pattern.slot(column_[a], column_[b]) == first + b - row_[k];
      }
      updates_.push_back({contiguous ? first : static_cast<int>(target_.size()), contiguous});
      for (int b = row_[k]; !contiguous && b <= a; ++b) target_.push_back(pattern.slot(column_[a], column_[b]));
    }
  }
}

WideMask WideLdl::factor(Wide* values) const {
  const Update* update = updates_.data();
  WideMask good = every_lane();
  for (int k = size() - 1; k >= 0; --k) {
    const int begin = row_[k], end = diagonal(k);
    const Wide pivot = values[end];
    good = good & (pivot > Wide(0.0));
    const Wide inverse = Wide(1.0) / pivot;
    const Wide* row = values + begin;
    for (int a = begin; a < end; ++a, ++update) {
      const Wide scaled = values[a] * inverse;
      const int count = a - begin + 1;
      if (update->contiguous) {
        Wide* out = values + update->first;
#pragma GCC ivdep
        for (int b = 0; b < count; ++b) out[b] -= scaled * row[b];
      } else {
        const int* target = target_.data() + update->first;
        for (int b = 0; b < count; ++b) values[target[b]] -= scaled * row[b];
      }
    }
    for (int a = begin; a < end; ++a) values[a] *= inverse;
    values[end] = inverse;
  }
  return good;
}

void WideLdl::solve(const Wide* values, Wide* x) const {
  const int n = size();
  for (int k = n - 1; k >= 0; --k) {
    const Wide own = x[k];
    for (int a = row_[k]; a < diagonal(k); ++a) x[column_[a]] -= values[a] * own;
  }
  for (int k = 0; k < n; ++k) {
    Wide sum = x[k] * values[diagonal(k)];
    for (int a = row_[k]; a < diagonal(k); ++a) sum -= values[a] * x[column_[a]];
    x[k] = sum;
  }
}

void WideLdl::multiply(const Wide* values, const Wide* x, Wide* out) const {
  const int n = size();
  for (int i = 0; i < n; ++i) {
    const Wide own = x[i];
    Wide sum = values[diagonal(i)] * own;
    for (int a = row_[i]; a < diagonal(i); ++a) {
      sum += values[a] * x[column_[a]];
      out[column_[a]] += values[a] * own;
    }
    out[i] = sum;
  }
}

}  // namespace soleus
