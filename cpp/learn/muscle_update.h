// The regression of the muscle coordination network of Lee et al. 2019 (Scalable muscle-actuated simulation), on several
// threads, as PpoUpdate is. A muscle's moments are few: torques sum over them alone.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/barrier.h"
#include "learn/learnt_network.h"
#include "learn/minibatches.h"

namespace soleus {

// Which joints muscles cross: of each moment its muscle and its coordinate.
struct MuscleCrossings {
  std::vector<int> muscle, coordinate;
  int muscles, coordinates;
};

struct MuscleSettings {
  float torque_scale;                    // of the network's inputs
  float loss_torque;                     // [N m] a torque error of this size costs 1
  float effort, preactivation;           // weights of mean(a^2) and mean(x^2)
  float max_grad_norm, adam_epsilon;
};

// Samples as rows: moments (S, nnz) and the torques that the muscles are to make (S, na) [N m].
struct MuscleRegressionSamples {
  std::size_t count;
  const float *moments, *wanted;
};

class MuscleUpdate {
 public:
  // The network takes moments and wanted torques, scaled, and gives x; activations are a = relu(tanh(x)).
  MuscleUpdate(TrainedMlp net, MuscleCrossings crossings, MuscleSettings settings, int threads);

  LearntNetwork& network() { return network_; }
  const MuscleCrossings& crossings() const { return crossings_; }

  // One step for each `size` rows of `order`, the last of them perhaps smaller; losses: one of each step. The loss is
  // mean(((JtA a - wanted) / loss_torque)^2) + effort mean(a^2) + preactivation mean(x^2).
  void epoch(const MuscleRegressionSamples& samples, RowNumbers order, std::size_t size, double rate, std::span<float> losses);
  // The gradient of the loss over rows, unclipped; the parameters stay. Returns the loss.
  float gradient(const MuscleRegressionSamples& samples, RowNumbers rows, const LearntNetwork::Plain& into);
  // Sums over all samples of |JtA a - wanted| and |wanted| [N m].
  struct Residual { double error, wanted; };
  Residual residual(const MuscleRegressionSamples& samples);

 private:
  struct Worker {
    explicit Worker(const MuscleUpdate& update);
    TrainedMlp::Pass pass;
    Floats gradient, activations;        // (padded muscles) of a row
    std::vector<float> error;            // (na) of a row [N m]
    double loss, squares;
    Residual residual;
  };
  void forward(Worker& worker, const MuscleRegressionSamples& samples, RowNumbers rows);
  // The torques' errors of a row that was passed, from its activations.
  void find_error(Worker& worker, const MuscleRegressionSamples& samples, int i, std::int64_t row);
  void pass_rows(Worker& worker, const MuscleRegressionSamples& samples, RowNumbers rows, std::size_t of);
  double finish_row(Worker& worker, const float* moments, int i, std::size_t of);
  float loss() const;

  LearntNetwork network_;
  MuscleCrossings crossings_;
  MuscleSettings settings_;
  int threads_;
  Barrier barrier_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<float*> gradients_;        // of the workers
};

}  // namespace soleus
