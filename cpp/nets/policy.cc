#include "nets/policy.h"

#include <string>
#include <utility>

#include "base/error.h"

namespace soleus {

Policy::Policy(Mlp shape)
    : network(std::move(shape)),
      mean(network.inputs(), 0.0f),
      inverse_std(network.inputs(), 1.0f),
      log_std(network.outputs(), 0.0f) {}

void Policy::load(std::span<const LayerData> layers, std::span<const float> new_mean, std::span<const float> new_std,
                  std::span<const float> new_log_std) {
  const auto fits = [](std::span<const float> got, const std::vector<float>& mine, const char* what) {
    require(got.size() == mine.size(), std::string("expected ") + what + " of length " + std::to_string(mine.size()) +
                                           ", got " + std::to_string(got.size()));
  };
  fits(new_mean, mean, "normalizer.mean");
  fits(new_std, inverse_std, "normalizer.std");
  fits(new_log_std, log_std, "log_std");
  network.load(layers);
  std::copy(new_mean.begin(), new_mean.end(), mean.begin());
  std::transform(new_std.begin(), new_std.end(), inverse_std.begin(), [](float s) { return 1.0f / s; });
  std::copy(new_log_std.begin(), new_log_std.end(), log_std.begin());
}

void Policy::act(const float* observations, std::size_t count, float* actions) const {
  const std::size_t inputs = network.inputs(), outputs = network.outputs();
  Floats input(static_cast<std::size_t>(network.input_stride()) * Mlp::kTile, 0.0f);
  Floats output(static_cast<std::size_t>(network.output_stride()) * Mlp::kTile), scratch(network.scratch_size());
  for (std::size_t tile = 0; tile < count; tile += Mlp::kTile) {
    const std::size_t lanes = std::min<std::size_t>(count - tile, Mlp::kTile);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      normalize(observations + (tile + lane) * inputs, input.data() + lane * network.input_stride());
    }
    network.forward(input.data(), output.data(), scratch.data());
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      std::copy_n(output.data() + lane * network.output_stride(), outputs, actions + (tile + lane) * outputs);
    }
  }
}

}  // namespace soleus
