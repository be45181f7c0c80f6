// Whole rollouts without Python: the same bits at any number of threads, and through save and restore.
#include "base/error.h"
#include "check.h"
#include "puppet.h"

using namespace soleus;

namespace {

std::vector<std::unique_ptr<Motion>> no_clips() { return {}; }

struct Arrays {
  Arrays(const Rollout& r, std::size_t steps) {
    const std::size_t n = r.humans(), d = r.task().observation_size(), a = r.world().action_size();
    observations.resize((steps + 1) * n * d);
    actions.resize(steps * n * a);
    log_probs.resize(steps * n);
    rewards.resize(steps * n);
    terminated.resize(steps * n);
    truncated.resize(steps * n);
    terms.resize(n * r.task().reward_terms());
    residuals.resize(n * 3);
    samples.resize(3 * steps * n * 2);
    views.observations = {observations.data(), steps + 1, n, d};
    views.actions = {actions.data(), steps, n, a};
    views.log_probs = {log_probs.data(), steps, n};
    views.rewards = {rewards.data(), steps, n};
    views.terminated = {terminated.data(), steps, n};
    views.truncated = {truncated.data(), steps, n};
    views.term_sums = {terms.data(), n, static_cast<std::size_t>(r.task().reward_terms())};
    views.residual_sums = {residuals.data(), n, 3};
    views.moments = {samples.data(), steps, n, 2};
    views.desired = {samples.data() + steps * n * 2, steps, n, 2};
    views.passive = {samples.data() + 2 * steps * n * 2, steps, n, 2};
  }
  std::vector<float> observations, actions, log_probs, rewards, samples;
  std::vector<std::uint8_t> terminated, truncated;
  std::vector<double> terms, residuals;
  RolloutViews views;
};

std::unique_ptr<Rollout> make(int threads, Method method, int shard_size = 0, const NoiseData& noise = {}) {
  TaskData task = puppet::task();
  task.noise = noise;
  auto made = std::make_unique<Rollout>(puppet::human(), no_clips(), std::move(task), puppet::control(method),
                                        RolloutData{11, threads, {}, 5, shard_size});
  const int d = made->task().observation_size();
  made->set_policy({{d, 8, 2}, {Activation::kTanh, Activation::kIdentity}});
  std::vector<float> first(8 * d, 0.05f), bias(8, 0.1f), second(16, -0.2f), last(2, 0.0f);
  const std::vector<LayerData> layers = {{first, bias, Activation::kTanh}, {second, last, Activation::kIdentity}};
  made->load_policy(layers, std::vector<float>(d, 0.0f), std::vector<float>(d, 1.0f), std::vector<float>(2, -1.0f));
  if (method == Method::kNetwork) {
    made->set_muscle({{4, 6, 2}, {Activation::kLeakyRelu, Activation::kReluTanh}});
    std::vector<float> w1(24, 0.3f), b1(6, 0.0f), w2(12, 0.2f), b2(2, 0.1f);
    made->load_muscle(std::vector<LayerData>{{w1, b1, Activation::kLeakyRelu}, {w2, b2, Activation::kReluTanh}});
  }
  return made;
}

bool same(const Arrays& a, const Arrays& b) {
  return a.observations == b.observations && a.actions == b.actions && a.rewards == b.rewards &&
         a.terminated == b.terminated && a.truncated == b.truncated && a.terms == b.terms && a.samples == b.samples &&
         a.residuals == b.residuals && a.log_probs == b.log_probs;
}

constexpr std::size_t kSteps = 40;

}  // namespace

TEST(rollouts_do_not_depend_on_threads_or_shards) {
  const std::pair<Method, NoiseData> cases[] = {{Method::kStaticOptimization, {}},
                                                {Method::kNetwork, {}},
                                                {Method::kStaticOptimization, puppet::noise()},
                                                {Method::kNetwork, puppet::noise()}};
  for (const auto& [method, noise] : cases) {
    const auto one = make(1, method, 0, noise);
    Arrays expected(*one, kSteps);
    one->reset(5, {expected.observations.data(), 11, expected.views.observations.cols});
    one->run(expected.views, kSteps, true);
    CHECK(std::count(expected.truncated.begin(), expected.truncated.end(), 1) +
              std::count(expected.terminated.begin(), expected.terminated.end(), 1) > 0);
    for (int threads : {2, 7}) {
      for (int shard_size : {0, 1, 16}) {
        const auto many = make(threads, method, shard_size, noise);
        Arrays got(*many, kSteps);
        many->reset(5, {got.observations.data(), 11, got.views.observations.cols});
        many->run(got.views, kSteps, true);
        CHECK(same(expected, got));
      }
    }
  }
}

TEST(restored_humans_go_on_as_the_saved_ones) {
  for (const NoiseData& noise : {NoiseData{}, puppet::noise()}) {
    const auto first = make(3, Method::kStaticOptimization, 0, noise);
    Arrays before(*first, kSteps), on(*first, kSteps), again(*first, kSteps);
    const std::size_t d = before.views.observations.cols;
    first->reset(5, {before.observations.data(), 11, d});
    first->run(before.views, kSteps, true);
    std::vector<double> states(11 * first->state_size());
    first->save({states.data(), 11, static_cast<std::size_t>(first->state_size())});
    std::copy_n(before.observations.end() - 11 * d, 11 * d, on.observations.begin());
    first->run(on.views, kSteps, true);
    const auto second = make(2, Method::kStaticOptimization, 0, noise);
    second->restore({states.data(), 11, static_cast<std::size_t>(second->state_size())});
    std::copy_n(before.observations.end() - 11 * d, 11 * d, again.observations.begin());
    second->run(again.views, kSteps, true);
    CHECK(same(on, again));
  }
}

TEST(rollout_says_what_it_lacks) {
  const auto made = std::make_unique<Rollout>(puppet::human(), no_clips(), puppet::task(), puppet::control(Method::kNetwork),
                                              RolloutData{2, 1, {}, 0, 0});
  Arrays arrays(*made, 1);
  THROWS(made->run(arrays.views, 1, true), "expected set_policy before a rollout");
  THROWS(made->run(arrays.views, 1, false), "expected set_muscle before a rollout");
  THROWS(made->set_policy({{3, 2}, {Activation::kIdentity}}), "inputs, got 3");
  THROWS(made->set_muscle({{4, 3}, {Activation::kIdentity}}), "4 inputs and 2 outputs, got 4 and 3");
}
