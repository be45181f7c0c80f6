#include "control/wide_coordination.h"

#include "control/coordination.h"

namespace soleus {

void static_optimization(const HumanModel& human, std::span<const Wide> moments, std::span<const Wide> target,
                         std::span<const double> effort, int sweeps, std::span<Wide> activation, std::span<Wide> residual,
                         std::span<Wide> step) {
  const int* crossing = human.crossing.data();
  const int* adr = human.crossing_adr.data();
  const Wide zero(0.0), one(1.0), flat(kFlatCurvature);
  const Wide* j = moments.data();
  Wide* r = residual.data();
  for (std::size_t m = 0; m < activation.size(); ++m) {
    Wide curvature(effort[m]);
    for (int s = adr[m]; s < adr[m + 1]; ++s) curvature += j[s] * j[s];
    activation[m] = where(curvature >= flat, activation[m]);
    step[m] = one / max(curvature, flat);
  }
  torque_residual(human, moments, target, activation, residual);
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (int m : human.descent_order()) {
      Wide slope = effort[m] * activation[m];
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

namespace {

typedef float WideFloats __attribute__((vector_size(4 * kLanes)));

void write_column(Wide value, int count, float* column, std::size_t stride) {
  const Wide scaled = value * (1.0 / kTorqueScale);
  const WideFloats floats = __builtin_convertvector(scaled.v, WideFloats);
  for (int lane = 0; lane < count; ++lane) column[lane * stride] = floats[lane];
}

}  // namespace

void write_network_inputs(const HumanModel& human, std::span<const Wide> moments, std::span<const Wide> target,
                          WideMask mirrored, int count, float* rows, std::size_t stride) {
  const double* sign = human.mirror_actuated_sign().data();
  const bool mirrors = any(mirrored);
  for (int s : human.asked_crossings()) {
    Wide value = moments[s];
    if (mirrors) value = select(mirrored, sign[human.crossing[s]] * moments[human.mirror_crossing()[s]], value);
    write_column(value, count, rows++, stride);
  }
  for (int c : human.asked()) {
    Wide value = target[c];
    if (mirrors) value = select(mirrored, sign[c] * target[human.mirror_actuated()[c]], value);
    write_column(value, count, rows++, stride);
  }
}

void read_network_outputs(const HumanModel& human, const float* rows, std::size_t stride, WideMask mirrored, int count,
                          std::span<Wide> activation) {
  for (std::size_t m = 0; m < activation.size(); ++m) {
    for (int lane = 0; lane < count; ++lane) {
      activation[m].set(lane, rows[lane * stride + (mirrored[lane] ? human.mirror_muscle[m] : m)]);
    }
  }
}

}  // namespace soleus
