#include "control/coordination.h"

#include <algorithm>

namespace soleus {

std::vector<double> effort_weights(const HumanModel& human, double regularization, bool by_volume) {
  std::vector<double> effort(human.num_muscles(), regularization);
  if (!by_volume) return effort;
  double whole = 0;
  for (int m = 0; m < human.num_muscles(); ++m) whole += human.tissue_mass(m);
  for (int m = 0; m < human.num_muscles(); ++m) effort[m] *= human.num_muscles() * human.tissue_mass(m) / whole;
  return effort;
}

void torque_residual(const HumanModel& human, std::span<const double> moments, std::span<const double> target,
                     std::span<const double> activation, std::span<double> residual) {
  for (std::size_t c = 0; c < target.size(); ++c) residual[c] = -target[c];
  for (std::size_t m = 0; m < activation.size(); ++m) {
    for (int s = human.crossing_adr[m]; s < human.crossing_adr[m + 1]; ++s) {
      residual[human.crossing[s]] += moments[s] * activation[m];
    }
  }
}

void static_optimization(const HumanModel& human, std::span<const double> moments, std::span<const double> target,
                         std::span<const double> effort, int sweeps, std::span<double> activation, std::span<double> residual,
                         std::span<double> step) {
  const int* crossing = human.crossing.data();
  const int* adr = human.crossing_adr.data();
  double* r = residual.data();
  for (std::size_t m = 0; m < activation.size(); ++m) {
    double curvature = effort[m];
    for (int s = adr[m]; s < adr[m + 1]; ++s) curvature += moments[s] * moments[s];
    // Where nothing tells one activation of a muscle from another, the least is the answer, and no warm start is kept.
    if (curvature < kFlatCurvature) activation[m] = 0;
    step[m] = 1.0 / std::max(curvature, kFlatCurvature);
  }
  torque_residual(human, moments, target, activation, residual);
  // Each update waits for the last one's residual: divisions stay out of this loop, and the order of the muscles puts
  // the two legs side by side, whose updates do not wait for one another.
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (int m : human.descent_order()) {
      double slope = effort[m] * activation[m];
      for (int s = adr[m]; s < adr[m + 1]; ++s) slope += moments[s] * r[crossing[s]];
      const double next = std::clamp(activation[m] - slope * step[m], 0.0, 1.0);
      const double change = next - activation[m];
      activation[m] = next;
      for (int s = adr[m]; s < adr[m + 1]; ++s) r[crossing[s]] += moments[s] * change;
    }
  }
}

void write_network_input(const HumanModel& human, std::span<const double> moments, std::span<const double> target,
                         bool mirrored, float* input) {
  constexpr double kInverse = 1.0 / kTorqueScale;
  if (!mirrored) {
    for (int s : human.asked_crossings()) *input++ = static_cast<float>(moments[s] * kInverse);
    for (int c : human.asked()) *input++ = static_cast<float>(target[c] * kInverse);
    return;
  }
  for (int s : human.asked_crossings()) *input++ = static_cast<float>(mirrored_moment(human, moments, s, true) * kInverse);
  for (int c : human.asked()) *input++ = static_cast<float>(mirrored_torque(human, target, c, true) * kInverse);
}

void read_network_output(const HumanModel& human, const float* output, bool mirrored, std::span<double> activation) {
  for (std::size_t m = 0; m < activation.size(); ++m) activation[m] = output[mirrored ? human.mirror_muscle[m] : m];
}

}  // namespace soleus
