#include "muscle_records.h"

#include <algorithm>

#include "coordination.h"

namespace soleus {
namespace {

double squares(std::span<const double> values) {
  double sum = 0;
  for (double x : values) sum += x * x;
  return sum;
}

}  // namespace

void record_muscles(const World& world, const Command& command, const MuscleSample& sample, const RolloutViews& views,
                    std::size_t t, std::size_t n, std::span<double> trial, std::span<double> step) {
  const HumanModel& h = world.model;
  if (views.residual_sums) {
    auto sums = views.residual_sums.row(n);
    for (std::size_t c = 0; c < sample.wanted.size(); ++c) {
      sums[0] += sample.residual[c] * sample.residual[c];
      sums[1] += sample.wanted[c] * sample.wanted[c];
    }
    // What static optimization leaves of a sample: beside the network's residual, the share that no activation can meet.
    constexpr int kSweeps = 30;
    if (world.control.method == Method::kNetwork) {
      std::copy(command.activation.begin(), command.activation.end(), trial.begin());
      static_optimization(h, sample.moments, sample.wanted, world.control.regularization, kSweeps, trial, sample.residual,
                          step);
    }
    sums[2] += squares(sample.residual);
  }
  if (!views.moments) return;
  // The network learns from what it acts on: the mirrored body, where the policy sees that one.
  for (std::size_t i = 0; i < sample.moments.size(); ++i) {
    views.moments.at(t, n)[i] = static_cast<float>(mirrored_moment(h, sample.moments, i, command.mirrored));
  }
  for (std::size_t c = 0; c < command.torque.size(); ++c) {
    views.desired.at(t, n)[c] = static_cast<float>(mirrored_torque(h, command.torque, c, command.mirrored));
    views.passive.at(t, n)[c] = static_cast<float>(mirrored_torque(h, sample.passive, c, command.mirrored));
  }
}

}  // namespace soleus
