#include "rollout/start.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"

namespace soleus {
namespace {

constexpr std::size_t kPhases = 4, kMostTried = 256;
constexpr const char* kChange = "; change the model, task.initial (rest, reference or key:NAME) or task.termination";

}  // namespace

void check_start(const World& world) {
  World tried = world;
  tried.control.method = Method::kStaticOptimization;  // which needs no weights
  const std::size_t clips = world.clips.size();
  const std::size_t n = clips > 0 && world.task.start_on_reference() ? std::min(kPhases * clips, kMostTried) : 1;
  for (std::size_t i = 0; i < n && clips > 1; ++i) tried.clip_of.push_back(static_cast<int>(i % clips));
  Shard shard(tried, 0, static_cast<int>(n));
  const std::size_t d = world.task.observation_size(), a = world.action_size(), terms = world.task.reward_terms();
  std::vector<float> observations(2 * n * d), actions(n * a), rewards(n);
  std::vector<std::uint8_t> terminated(n), truncated(n), diverged(n);
  std::vector<double> sums(n * terms);
  shard.reset({observations.data(), n, d});
  const char* term = nullptr;
  int ended = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (const char* met = shard.ending(static_cast<int>(i))) {
      term = met;
      ++ended;
    }
  }
  require(ended < static_cast<int>(n), "expected a start that lasts, but '" + std::string(term ? term : "") +
                                           "' ends every episode as it begins" + kChange);
  RolloutViews views;
  views.observations = {observations.data(), 2, n, d};
  views.actions = {actions.data(), 1, n, a};
  views.rewards = {rewards.data(), 1, n};
  views.terminated = {terminated.data(), 1, n};
  views.truncated = {truncated.data(), 1, n};
  views.diverged = {diverged.data(), 1, n};
  views.term_sums = {sums.data(), n, terms};
  shard.step(views, 0, nullptr, nullptr);
  if (!std::all_of(terminated.begin(), terminated.end(), [](std::uint8_t end) { return end != 0; })) return;
  const bool lost = std::all_of(diverged.begin(), diverged.end(), [](std::uint8_t end) { return end != 0; });
  throw InvalidInput(std::string("expected a start that lasts, but ") +
                     (lost ? "the simulation diverges within the first control step"
                           : "every episode is terminated within its first control step") +
                     kChange);
}

}  // namespace soleus
