// The update of proximal policy optimization (Schulman et al. 2017) of a policy and a value function that are multilayer
// perceptrons, on several threads.
//
// Each thread passes its share of a minibatch's rows through both networks, forward and backward; then all sum the
// gradients and step, each its share of the parameters. They wait for one another three times a minibatch, and nothing is
// allocated in one. The same number of threads gives the same bits.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/barrier.h"
#include "learn/action_head.h"
#include "learn/learnt_network.h"
#include "learn/minibatches.h"

namespace soleus {

struct PpoSettings {
  float clip;
  std::optional<float> value_clip;
  float entropy, value_coefficient, max_grad_norm, adam_epsilon;
};

// Samples as rows: observations (M, D) as the networks see them, actions (M, components), the others (M).
struct PpoSamples {
  std::size_t count;
  const float *observations, *actions, *log_probs, *advantages, *values, *targets;
};

class PpoUpdate {
 public:
  PpoUpdate(TrainedMlp policy, TrainedMlp value, ActionHead head, PpoSettings settings, int threads);

  LearntNetwork& policy() { return policy_; }
  LearntNetwork& value() { return value_; }
  const ActionHead& head() const { return head_; }
  int policy_inputs() const { return policy_.net().inputs(); }
  // Of the forward and backward passes of one sample through both networks.
  double multiply_adds() const { return policy_.net().multiply_adds() + value_.net().multiply_adds(); }

  // Of a minibatch: policy loss, value loss, KL divergence, clipped share, entropy.
  using Figures = std::array<float, 5>;
  // One step for each `size` rows of `order`, the last of them perhaps smaller; figures: one of each step.
  void epoch(const PpoSamples& samples, RowNumbers order, std::size_t size, double policy_rate,
             double value_rate, std::span<Figures> figures);
  // The gradients of the loss over rows, unclipped; the parameters stay.
  Figures gradients(const PpoSamples& samples, RowNumbers rows, const LearntNetwork::Plain& policy,
                    const LearntNetwork::Plain& value);
  // What the value network gives, in its own units, for observations (count, D).
  void values(const float* observations, std::size_t count, float* out);

 private:
  // What a thread works with.
  struct Worker {
    explicit Worker(const PpoUpdate& update);
    TrainedMlp::Pass policy, value;
    Floats policy_gradient, value_gradient;
    Floats actions, squares;              // (kRows, padded components), (padded spreads)
    ActionHead::Spreads spreads;
    std::array<double, 4> figures;        // sums over the rows: policy loss, value loss, KL divergence, clipped
    double entropy;
    double policy_squares, value_squares; // of its share of the gradients
  };
  void pass_rows(Worker& worker, const PpoSamples& samples, RowNumbers rows, std::size_t of);
  void pass_policy(Worker& worker, const PpoSamples& samples, RowNumbers rows, std::size_t of, bool first);
  void pass_value(Worker& worker, const PpoSamples& samples, RowNumbers rows, std::size_t of, bool first);
  void minibatch(int thread, const PpoSamples& samples, RowNumbers rows, double policy_rate,
                 double value_rate, Figures& figures);
  Figures figures_of(std::size_t rows) const;

  LearntNetwork policy_, value_;
  ActionHead head_;
  PpoSettings settings_;
  int threads_;
  Barrier barrier_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<float*> policy_gradients_, value_gradients_;  // of the workers
};

}  // namespace soleus
