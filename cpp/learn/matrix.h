// Products of matrices of float32 that learning is made of, at the speed of the multiply-adds.
//
// Sums of kTileRows x kBlockColumns results stay in registers while they run over the depth: each vector of the right
// matrix meets all rows, each number of the left one all columns. Every sum runs over the depth in order.
#pragma once

#include <cstddef>

#include "base/lanes.h"

namespace soleus {

// Columns of a block, and rows of a tile of sums: with two vectors of the right matrix and a number of the left one in every
// lane they fill the registers.
inline constexpr int kBlockColumns = 2 * kVectorWidth;
#if defined(__AVX512F__)
inline constexpr int kTileRows = 12;
#else
inline constexpr int kTileRows = 6;
#endif

// Columns of a matrix as it lies in memory: whole vectors.
constexpr int padded(int columns) { return (columns + kVectorWidth - 1) / kVectorWidth * kVectorWidth; }

// Of the block that begins at a column: a whole one, or a vector where no more are left.
constexpr int block_width(int column, int columns) {
  return padded(columns) - column < kBlockColumns ? kVectorWidth : kBlockColumns;
}

// A matrix in blocks of columns, (block, row, column in it), which products read from front to back; its padding is zero.
// Where the block begins that a column begins:
constexpr std::size_t block_offset(int column, int rows) { return static_cast<std::size_t>(column) * rows; }
// Where one number of it is.
constexpr std::size_t blocked_index(int row, int column, int rows, int columns) {
  const int begin = column / kBlockColumns * kBlockColumns;
  return block_offset(begin, rows) + static_cast<std::size_t>(row) * block_width(begin, columns) + (column - begin);
}

// What is multiplied from the left: (row, d) lies at at[row * stride + d], or, turned, at at[d * stride + row].
struct LeftMatrix {
  const float* at;
  std::ptrdiff_t stride;
};
// A block of columns of what is multiplied from the right: (d, column) lies at at[d * stride + column].
struct RightBlock {
  const float* at;
  std::ptrdiff_t stride;
};

template <int kRows, int kVectors, bool kTurned, class Finish>
__attribute__((noinline)) void multiply_tile(LeftMatrix left, RightBlock right, int depth, const Finish& finish, int row,
                                             int column) {
  Lanes sum[kRows][kVectors] = {};
  const float* a = left.at;
  const float* b = right.at;
  for (int d = 0; d < depth; ++d) {
    Lanes w[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) w[v] = load_lanes(b + v * kVectorWidth);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const float x = kTurned ? a[r] : a[r * left.stride];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] += w[v] * x;
    }
    a += kTurned ? left.stride : 1;
    b += right.stride;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) finish(row + r, column + v * kVectorWidth, sum[r][v]);
  }
}

template <int kVectors, bool kTurned, class Finish>
void multiply_block(LeftMatrix left, int rows, RightBlock right, int depth, const Finish& finish, int column) {
  const auto from = [&](int row) { return LeftMatrix{left.at + (kTurned ? row : row * left.stride), left.stride}; };
  int row = 0;
  for (; row + kTileRows <= rows; row += kTileRows) {
    multiply_tile<kTileRows, kVectors, kTurned>(from(row), right, depth, finish, row, column);
  }
  if (row + 8 <= rows) {
    multiply_tile<8, kVectors, kTurned>(from(row), right, depth, finish, row, column);
    row += 8;
  }
  if (row + 4 <= rows) {
    multiply_tile<4, kVectors, kTurned>(from(row), right, depth, finish, row, column);
    row += 4;
  }
  if (row + 2 <= rows) {
    multiply_tile<2, kVectors, kTurned>(from(row), right, depth, finish, row, column);
    row += 2;
  }
  if (row < rows) multiply_tile<1, kVectors, kTurned>(from(row), right, depth, finish, row, column);
}

// Calls finish(row, column, sums) for every row and every vector of columns of the product of `left` (rows, depth), or of
// `left` (depth, rows) turned, with a matrix (depth, columns) whose blocks `right_at(column)` gives. Padding included.
template <bool kTurned, class RightAt, class Finish>
void multiply(LeftMatrix left, int rows, RightAt right_at, int depth, int columns, const Finish& finish) {
  for (int column = 0; column < columns; column += kBlockColumns) {
    if (block_width(column, columns) == kBlockColumns) {
      multiply_block<2, kTurned>(left, rows, right_at(column), depth, finish, column);
    } else {
      multiply_block<1, kTurned>(left, rows, right_at(column), depth, finish, column);
    }
  }
}

}  // namespace soleus
