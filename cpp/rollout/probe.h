// What this processor can do: the limits that measured figures are compared with.
#pragma once

#include <vector>

#include "nets/mlp.h"
#include "rollout/human_state.h"

namespace soleus {

// Seconds for one forward pass of a tile through a network of these shapes: the median over `repeats`.
double time_forward(const std::vector<int>& widths, const std::vector<Activation>& activations, int repeats);

// Seconds for the paths, moments and forces of all muscles of a body, and for its torque of stable PD towards where it is:
// medians over `repeats`.
double time_muscles(HumanState& state, int repeats);
double time_stable_pd(HumanState& state, int repeats);

// Single-precision operations a second that one core reaches with fused multiply-adds on registers alone.
double peak_flops();

}  // namespace soleus
