// A network's parameters and how Adam (Kingma and Ba, 2015) changes them, shared out over threads.
//
// The work is cut into units of a few rows of a layer's parameters, a few kilobytes each: whoever has a unit sums its
// gradients over the threads, updates it, and turns it for the backward pass while it lies in the first-level cache.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learn/trained_mlp.h"

namespace soleus {

class LearntNetwork {
 public:
  // further: parameters beside those of the network, such as the spreads of a policy. epsilon: Adam's.
  LearntNetwork(TrainedMlp net, int further, float epsilon);

  const TrainedMlp& net() const { return net_; }
  const float* parameters() const { return parameters_.data(); }
  const float* turned() const { return turned_.data(); }
  // The further parameters, and where their gradients are in a gradient.
  std::size_t further_begin() const { return net_.parameters(); }
  std::size_t further_count() const { return further_; }
  const float* further() const { return parameters() + further_begin(); }
  // Floats of a gradient.
  std::size_t size() const { return parameters_.size(); }

  // Parameters and moments as torch has them.
  struct Plain {
    std::vector<TrainedMlp::PlainLayer> layers;
    float* further;
  };
  // steps: that Adam has taken.
  void load(const Plain& parameters, const Plain& first, const Plain& second, long steps);
  void store(const Plain& parameters, const Plain& first, const Plain& second) const;
  // Parameters alone, for forward passes.
  void load(const Plain& parameters);
  // A gradient, which lies as the parameters do.
  void store_gradient(const float* gradient, const Plain& into) const { store_from(gradient, into); }
  long steps() const { return steps_; }

  // One step of all threads: each calls sum() with its number, then, after all of them have, step().
  // gradients: of each thread; their sum is left in the first. Returns the squares of the sum's numbers, summed.
  double sum(int thread, int threads, std::span<float* const> gradients) const;
  // gradient: the sum, which is multiplied by `scale`. The steps count on for all by end_step(), called by one thread.
  void step(int thread, int threads, const float* gradient, float scale, double rate);
  void end_step() { ++steps_; }

 private:
  struct Unit {
    std::size_t begin, end;            // of the parameters
    int layer, column, row, rows;      // layer -1: no layer's; rows that are turned
  };
  void add_units();
  void turn(const Unit& unit);
  std::span<const Unit> units_of(int thread, int threads) const;
  void load_into(const Plain& plain, Floats& into) const;
  void store_from(const float* from, const Plain& plain) const;

  TrainedMlp net_;
  int further_;
  float epsilon_;
  Floats parameters_, first_, second_, turned_;
  std::vector<Unit> units_;
  long steps_ = 0;
};

}  // namespace soleus
