// Max pooling of 3 x 3 pixels with stride 2 and padding 1 between grids with borders, in bfloat16.
#pragma once

#include <cstdint>

#include "images/grid.h"

namespace soleus {

// Below every number that a network meets: what a border holds that shall never be a maximum.
inline constexpr Bfloat16 kLowest{0xff7f};

// One image: pooled, its relu, and which of the nine pixels won, 0 to 8, per pixel without border (winner).
// in: its first pixel; border and margin hold kLowest.
void pool_forward(const Grid& full, const Bfloat16* in, const Grid& pooled, Bfloat16* out, Bfloat16* relu,
                  std::uint16_t* winner);

// The gradient of every pixel of the full image, which leaves the border as it is.
void pool_backward(const Grid& full, Bfloat16* grad_in, const Grid& pooled, const Bfloat16* grad_out,
                   const std::uint16_t* winner);

}  // namespace soleus
