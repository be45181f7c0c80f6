// What is recorded of the muscles once a control step: the sample that the muscle network learns from, and residuals.
#pragma once

#include <span>

#include "rollout/physics.h"

namespace soleus {

// Sweeps of static optimization that say what a network could have reached.
inline constexpr int kLeastResidualSweeps = 30;

// Of one human at one substep.
struct MuscleSample {
  std::span<const double> moments;                  // (nnz) [N m]
  std::span<const double> torque, passive, wanted;  // (na) of stable PD, of passive muscles, and what those are to add
  std::span<const double> residual;                 // (na) what the activations leave of the torque wanted
  std::span<const double> least;                    // (na) what static optimization leaves of it
};

// Adds to views.residual_sums and writes views.moments, desired and passive of human n, where they are asked for.
// mirrored: the policy sees the mirrored body.
void record_muscles(const HumanModel& human, bool mirrored, const MuscleSample& sample, const RolloutViews& views,
                    std::size_t t, std::size_t n);

}  // namespace soleus
