// What is recorded of the muscles once a control step: the sample that the muscle network learns from, and residuals.
#pragma once

#include <span>

#include "physics.h"

namespace soleus {

// Of one human at one substep: moments (nnz), passive torque, torque wanted of the muscles and residual (na) [N m].
struct MuscleSample {
  std::span<const double> moments, passive, wanted;
  std::span<double> residual;  // may be written over
};

// Adds to views.residual_sums and writes views.moments, desired and passive of human n, where they are asked for.
// trial, step: (nm) scratch.
void record_muscles(const World& world, const Command& command, const MuscleSample& sample, const RolloutViews& views,
                    std::size_t t, std::size_t n, std::span<double> trial, std::span<double> step);

}  // namespace soleus
