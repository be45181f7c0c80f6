#include "model/ldl.h"

#include <algorithm>

namespace soleus {

SparseLdl::SparseLdl(std::vector<std::vector<bool>> pattern) {
  const int n = static_cast<int>(pattern.size());
  for (int k = n - 1; k >= 0; --k) {
    pattern[k][k] = true;
    for (int i = 0; i < k; ++i) {
      for (int j = i; j < k; ++j) {
        if (pattern[k][i] && pattern[k][j]) pattern[j][i] = true;
      }
    }
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) {
      if (pattern[i][j]) column_.push_back(j);
    }
    row_.push_back(static_cast<int>(column_.size()));
  }
  for (int k = n - 1; k >= 0; --k) {
    for (int a = row_[k]; a < diagonal(k); ++a) {
      for (int b = row_[k]; b <= a; ++b) target_.push_back(slot(column_[a], column_[b]));
    }
  }
}

int SparseLdl::slot(int i, int j) const {
  const auto begin = column_.begin() + row_[i];
  const auto end = column_.begin() + row_[i + 1];
  const auto found = std::lower_bound(begin, end, j);
  return found != end && *found == j ? static_cast<int>(found - column_.begin()) : -1;
}

bool SparseLdl::factor(double* values) const {
  const int* target = target_.data();
  for (int k = size() - 1; k >= 0; --k) {
    const int end = diagonal(k);
    const double pivot = values[end];
    if (!(pivot > 0.0)) return false;
    const double inverse = 1.0 / pivot;
    for (int a = row_[k]; a < end; ++a) {
      const double scaled = values[a] * inverse;
      for (int b = row_[k]; b <= a; ++b) values[*target++] -= scaled * values[b];
    }
    for (int a = row_[k]; a < end; ++a) values[a] *= inverse;
    values[end] = inverse;
  }
  return true;
}

void SparseLdl::solve(const double* values, double* x) const {
  const int n = size();
  for (int k = n - 1; k >= 0; --k) {
    for (int a = row_[k]; a < diagonal(k); ++a) x[column_[a]] -= values[a] * x[k];
  }
  for (int k = 0; k < n; ++k) x[k] *= values[diagonal(k)];
  for (int k = 0; k < n; ++k) {
    for (int a = row_[k]; a < diagonal(k); ++a) x[k] -= values[a] * x[column_[a]];
  }
}

}  // namespace soleus
