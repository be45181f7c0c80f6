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
  for (std::size_t i = 0; i < sample.moments.size(); ++i) {
    views.moments.at(t, n)[i] = static_cast<float>(mirrored_moment(human, sample.moments, i, mirrored));
  }
  for (std::size_t c = 0; c < sample.torque.size(); ++c) {
    views.desired.at(t, n)[c] = static_cast<float>(mirrored_torque(human, sample.torque, c, mirrored));
    views.passive.at(t, n)[c] = static_cast<float>(mirrored_torque(human, sample.passive, c, mirrored));
  }
  for (int k : human.direct) {  // nothing is asked of muscles there
    const int c = mirrored ? human.mirror_actuated()[k] : k;
    views.desired.at(t, n)[c] = views.passive.at(t, n)[c];
  }
}

}  // namespace soleus
