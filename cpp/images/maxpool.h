// Max pooling of 3 x 3 pixels with stride 2 and padding 1 over images (images, height, width, channels).
#pragma once

#include <cstdint>

#include "base/lanes.h"

namespace soleus {

struct PoolShape {
  int images = 0;
  int height = 0;
  int width = 0;
  int channels = 0;

  int pooled_height() const { return (height + 1) / 2; }
  int pooled_width() const { return (width + 1) / 2; }
};

// out, winner: (images, pooled_height, pooled_width, channels). winner: which of the nine pixels, 0 to 8 in scan order, the
// maximum is; the first of several. A value that is not a number wins. T: float or Bfloat16.
template <class T>
void max_pool(const PoolShape& shape, const T* in, T* out, std::uint8_t* winner, int threads);

// grad_in: like the forward pass's input. Each pixel gathers from the (at most four) windows that it won, summed in float32
// and rounded once: every element is written once, and nothing has to be cleared before.
template <class T>
void max_pool_backward(const PoolShape& shape, const T* grad_out, const std::uint8_t* winner, T* grad_in, int threads);

}  // namespace soleus
