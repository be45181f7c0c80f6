// The parts of the core against hand-computed numbers and plain loops.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

#include "base/error.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/share_out.h"
#include "check.h"
#include "control/coordination.h"
#include "model/ldl.h"
#include "nets/mlp.h"
#include "puppet.h"

using namespace soleus;

TEST(philox_gives_the_published_numbers) {
  // Known answers of Random123 (Salmon et al. 2011) for Philox4x32-10.
  const auto zero = philox({0, 0, 0, 0}, 0);
  CHECK(zero[0] == 0x6627e8d5u && zero[1] == 0xe169c58du && zero[2] == 0xbc57ac4cu && zero[3] == 0x9b00dbd8u);
  const auto ones = philox({~0u, ~0u, ~0u, ~0u}, ~0ull);
  CHECK(ones[0] == 0x408f276du && ones[1] == 0x41c83b0eu && ones[2] == 0xa20bc7c6u && ones[3] == 0x6d5451fdu);
}

TEST(draws_are_uniform_and_normal) {
  double sum = 0, squares = 0, mean = 0;
  constexpr int kCount = 20000;
  std::vector<float> normals(kCount);
  Draw(RandomKey{1, 2, 3}, Stream::kAction, 4).normals(normals);
  Draw uniforms(RandomKey{1, 2, 3}, Stream::kReset, 4);
  for (float z : normals) {
    sum += z;
    squares += z * z;
    const double u = uniforms.uniform();
    CHECK(u > 0 && u < 1);
    mean += u / kCount;
  }
  NEAR(sum / kCount, 0, 0.03);
  NEAR(squares / kCount, 1, 0.05);
  NEAR(mean, 0.5, 0.01);
  float first[3], second[3];
  Draw(RandomKey{1, 2, 3}, Stream::kAction, 5).normals(first);
  Draw(RandomKey{1, 2, 4}, Stream::kAction, 5).normals(second);
  CHECK(first[0] != second[0] && first[0] != normals[0]);
}

TEST(sparse_factorization_solves_dense_systems) {
  // An arrow with a branch: rows 3 and 4 hang off 1, row 2 off 0, and (4, 2) makes fill-in.
  const int n = 5;
  std::vector<std::vector<bool>> pattern(n, std::vector<bool>(n, false));
  double dense[5][5] = {};
  auto set = [&](int i, int j, double value) {
    pattern[i][j] = true;
    dense[i][j] = dense[j][i] = value;
  };
  for (int i = 0; i < n; ++i) set(i, i, 4.0 + i);
  set(1, 0, 1.0);
  set(2, 0, 0.5);
  set(3, 1, -0.7);
  set(4, 1, 0.3);
  set(4, 2, 0.9);
  const SparseLdl ldl(pattern);
  std::vector<double> values(ldl.entries(), 0.0);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) {
      if (pattern[i][j]) values[ldl.slot(i, j)] = dense[i][j];
    }
  }
  CHECK(ldl.slot(3, 2) < 0);
  CHECK(ldl.factor(values.data()));
  const double truth[5] = {1, -2, 3, 0.5, -1};
  double x[5] = {};
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) x[i] += dense[i][j] * truth[j];
  }
  ldl.solve(values.data(), x);
  for (int i = 0; i < n; ++i) NEAR(x[i], truth[i], 1e-12);
  values.assign(ldl.entries(), 0.0);
  CHECK(!ldl.factor(values.data()));
}

TEST(network_equals_a_plain_loop_in_every_lane) {
  const std::vector<int> widths = {7, 19, 5};
  Mlp mlp(widths, {Activation::kTanh, Activation::kReluTanh});
  std::mt19937 random(0);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> weights, biases;
  for (int l = 0; l < 2; ++l) {
    weights.emplace_back(widths[l] * widths[l + 1]);
    biases.emplace_back(widths[l + 1]);
    for (auto* values : {&weights[l], &biases[l]}) {
      for (float& v : *values) v = 0.5f * normal(random);
    }
  }
  const std::vector<LayerData> layers = {{weights[0], biases[0], Activation::kTanh},
                                         {weights[1], biases[1], Activation::kReluTanh}};
  mlp.load(layers);
  const int rows = mlp.input_stride(), answers = mlp.output_stride();
  Floats in(rows * Mlp::kTile), out(answers * Mlp::kTile), scratch(mlp.scratch_size());
  for (float& v : in) v = 3 * normal(random);
  mlp.forward(in.data(), out.data(), scratch.data());
  for (int lane = 0; lane < Mlp::kTile; ++lane) {
    std::vector<double> x(7);
    for (int i = 0; i < 7; ++i) x[i] = in[lane * rows + i];
    for (int l = 0; l < 2; ++l) {
      std::vector<double> y(widths[l + 1]);
      for (int o = 0; o < widths[l + 1]; ++o) {
        double sum = biases[l][o];
        for (int i = 0; i < widths[l]; ++i) sum += static_cast<double>(weights[l][o * widths[l] + i]) * x[i];
        y[o] = l == 0 ? std::tanh(sum) : std::max(0.0, std::tanh(sum));
      }
      x = y;
    }
    for (int o = 0; o < 5; ++o) NEAR(out[lane * answers + o], x[o], 1e-5 * std::abs(x[o]) + 1e-6);
  }
  const std::vector<LayerData> wrong = {{weights[0], biases[0], Activation::kTanh},
                                        {weights[0], biases[1], Activation::kReluTanh}};
  THROWS(mlp.load(wrong), "expected layer 1 to be 5 x 19");
  Floats again(answers * Mlp::kTile);
  mlp.forward(in.data(), again.data(), scratch.data());
  CHECK(std::equal(out.begin(), out.end(), again.begin()));
}

TEST(static_optimization_meets_the_optimality_conditions) {
  const auto human = puppet::human();
  // One muscle a joint, pulling 60 N m at full activation: 30 N m wants half of it, 90 more than there is, -5 none.
  const std::vector<double> moments = {60, 60};
  std::vector<double> activation = {0, 0}, residual(2), step(2);
  static_optimization(*human, moments, std::vector<double>{30, 90}, std::vector<double>{0, 0}, 3, activation, residual, step);
  NEAR(activation[0], 0.5, 1e-12);
  NEAR(activation[1], 1.0, 1e-12);
  NEAR(residual[0], 0.0, 1e-9);
  NEAR(residual[1], -30.0, 1e-9);
  static_optimization(*human, moments, std::vector<double>{-5, 30}, std::vector<double>{3600, 3600}, 3, activation, residual, step);
  NEAR(activation[0], 0.0, 1e-12);
  NEAR(activation[1], 0.25, 1e-12);  // 60 * 30 / (60^2 + 3600)
}

TEST(a_muscle_without_moment_is_at_rest) {
  const auto human = puppet::human();
  for (double regularization : {0.0, 1e-12, 30.0}) {
    std::vector<double> activation = {0.7, 0.7}, residual(2), step(2);  // a warm start, of when it had a moment
    static_optimization(*human, std::vector<double>{0, 60}, std::vector<double>{30, 30},
                        std::vector<double>{regularization, regularization}, 3, activation, residual, step);
    CHECK(activation[0] == 0.0);
    NEAR(residual[0], -30.0, 1e-12);
    NEAR(activation[1], 1800 / (3600 + regularization), 1e-9);
  }
}

TEST(pool_runs_every_thread_once) {
  for (int threads : {1, 2, 7}) {
    Pool pool(threads);
    CHECK(pool.threads() == threads);
    std::vector<int> seen(threads);
    for (int round = 0; round < 100; ++round) pool.run([&](int thread) { ++seen[thread]; });
    for (int count : seen) CHECK(count == 100);
  }
}

TEST(motion_moves_on_with_every_cycle) {
  const auto human = puppet::human();
  MotionData data;
  data.duration = 2.0;
  data.frames = 4;
  data.displacement = {1.2, 0, 0};
  data.qpos.assign(4 * 7, 0.0);
  data.qvel.assign(4 * 7, 0.0);
  data.end_effectors.assign(4 * 6, 0.0);
  data.com.assign(12, 0.0);
  data.com_velocity.assign(12, 0.0);
  for (int k = 0; k < 4; ++k) {
    data.qpos[7 * k] = 0.3 * k;                // x
    data.qpos[7 * k + 3] = k % 2 ? 0.2 : 0.0;  // hip_r
  }
  const Motion motion(*human, data);
  ReferenceFrame frame = motion.make_frame();
  motion.sample(0.25, frame);
  NEAR(frame.qpos[0], 0.15, 1e-12);
  NEAR(frame.qpos[3], 0.1, 1e-12);
  motion.sample(1.75, frame);  // half way from the last frame to the first of the next cycle
  NEAR(frame.qpos[0], 1.05, 1e-12);
  motion.sample(2.0 + 0.5, frame);
  NEAR(frame.qpos[0], 1.5, 1e-12);
  NEAR(motion.phase(5.5), 0.75, 1e-12);
  data.qpos.pop_back();
  THROWS(Motion(*human, data), "expected a motion's arrays to fit the model");
}

TEST(a_motion_that_is_played_once_stands_still_at_its_end) {
  const auto human = puppet::human();
  MotionData data;
  data.once = true;
  data.duration = 3.0;
  data.frames = 4;
  data.qpos.assign(4 * 7, 0.0);
  data.qvel.assign(4 * 7, 1.0);
  data.end_effectors.assign(4 * 6, 0.0);
  data.com.assign(12, 0.0);
  data.com_velocity.assign(12, 0.0);
  for (int k = 0; k < 4; ++k) data.qpos[7 * k] = 0.3 * k;  // x, of a frame a second
  const Motion motion(*human, data);
  ReferenceFrame frame = motion.make_frame();
  motion.sample(1.5, frame);
  NEAR(frame.qpos[0], 0.45, 1e-12);
  NEAR(frame.qvel[0], 1.0, 1e-12);
  for (double time : {3.0, 3.5, 100.0}) {
    motion.sample(time, frame);
    NEAR(frame.qpos[0], 0.9, 1e-12);
    NEAR(frame.qvel[0], 0.0, 1e-12);
    CHECK(motion.phase(time) < 1);
  }
  data.turn = 0.5;
  THROWS(Motion(*human, data), "expected no turn of the laps of a motion that is played once");
}

TEST(human_checks_what_it_is_given) {
  auto short_gains = puppet::data();
  short_gains.kp.pop_back();
  THROWS(HumanModel(puppet::model(), short_gains), "expected gains of length 2, got 1");
  auto stray = puppet::data();
  stray.crossing = {0, 5};
  THROWS(HumanModel(puppet::model(), stray), "expected crossing in [0, 2), got 5");
  auto unknown = puppet::task();
  unknown.rewards[0].name = "alife";
  const auto human = puppet::human();
  THROWS(Task(*human, unknown, false), "got 'alife'");
}

#ifdef __linux__
TEST(a_pinned_pool_pins_the_caller_too_while_a_job_runs_and_no_longer) {
  cpu_set_t before, after;
  CHECK(pthread_getaffinity_np(pthread_self(), sizeof(before), &before) == 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  std::atomic<int> pinned{0};
  Pool pool(2, {first});
  pool.run([&](int) {
    cpu_set_t here;
    if (pthread_getaffinity_np(pthread_self(), sizeof(here), &here) != 0) return;
    if (CPU_COUNT(&here) == 1 && CPU_ISSET(first, &here)) ++pinned;
  });
  CHECK(pinned == 2);
  CHECK(pthread_getaffinity_np(pthread_self(), sizeof(after), &after) == 0);
  CHECK(CPU_EQUAL(&before, &after));
}
#endif

TEST(parts_of_any_number_share_one_set_of_helpers) {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  for (int count : {3, 2, 3, 1, 2, 3}) {
    std::vector<int> done(count);
    share_out(count, 3, [&](int first, int last) {
      std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
      for (int i = first; i < last; ++i) ++done[i];
    });
    CHECK(std::all_of(done.begin(), done.end(), [](int times) { return times == 1; }));
  }
  CHECK(seen.size() == 3);
}
