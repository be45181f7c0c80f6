// What this processor can do: the limits that measured figures are compared with.
#pragma once

#include <vector>

#include "mlp.h"

namespace soleus {

// Seconds for one forward pass of a tile through a network of these shapes: the median over `repeats`.
double time_forward(const std::vector<int>& widths, const std::vector<Activation>& activations, int repeats);

// Single-precision operations a second that one core reaches with fused multiply-adds on registers alone.
double peak_flops();

}  // namespace soleus
