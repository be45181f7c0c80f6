#include "control/wide_coordination.h"

#include "control/coordination.h"

namespace soleus {

void static_optimization(const HumanModel& human, std::span<const Wide> moments, std::span<const Wide> target,
                         double regularization, int sweeps, std::span<Wide> activation, std::span<Wide> residual,
                         std::span<Wide> step) {
  const int* crossing = human.crossing.data();
  const int* adr = human.crossing_adr.data();
  const Wide zero(0.0), one(1.0), flat(kFlatCurvature), lambda(regularization);
  const Wide* j = moments.data();
  Wide* r = residual.data();
  for (std::size_t m = 0; m < activation.size(); ++m) {
    Wide curvature = lambda;
    for (int s = adr[m]; s < adr[m + 1]; ++s) curvature += j[s] * j[s];
    activation[m] = where(curvature >= flat, activation[m]);
    step[m] = one / max(curvature, flat);
  }
  torque_residual(human, moments, target, activation, residual);
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (int m : human.descent_order()) {
      Wide slope = lambda * activation[m];
      for (int s = adr[m]; s < adr[m + 1]; ++s) slope += j[s] * r[crossing[s]];
      const Wide next = clamp(activation[m] - slope * step[m], zero, one);
      const Wide change = next - activation[m];
      activation[m] = next;
      for (int s = adr[m]; s < adr[m + 1]; ++s) r[crossing[s]] += j[s] * change;
    }
  }
}

void torque_residual(const HumanModel& human, std::span<const Wide> moments, std::span<const Wide> target,
                     std::span<const Wide> activation, std::span<Wide> residual) {
  for (std::size_t c = 0; c < target.size(); ++c) residual[c] = -target[c];
  for (std::size_t m = 0; m < activation.size(); ++m) {
    for (int s = human.crossing_adr[m]; s < human.crossing_adr[m + 1]; ++s) {
      residual[human.crossing[s]] += moments[s] * activation[m];
    }
  }
}

}  // namespace soleus
