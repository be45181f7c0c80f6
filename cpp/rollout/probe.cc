#include "rollout/probe.h"

#include <algorithm>
#include <chrono>

namespace soleus {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class Work>
double median_seconds(int repeats, Work&& work) {
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const auto start = Clock::now();
    work();
    times.push_back(since(start));
  }
  std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
  return times[repeats / 2];
}

}  // namespace

double time_muscles(HumanState& state, int repeats) {
  const HumanModel& human = state.model();
  std::vector<double> moments(human.num_crossings()), passive(human.num_actuated());
  return median_seconds(repeats, [&] {
    state.forget_paths();
    state.muscle_torques(moments, passive);
    state.pull_muscles();
  });
}

double time_stable_pd(HumanState& state, int repeats) {
  const std::vector<double> target(state.positions().begin(), state.positions().end());
  std::vector<double> torque(state.model().num_actuated());
  return median_seconds(repeats, [&] { state.stable_pd(target, torque); });
}

double time_forward(const std::vector<int>& widths, const std::vector<Activation>& activations, int repeats) {
  const Mlp network(widths, activations);
  Floats input(static_cast<std::size_t>(network.input_stride()) * Mlp::kTile, 0.5f);
  Floats output(static_cast<std::size_t>(network.output_stride()) * Mlp::kTile), scratch(network.scratch_size());
  return median_seconds(repeats, [&] { network.forward(input.data(), output.data(), scratch.data()); });
}

double peak_flops() {
  constexpr int kChains = 12;  // enough to hide the latency, few enough for the registers
  constexpr int kRounds = 1 << 20;
  double best = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    Lanes sum[kChains] = {};
    Lanes factor = Lanes{} + 0.999f;
    asm volatile("" : "+m"(factor));
    const auto start = Clock::now();
    for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
      for (int c = 0; c < kChains; ++c) sum[c] = sum[c] * factor + factor;
    }
    const double seconds = since(start);
    for (auto& s : sum) asm volatile("" : "+m"(s));
    best = std::max(best, 2.0 * kVectorWidth * kChains * kRounds / seconds);
  }
  return best;
}

}  // namespace soleus
