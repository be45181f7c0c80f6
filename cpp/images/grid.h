// Images of a stack, one after the other, as one long row of pixels.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/lanes.h"

namespace soleus {

// Where the pixels of a stack lie: pixel (y, x) of image n at (n * image() + y * pitch + x) * channels from the first pixel.
//
// With a border, one column follows each row and one row each image; together with a margin before the first pixel they
// are the padding of 1 pixel around every image, the next row's on the left being this row's on the right. A convolution
// then runs over all pixels of the stack alike, and what it gives on the border is cleared or masked afterwards.
struct Grid {
  int rows = 0;
  int columns = 0;
  int channels = 0;
  bool border = false;
  bool even = false;  // the pitch is, so that two neighbours can count as one pixel

  int pitch() const { return even ? (columns + border + 1) / 2 * 2 : columns + border; }
  int image() const { return (rows + border) * pitch(); }
  // Pixels before the first that may be read and are zero; even, for the alignment of pairs.
  int margin() const { return (pitch() + 3) / 2 * 2; }
  // Elements of a stack with its margins: behind it a convolution may run on for a block of pixels.
  std::size_t size(int images) const {
    return static_cast<std::size_t>(images * image() + 3 * margin() + kBlock) * channels;
  }
  std::size_t at(int n, int y, int x) const {
    return static_cast<std::size_t>(n * image() + y * pitch() + x) * channels;
  }

  static constexpr int kBlock = 64;  // pixels that a convolution computes together
};

// Clears what lies behind `images` images as far as anything may read. stack: its first pixel.
void clear_behind(const Grid& grid, int images, Bfloat16* stack, Bfloat16 value = {0});
// The same with the border of every image.
void clear_border(const Grid& grid, int images, Bfloat16* stack, Bfloat16 value = {0});

}  // namespace soleus
