// A small learner of a made-up task, for tests of its threads and of its memory.
#pragma once

#include <cmath>
#include <numeric>
#include <vector>

#include "learn/ppo_update.h"

namespace puppet {

// Widths that fill no block, so that padding is met.
struct Learner {
  static constexpr int kSeen = 19, kActions = 5, kSamples = 301;

  explicit Learner(int threads)
      : update(soleus::TrainedMlp({kSeen, 33, kActions}, soleus::Activation::kTanh),
               soleus::TrainedMlp({kSeen, 21, 1}, soleus::Activation::kElu),
               soleus::ActionHead(soleus::ActionKind::kContinuous, {kActions}), {0.2f, 0.3f, 0.01f, 1.0f, 0.5f, 1e-5f},
               threads),
        observations(numbers(kSamples * kSeen, 1)),
        actions(numbers(kSamples * kActions, 2)),
        log_probs(kSamples, -4.0f),
        advantages(numbers(kSamples, 3)),
        values(numbers(kSamples, 4)),
        targets(numbers(kSamples, 5)),
        order(kSamples) {
    std::iota(order.begin(), order.end(), 0);
    load(update.policy(), {{33 * kSeen, 33}, {kActions * 33, kActions}});
    load(update.value(), {{21 * kSeen, 21}, {21, 1}});
  }

  static std::vector<float> numbers(int count, int seed) {
    std::vector<float> out(count);
    for (int i = 0; i < count; ++i) out[i] = std::sin(1.7f * static_cast<float>(i + 1) * static_cast<float>(seed));
    return out;
  }

  static void load(soleus::LearntNetwork& network, const std::vector<std::pair<int, int>>& sizes) {
    std::vector<std::vector<float>> kept;
    soleus::LearntNetwork::Plain plain{};
    for (const auto& [weights, biases] : sizes) {
      for (const int size : {weights, biases}) {
        kept.push_back(numbers(size, 7));
        for (float& one : kept.back()) one *= 0.2f;
      }
    }
    for (std::size_t l = 0; l < sizes.size(); ++l) plain.layers.push_back({kept[2 * l].data(), kept[2 * l + 1].data()});
    std::vector<float> further(kActions, -0.5f);
    plain.further = further.data();
    network.load(plain);
  }

  soleus::PpoSamples samples() const {
    return {kSamples, observations.data(), actions.data(), log_probs.data(), advantages.data(), values.data(),
            targets.data()};
  }
  // Steps on minibatches of so many rows; returns the figures of each.
  std::vector<soleus::PpoUpdate::Figures> epoch(std::size_t size) {
    std::vector<soleus::PpoUpdate::Figures> figures(soleus::minibatches_of(order.size(), size));
    update.epoch(samples(), order, size, 1e-3, 1e-3, figures);
    return figures;
  }
  std::vector<float> parameters() {
    std::vector<float> all(update.policy().parameters(), update.policy().parameters() + update.policy().size());
    all.insert(all.end(), update.value().parameters(), update.value().parameters() + update.value().size());
    return all;
  }

  soleus::PpoUpdate update;
  std::vector<float> observations, actions, log_probs, advantages, values, targets;
  std::vector<std::int64_t> order;
};

}  // namespace puppet
