#include "rollout/muscle_records.h"

#include "control/coordination.h"

namespace soleus {
namespace {

double squares(std::span<const double> values) {
  double sum = 0;
  for (double x : values) sum += x * x;
  return sum;
}

}  // namespace

void record_muscles(const HumanModel& human, bool mirrored, const MuscleSample& sample, const RolloutViews& views,
                    std::size_t t, std::size_t n) {
  if (views.residual_sums) {
    auto sums = views.residual_sums.row(n);
    for (std::size_t c = 0; c < sample.wanted.size(); ++c) {
      sums[0] += sample.residual[c] * sample.residual[c];
      sums[1] += sample.wanted[c] * sample.wanted[c];
    }
    sums[2] += squares(sample.least);
  }
  if (!views.moments) return;
  // The network learns from what it acts on: the mirrored body, where the policy sees that one.
  float *moment = views.moments.at(t, n), *desired = views.desired.at(t, n), *passive = views.passive.at(t, n);
  for (int s : human.asked_crossings()) *moment++ = static_cast<float>(mirrored_moment(human, sample.moments, s, mirrored));
  for (int c : human.asked()) {
    *desired++ = static_cast<float>(mirrored_torque(human, sample.torque, c, mirrored));
    *passive++ = static_cast<float>(mirrored_torque(human, sample.passive, c, mirrored));
  }
}

}  // namespace soleus
