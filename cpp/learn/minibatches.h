// What the updates of all networks share: how rows are shared out over threads, gathered, and how gradients are clipped.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

namespace soleus {

using RowNumbers = std::span<const std::int64_t>;

// The rows of a thread, one after the other as they are.
inline RowNumbers share_of(RowNumbers rows, int thread, int threads) {
  const std::size_t begin = rows.size() * thread / threads, end = rows.size() * (thread + 1) / threads;
  return rows.subspan(begin, end - begin);
}

constexpr std::size_t minibatches_of(std::size_t rows, std::size_t size) { return (rows + size - 1) / size; }

// Of an order of rows, minibatch b of `size`; the last may be smaller.
inline RowNumbers minibatch_of(RowNumbers order, std::size_t size, std::size_t b) {
  return order.subspan(b * size, std::min(size, order.size() - b * size));
}

// Calls pass(part, whether it is the first) for a thread's rows, at most `most` at a time.
template <class PassRows>
void in_parts(RowNumbers rows, std::size_t most, PassRows pass) {
  for (std::size_t begin = 0; begin < rows.size(); begin += most) {
    pass(rows.subspan(begin, std::min(most, rows.size() - begin)), begin == 0);
  }
}

// What a gradient is multiplied by so that its norm is at most `most`, from the sum of its squares (clip_grad_norm_ of torch).
inline float clip_scale(double squares, float most) {
  return static_cast<float>(std::min(most / (std::sqrt(squares) + 1e-6), 1.0));
}

}  // namespace soleus
