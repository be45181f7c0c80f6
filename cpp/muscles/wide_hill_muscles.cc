#include "muscles/wide_hill_muscles.h"

#include <mujoco/mujoco.h>

#include <algorithm>

namespace soleus {

HillMuscles::HillMuscles(const HillMuscleData& data, const std::vector<FittedGroup>& groups,
                         std::span<const int> crossing_adr, int positions)
    : data_(&data), groups_(&groups), crossing_adr_(crossing_adr) {
  for (std::size_t k = 0; k < data.max_force.size(); ++k) {
    laws_.push_back(hill_law(data, static_cast<int>(k)));
    inverse_fastest_.push_back(1 / (data.fastest[k] * data.optimal[k]));
  }
  qpos_.assign(positions, Wide(0.0));
  length_.assign(laws_.size(), Wide(0.0));
  gradient_.assign(crossing_adr.back(), Wide(0.0));
  int most = 0;
  for (const FittedGroup& group : groups) most = std::max(most, group.polynomials.monomials());
  monomials_.assign(2 * most, Wide(0.0));
}

void HillMuscles::compute(std::span<const double> qpos, std::span<const double> velocity, PathState& state) {
  for (std::size_t i = 0; i < qpos.size(); ++i) qpos_[i] = Wide(qpos[i]);
  for (const FittedGroup& group : *groups_) {
    follow_everywhere(group, qpos_.data(), crossing_adr_.data(), monomials_.data(), length_.data(), gradient_.data());
  }
  for (std::size_t k = 0; k < laws_.size(); ++k) {
    Wide speed(0.0);
    for (int s = crossing_adr_[k]; s < crossing_adr_[k + 1]; ++s) {
      speed += gradient_[s] * Wide(velocity[s]);
      state.moment[s] = -gradient_[s][0];
    }
    const WideHillForce force = hill_force(laws_[k], length_[k], speed * inverse_fastest_[k]);
    state.length[k] = length_[k][0];
    state.active[k] = data_->max_force[k] * force.active[0];
    state.passive[k] = data_->max_force[k] * force.passive[0];
  }
}

HillMuscles::AtRest HillMuscles::at_rest(int k, const PathState& state) const {
  const Wide length(state.length[k]);
  return {data_->max_force[k] * hill_force(laws_[k], length, Wide(0.0)).active[0], hill_fibre(laws_[k], length)[0]};
}

void HillMuscles::activate(std::span<const double> excitation, double timestep, std::span<double> activation) const {
  for (std::size_t k = 0; k < laws_.size(); ++k) {
    const double control = std::clamp(excitation[k], data_->control_low[k], data_->control_high[k]);
    const mjtNum times[3] = {data_->activation[k], data_->deactivation[k], 0};
    activation[k] += timestep * mju_muscleDynamics(control, activation[k], times);
  }
}

}  // namespace soleus
