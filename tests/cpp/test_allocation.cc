// A step allocates nothing: every operator new of the process is counted.
#include <cstdlib>
#include <new>

#include "check.h"
#include "control/coordination.h"
#include "puppet.h"
#include "puppet_learner.h"
#include "rollout/lane_model.h"

namespace {
thread_local long allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

using namespace soleus;

namespace {

// Control steps of some humans, resets among them, moved by MuJoCo or in lanes, each with numbers of its own or not.
void step_without_allocations(bool in_lanes, bool with_variants, const Exoskeleton& exoskeleton = {},
                              const NoiseData& noise = {}) {
  const auto human = puppet::human();
  const LaneModel lanes(*human, true);
  TaskData data = puppet::task();
  data.noise = noise;
  const Task task(*human, std::move(data), false);
  const ControlData control = puppet::control();
  World world{*human, in_lanes ? &lanes : nullptr, {}, task, control, 3, 0,
              effort_weights(*human, control.regularization, control.effort_by_volume)};
  world.control.exoskeleton = exoskeleton;
  if (with_variants) {
    world.variants = {{human.get(), world.lanes}};
    world.variant_of = {0, 0, 0, 0};
  }
  Shard shard(world, 0, 4);
  const std::size_t n = 4, d = task.observation_size(), steps = 60;
  std::vector<float> observations((steps + 1) * n * d), actions(steps * n * 2), rewards(steps * n);
  std::vector<std::uint8_t> terminated(steps * n), truncated(steps * n);
  std::vector<double> terms(n * task.reward_terms()), residuals(n * 3);
  RolloutViews views;
  views.observations = {observations.data(), steps + 1, n, d};
  views.actions = {actions.data(), steps, n, 2};
  views.rewards = {rewards.data(), steps, n};
  views.terminated = {terminated.data(), steps, n};
  views.truncated = {truncated.data(), steps, n};
  views.term_sums = {terms.data(), n, static_cast<std::size_t>(task.reward_terms())};
  views.residual_sums = {residuals.data(), n, 3};
  Policy policy(Mlp({static_cast<int>(d), 8, 2}, {Activation::kTanh, Activation::kIdentity}));
  policy.log_std.assign(2, -1.0f);
  shard.reserve(&policy, nullptr);
  shard.reset({observations.data(), n, d});
  const long before = allocations;
  for (std::size_t t = 0; t < steps; ++t) shard.step(views, t, &policy, nullptr);
  CHECK(allocations == before);
  int ended = 0;
  for (std::size_t i = 0; i < truncated.size(); ++i) ended += truncated[i] | terminated[i];
  CHECK(ended > 0);
}

}  // namespace

TEST(steps_and_resets_allocate_nothing) { step_without_allocations(false, false); }

TEST(steps_and_resets_in_lanes_allocate_nothing) { step_without_allocations(true, false); }

TEST(steps_and_resets_of_variants_allocate_nothing) {
  step_without_allocations(false, true);
  step_without_allocations(true, true);
}

TEST(steps_and_resets_with_an_exoskeleton_allocate_nothing) {
  Exoskeleton exoskeleton;
  exoskeleton.devices.resize(1);
  exoskeleton.devices[0].drive = Drive::kProportion;
  exoskeleton.devices[0].amount = 0.5;
  step_without_allocations(false, false, exoskeleton);
  step_without_allocations(true, false, exoskeleton);
}

TEST(steps_and_resets_with_noise_and_delay_allocate_nothing) {
  for (bool in_lanes : {false, true}) step_without_allocations(in_lanes, false, {}, puppet::noise());
}

TEST(paths_of_muscles_allocate_nothing) {
  const mjModel* m = puppet::model();
  const std::vector<int> adr{0, 1, 2}, crossing{0, 1}, actuated{-1, -1, -1, 0, -1, 1, -1};
  const Polylines paths(m, puppet::polylines(true), adr, crossing, actuated);
  std::unique_ptr<mjData, void (*)(mjData*)> data(mj_makeData(m), mj_deleteData);
  mj_forward(m, data.get());
  PathState state = paths.make_state();
  const long before = allocations;
  paths.compute(data.get(), state);
  CHECK(allocations == before);
}

TEST(minibatches_allocate_nothing) {
  puppet::Learner learner(1);
  std::vector<PpoUpdate::Figures> few(1), many(31);
  const std::span<const std::int64_t> order(learner.order);
  learner.update.epoch(learner.samples(), order.subspan(0, 10), 10, 1e-3, 1e-3, few);
  const long start = allocations;
  learner.update.epoch(learner.samples(), order.subspan(0, 10), 10, 1e-3, 1e-3, few);
  const long of_few = allocations - start, again = allocations;
  learner.update.epoch(learner.samples(), order, 10, 1e-3, 1e-3, many);
  CHECK(allocations - again == of_few);
}
