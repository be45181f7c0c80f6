// A multilayer perceptron that learns: forward and backward passes over rows of samples.
//
// All its parameters lie in one vector. A layer's are a matrix (inputs + 1, outputs) in blocks of columns (matrix.h), the
// biases its last row: rows of samples have a one behind their numbers, so that a bias is a weight like any other, in
// products, gradients and updates. The gradient with respect to a layer's inputs needs its weights turned, (outputs, inputs)
// in blocks: a second copy, which whoever changes the weights keeps.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learn/matrix.h"
#include "nets/activations.h"

namespace soleus {

class TrainedMlp {
 public:
  // Rows that are passed at a time: their activations stay in the second-level cache.
  static constexpr int kRows = 128;

  // widths: {inputs, hidden..., outputs}. The activation of the last layer belongs to the loss: outputs come without it.
  TrainedMlp(std::vector<int> widths, Activation hidden);

  struct Layer {
    int inputs, outputs;
    std::size_t weight;   // where its parameters begin
    std::size_t turned;   // where its turned weights begin; the first layer has none
    std::size_t parameters() const { return static_cast<std::size_t>(inputs + 1) * padded(outputs); }
  };
  const std::vector<Layer>& layers() const { return layers_; }
  int inputs() const { return widths_.front(); }
  int outputs() const { return widths_.back(); }
  std::size_t parameters() const { return parameters_; }
  std::size_t turned() const { return turned_; }
  // Multiply-adds of a forward and a backward pass of one row.
  double multiply_adds() const;

  // A layer as torch has it: weight (outputs, inputs) row-major, bias (outputs).
  struct PlainLayer { float *weight, *bias; };
  void load(std::span<const PlainLayer> plain, float* parameters) const;
  void store(const float* parameters, std::span<const PlainLayer> plain) const;

  // What a thread passes rows through.
  struct Pass {
    explicit Pass(const TrainedMlp& net);
    float* input(int row) { return levels[0].data() + static_cast<std::size_t>(row) * strides[0]; }
    const float* output(int row) const { return levels.back().data() + static_cast<std::size_t>(row) * strides.back(); }
    // The gradient of the loss with respect to the outputs, padded(outputs) of a row.
    float* output_gradient(int row) { return gradients.back().data() + static_cast<std::size_t>(row) * strides.back(); }
    std::vector<int> strides;      // floats between rows, by level: the inputs, and what each layer gives
    std::vector<Floats> levels, gradients;
  };
  // Rows of inputs, which are in the pass, through all layers.
  void forward(const float* parameters, Pass& pass, int rows) const;
  // From the gradients with respect to the outputs to those with respect to the parameters: added to, or, where these rows
  // are the first, put in their place.
  void backward(const float* turned, Pass& pass, int rows, float* gradient, bool first) const;

 private:
  std::vector<int> widths_;
  Activation hidden_;
  std::vector<Layer> layers_;
  std::size_t parameters_ = 0, turned_ = 0;
};

}  // namespace soleus
