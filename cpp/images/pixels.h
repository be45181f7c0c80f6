// Pixels as environments give them, made into what a first convolution takes, in bfloat16.
#pragma once

#include <cstdint>

#include "images/grid.h"

namespace soleus {

// Pixels (images, height, width, channels), of one type or the other.
struct ImageView {
  const std::uint8_t* bytes = nullptr;
  const float* floats = nullptr;
};

// Elements `from` up to from + count of all, rounded to bfloat16, and up to 31 zeros behind them.
void convert_pixels(const ImageView& images, std::size_t from, int count, Bfloat16* to);

// For each of `count` pixels `window` elements of a line: they begin `step` elements after the last pixel's, and go `stride`
// elements after its.
void spread_windows(const Bfloat16* line, int count, int step, int window, int stride, Bfloat16* to);

}  // namespace soleus
