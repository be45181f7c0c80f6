// A Gaussian policy with its observation normaliser: a network gives the mean of an action, one spread serves all states.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "nets/mlp.h"

namespace soleus {

// Normalised observations are clipped to this before they enter the policy.
inline constexpr float kObservationClip = 10.0f;

struct Policy {
  Mlp network;
  std::vector<float> mean, inverse_std;  // (D) of observations
  std::vector<float> log_std;            // (A)
  bool deterministic = false;

  // A policy that knows no observations yet: weights and spreads are zero, observations stay as they are.
  explicit Policy(Mlp shape);

  // Replaces all of it. std (D) of observations includes its epsilon. Throws InvalidInput, leaving the old one in force,
  // where a length differs.
  void load(std::span<const LayerData> layers, std::span<const float> mean, std::span<const float> std,
            std::span<const float> log_std);

  // What the network sees of an observation (D).
  void normalize(const float* seen, float* row) const {
    const int inputs = network.inputs();
    for (int d = 0; d < inputs; ++d) {
      const float value = (seen[d] - mean[d]) * inverse_std[d];
      row[d] = std::clamp(value, -kObservationClip, kObservationClip);
    }
  }

  // Mean actions (M, A) for observations (M, D): the same bits as in a rollout.
  void act(const float* observations, std::size_t count, float* actions) const;
};

}  // namespace soleus
