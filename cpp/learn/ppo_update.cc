#include "learn/ppo_update.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/share_out.h"

namespace soleus {
namespace {

void gather(const float* from, int width, RowNumbers rows, TrainedMlp::Pass& pass) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(pass.input(static_cast<int>(i)), from + rows[i] * width, sizeof(float) * width);
  }
}

}  // namespace

PpoUpdate::Worker::Worker(const PpoUpdate& update)
    : policy(update.policy_.net()),
      value(update.value_.net()),
      policy_gradient(update.policy_.size(), 0.0f),
      value_gradient(update.value_.size(), 0.0f),
      actions(static_cast<std::size_t>(TrainedMlp::kRows) * padded(update.head_.components()), 0.0f),
      squares(padded(update.head_.spreads()), 0.0f) {
  spreads.inverse.assign(padded(update.head_.spreads()), 0.0f);
}

PpoUpdate::PpoUpdate(TrainedMlp policy, TrainedMlp value, ActionHead head, PpoSettings settings, int threads)
    : policy_(std::move(policy), head.spreads(), settings.adam_epsilon),
      value_(std::move(value), 0, settings.adam_epsilon),
      head_(std::move(head)),
      settings_(settings),
      threads_(threads),
      barrier_(threads) {
  require(threads_ > 0, "expected one or more threads");
  require(policy_.net().outputs() == head_.parameters(), "expected as many outputs of the policy as its actions need");
  require(value_.net().outputs() == 1, "expected one output of the value function");
  require(policy_.net().inputs() == value_.net().inputs(), "expected a policy and a value function of the same inputs");
  for (int t = 0; t < threads_; ++t) {
    workers_.push_back(std::make_unique<Worker>(*this));
    policy_gradients_.push_back(workers_.back()->policy_gradient.data());
    value_gradients_.push_back(workers_.back()->value_gradient.data());
  }
}

void PpoUpdate::epoch(const PpoSamples& samples, RowNumbers order, std::size_t size, double policy_rate,
                      double value_rate, std::span<Figures> figures) {
  require(size > 0 && figures.size() == minibatches_of(order.size(), size), "expected figures of each minibatch");
  share_out(threads_, threads_, [&](int thread, int) {
    for (std::size_t b = 0; b < figures.size(); ++b) {
      minibatch(thread, samples, minibatch_of(order, size, b), policy_rate, value_rate, figures[b]);
    }
  });
}

void PpoUpdate::minibatch(int thread, const PpoSamples& samples, RowNumbers rows, double policy_rate,
                          double value_rate, Figures& figures) {
  Worker& mine = *workers_[thread];
  pass_rows(mine, samples, share_of(rows, thread, threads_), rows.size());
  barrier_.wait();
  mine.policy_squares = policy_.sum(thread, threads_, policy_gradients_);
  mine.value_squares = value_.sum(thread, threads_, value_gradients_);
  barrier_.wait();
  double policy_squares = 0, value_squares = 0;
  for (const auto& worker : workers_) {
    policy_squares += worker->policy_squares;
    value_squares += worker->value_squares;
  }
  policy_.step(thread, threads_, policy_gradients_[0], clip_scale(policy_squares, settings_.max_grad_norm), policy_rate);
  value_.step(thread, threads_, value_gradients_[0], clip_scale(value_squares, settings_.max_grad_norm), value_rate);
  if (thread == 0) figures = figures_of(rows.size());
  barrier_.wait();
  if (thread == 0) {
    policy_.end_step();
    value_.end_step();
  }
}

PpoUpdate::Figures PpoUpdate::figures_of(std::size_t rows) const {
  std::array<double, 4> sums{};
  double entropy = 0;
  for (const auto& worker : workers_) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += worker->figures[i];
    entropy += worker->entropy;
  }
  Figures figures;
  for (std::size_t i = 0; i < sums.size(); ++i) figures[i] = static_cast<float>(sums[i] / static_cast<double>(rows));
  figures[4] = static_cast<float>(entropy / static_cast<double>(rows));
  return figures;
}

PpoUpdate::Figures PpoUpdate::gradients(const PpoSamples& samples, RowNumbers rows,
                                        const LearntNetwork::Plain& policy, const LearntNetwork::Plain& value) {
  share_out(threads_, threads_, [&](int thread, int) {
    pass_rows(*workers_[thread], samples, share_of(rows, thread, threads_), rows.size());
    barrier_.wait();
    policy_.sum(thread, threads_, policy_gradients_);
    value_.sum(thread, threads_, value_gradients_);
  });
  policy_.store_gradient(policy_gradients_[0], policy);
  value_.store_gradient(value_gradients_[0], value);
  return figures_of(rows.size());
}

void PpoUpdate::pass_rows(Worker& worker, const PpoSamples& samples, RowNumbers rows, std::size_t of) {
  worker.figures = {};
  worker.entropy = 0;
  head_.load(policy_.further(), worker.spreads);
  if (rows.empty()) {
    std::fill(worker.policy_gradient.begin(), worker.policy_gradient.end(), 0.0f);
    std::fill(worker.value_gradient.begin(), worker.value_gradient.end(), 0.0f);
  }
  in_parts(rows, TrainedMlp::kRows, [&](RowNumbers part, bool first) {
    pass_policy(worker, samples, part, of, first);
    pass_value(worker, samples, part, of, first);
  });
}

void PpoUpdate::pass_policy(Worker& worker, const PpoSamples& samples, RowNumbers rows, std::size_t of,
                            bool first) {
  const int count = static_cast<int>(rows.size()), components = head_.components(), stride = padded(components);
  const float share = 1.0f / static_cast<float>(of);
  gather(samples.observations, policy_.net().inputs(), rows, worker.policy);
  policy_.net().forward(policy_.parameters(), worker.policy, count);
  if (first) std::fill(worker.squares.begin(), worker.squares.end(), 0.0f);
  const bool continuous = head_.kind() == ActionKind::kContinuous;
  float total_weight = 0;
  for (int i = 0; i < count; ++i) {
    float* action = &worker.actions[static_cast<std::size_t>(i) * stride];
    std::memcpy(action, samples.actions + rows[i] * components, sizeof(float) * components);
    const float* parameters = worker.policy.output(i);
    float* kept = worker.policy.output_gradient(i);
    const float log_ratio = head_.log_density(parameters, action, worker.spreads, kept) - samples.log_probs[rows[i]];
    const float ratio = std::exp(log_ratio), advantage = samples.advantages[rows[i]];
    const float free = ratio * advantage;
    const float held = std::clamp(ratio, 1 - settings_.clip, 1 + settings_.clip) * advantage;
    // The gradient of the smaller: where that is the one whose ratio is held, there is none.
    const float weight = free <= held ? -free * share : 0.0f;
    worker.figures[0] -= std::min(free, held);
    worker.figures[2] += ratio - 1 - log_ratio;
    worker.figures[3] += std::fabs(ratio - 1) > settings_.clip ? 1 : 0;
    if (!continuous) worker.entropy += head_.entropy(parameters, kept);
    head_.gradient(parameters, action, worker.spreads, weight, -settings_.entropy * share, kept, worker.squares.data());
    total_weight += weight;
  }
  policy_.net().backward(policy_.turned(), worker.policy, count, worker.policy_gradient.data(), first);
  if (!continuous) return;
  worker.entropy += count * static_cast<double>(head_.entropy(policy_.further()));
  // d log-density / d log_std = z^2 - 1; of the entropy it is 1.
  float* spreads = worker.policy_gradient.data() + policy_.further_begin();
  if (first) std::fill_n(spreads, padded(components), 0.0f);
  const float constant = total_weight + settings_.entropy * share * static_cast<float>(count);
  for (int i = 0; i < components; ++i) {
    spreads[i] += worker.squares[i] - constant;
    worker.squares[i] = 0;
  }
}

void PpoUpdate::pass_value(Worker& worker, const PpoSamples& samples, RowNumbers rows, std::size_t of,
                           bool first) {
  const int count = static_cast<int>(rows.size());
  const float share = settings_.value_coefficient / static_cast<float>(of);
  gather(samples.observations, value_.net().inputs(), rows, worker.value);
  value_.net().forward(value_.parameters(), worker.value, count);
  for (int i = 0; i < count; ++i) {
    const float value = worker.value.output(i)[0], target = samples.targets[rows[i]], old = samples.values[rows[i]];
    float error = value - target, slope = error;
    if (settings_.value_clip) {
      const float moved = value - old, limit = *settings_.value_clip;
      const float held = old + std::clamp(moved, -limit, limit) - target;
      if (held * held > error * error) {
        error = held;
        slope = std::fabs(moved) <= limit ? held : 0.0f;
      }
    }
    worker.figures[1] += 0.5 * error * error;
    float* gradient = worker.value.output_gradient(i);
    std::fill_n(gradient, padded(1), 0.0f);
    gradient[0] = slope * share;
  }
  value_.net().backward(value_.turned(), worker.value, count, worker.value_gradient.data(), first);
}

void PpoUpdate::values(const float* observations, std::size_t count, float* out) {
  const TrainedMlp& net = value_.net();
  share_out(threads_, threads_, [&](int thread, int) {
    TrainedMlp::Pass& pass = workers_[thread]->value;
    const std::size_t end = count * (thread + 1) / threads_;
    for (std::size_t begin = count * thread / threads_; begin < end; begin += TrainedMlp::kRows) {
      const int rows = static_cast<int>(std::min<std::size_t>(TrainedMlp::kRows, end - begin));
      for (int i = 0; i < rows; ++i) {
        std::memcpy(pass.input(i), observations + (begin + i) * net.inputs(), sizeof(float) * net.inputs());
      }
      net.forward(value_.parameters(), pass, rows);
      for (int i = 0; i < rows; ++i) out[begin + i] = pass.output(i)[0];
    }
  });
}

}  // namespace soleus
