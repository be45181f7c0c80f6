#include "learn/muscle_update.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/share_out.h"
#include "nets/activation_lanes.h"

namespace soleus {

MuscleUpdate::Worker::Worker(const MuscleUpdate& update)
    : pass(update.network_.net()),
      gradient(update.network_.size(), 0.0f),
      activations(padded(update.crossings_.muscles), 0.0f),
      error(update.crossings_.coordinates) {}

MuscleUpdate::MuscleUpdate(TrainedMlp net, MuscleCrossings crossings, MuscleSettings settings, int threads)
    : network_(std::move(net), 0, settings.adam_epsilon),
      crossings_(std::move(crossings)),
      settings_(settings),
      threads_(threads),
      barrier_(threads) {
  require(threads_ > 0, "expected one or more threads");
  require(crossings_.muscle.size() == crossings_.coordinate.size(), "expected a muscle and a coordinate of each moment");
  const auto within = [](const std::vector<int>& numbers, int count) {
    return std::all_of(numbers.begin(), numbers.end(), [count](int i) { return i >= 0 && i < count; });
  };
  require(within(crossings_.muscle, crossings_.muscles) && within(crossings_.coordinate, crossings_.coordinates),
          "expected moments of the muscles and coordinates that there are");
  require(network_.net().inputs() == static_cast<int>(crossings_.muscle.size()) + crossings_.coordinates &&
              network_.net().outputs() == crossings_.muscles,
          "expected a network from moments and torques to muscles");
  for (int t = 0; t < threads_; ++t) {
    workers_.push_back(std::make_unique<Worker>(*this));
    gradients_.push_back(workers_.back()->gradient.data());
  }
}

void MuscleUpdate::epoch(const MuscleRegressionSamples& samples, RowNumbers order, std::size_t size, double rate,
                         std::span<float> losses) {
  require(size > 0 && losses.size() == minibatches_of(order.size(), size), "expected a loss of each minibatch");
  share_out(threads_, threads_, [&](int thread, int) {
    Worker& mine = *workers_[thread];
    for (std::size_t b = 0; b < losses.size(); ++b) {
      const RowNumbers rows = minibatch_of(order, size, b);
      pass_rows(mine, samples, share_of(rows, thread, threads_), rows.size());
      barrier_.wait();
      mine.squares = network_.sum(thread, threads_, gradients_);
      barrier_.wait();
      double squares = 0;
      for (const auto& worker : workers_) squares += worker->squares;
      network_.step(thread, threads_, gradients_[0], clip_scale(squares, settings_.max_grad_norm), rate);
      if (thread == 0) losses[b] = loss();
      barrier_.wait();
      if (thread == 0) network_.end_step();
    }
  });
}

float MuscleUpdate::gradient(const MuscleRegressionSamples& samples, RowNumbers rows, const LearntNetwork::Plain& into) {
  share_out(threads_, threads_, [&](int thread, int) {
    pass_rows(*workers_[thread], samples, share_of(rows, thread, threads_), rows.size());
    barrier_.wait();
    network_.sum(thread, threads_, gradients_);
  });
  network_.store_gradient(gradients_[0], into);
  return loss();
}

MuscleUpdate::Residual MuscleUpdate::residual(const MuscleRegressionSamples& samples) {
  std::vector<std::int64_t> all(samples.count);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  share_out(threads_, threads_, [&](int thread, int) {
    Worker& mine = *workers_[thread];
    mine.residual = {};
    in_parts(share_of(all, thread, threads_), TrainedMlp::kRows, [&](RowNumbers rows, bool) {
      forward(mine, samples, rows);
      for (int i = 0; i < static_cast<int>(rows.size()); ++i) {
        find_error(mine, samples, i, rows[i]);
        double error = 0, wanted = 0;
        for (int j = 0; j < crossings_.coordinates; ++j) {
          const double asked = samples.wanted[rows[i] * crossings_.coordinates + j];
          error += static_cast<double>(mine.error[j]) * mine.error[j];
          wanted += asked * asked;
        }
        mine.residual.error += std::sqrt(error);
        mine.residual.wanted += std::sqrt(wanted);
      }
    });
  });
  Residual total{};
  for (const auto& worker : workers_) {
    total.error += worker->residual.error;
    total.wanted += worker->residual.wanted;
  }
  return total;
}

float MuscleUpdate::loss() const {
  double total = 0;
  for (const auto& worker : workers_) total += worker->loss;
  return static_cast<float>(total);
}

void MuscleUpdate::forward(Worker& worker, const MuscleRegressionSamples& samples, RowNumbers rows) {
  const std::size_t moments = crossings_.muscle.size(), coordinates = crossings_.coordinates;
  const float scale = 1 / settings_.torque_scale;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    float* row = worker.pass.input(static_cast<int>(i));
    const float* from = samples.moments + rows[i] * moments;
    for (std::size_t e = 0; e < moments; ++e) row[e] = from[e] * scale;
    const float* wanted = samples.wanted + rows[i] * coordinates;
    for (std::size_t j = 0; j < coordinates; ++j) row[moments + j] = wanted[j] * scale;
  }
  network_.net().forward(network_.parameters(), worker.pass, static_cast<int>(rows.size()));
}

void MuscleUpdate::find_error(Worker& worker, const MuscleRegressionSamples& samples, int i, std::int64_t row) {
  const float* x = worker.pass.output(i);
  for (int m = 0; m < crossings_.muscles; m += kVectorWidth) {
    store_lanes(&worker.activations[m], activate(load_lanes(x + m), Activation::kReluTanh));
  }
  const float* moments = samples.moments + row * static_cast<std::int64_t>(crossings_.muscle.size());
  const float* wanted = samples.wanted + row * crossings_.coordinates;
  for (int j = 0; j < crossings_.coordinates; ++j) worker.error[j] = -wanted[j];
  for (std::size_t e = 0; e < crossings_.muscle.size(); ++e) {
    worker.error[crossings_.coordinate[e]] += moments[e] * worker.activations[crossings_.muscle[e]];
  }
}

void MuscleUpdate::pass_rows(Worker& worker, const MuscleRegressionSamples& samples, RowNumbers rows, std::size_t of) {
  worker.loss = 0;
  if (rows.empty()) std::fill(worker.gradient.begin(), worker.gradient.end(), 0.0f);
  in_parts(rows, TrainedMlp::kRows, [&](RowNumbers part, bool first) {
    forward(worker, samples, part);
    for (int i = 0; i < static_cast<int>(part.size()); ++i) {
      find_error(worker, samples, i, part[i]);
      worker.loss += finish_row(worker, samples.moments + part[i] * static_cast<std::int64_t>(crossings_.muscle.size()), i, of);
    }
    network_.net().backward(network_.turned(), worker.pass, static_cast<int>(part.size()), worker.gradient.data(), first);
  });
}

// A row's share of the loss; the gradient with respect to its x goes into the pass.
double MuscleUpdate::finish_row(Worker& worker, const float* moments, int i, std::size_t of) {
  const float of_torques = 1.0f / (static_cast<float>(of) * crossings_.coordinates);
  const float of_muscles = 1.0f / (static_cast<float>(of) * crossings_.muscles);
  const float inverse = 1 / settings_.loss_torque;
  double loss = 0;
  for (float& error : worker.error) {
    const float scaled = error * inverse;
    loss += scaled * scaled * of_torques;
    error = 2 * scaled * inverse * of_torques;
  }
  float* gradient = worker.pass.output_gradient(i);
  std::fill_n(gradient, padded(crossings_.muscles), 0.0f);
  for (std::size_t e = 0; e < crossings_.muscle.size(); ++e) {
    gradient[crossings_.muscle[e]] += moments[e] * worker.error[crossings_.coordinate[e]];
  }
  const float* x = worker.pass.output(i);
  Lanes efforts{}, squares{};
  for (int m = 0; m < crossings_.muscles; m += kVectorWidth) {
    const Lanes a = load_lanes(&worker.activations[m]), before = load_lanes(x + m);
    efforts += a * a;
    squares += before * before;
    const Lanes of_activation = load_lanes(gradient + m) + 2 * settings_.effort * of_muscles * a;
    store_lanes(gradient + m, of_activation * slope(a, Activation::kReluTanh) +
                                  2 * settings_.preactivation * of_muscles * before);
  }
  return loss + (settings_.effort * sum_of(efforts) + settings_.preactivation * sum_of(squares)) * of_muscles;
}

}  // namespace soleus
