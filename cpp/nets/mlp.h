// A batched float32 multilayer perceptron over tiles of a fixed width.
//
// A tile is eight humans, a row each; the lanes of a vector are outputs. Every sum runs over the inputs in order and never
// meets a neighbour's, so a batch of 1 and a batch of 8 give the same bits. Eight humans, not more: with the weights of the
// muscle network their simulations still fit a second-level cache of 2 MB together.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/lanes.h"
#include "nets/activations.h"

namespace soleus {

// What a layer is, as it comes from outside: weight (outputs, inputs) row-major, bias (outputs).
struct LayerData {
  std::span<const float> weight;
  std::span<const float> bias;
  Activation activation = Activation::kIdentity;
};

class Mlp {
 public:
  static constexpr int kTile = 8;

  // Layer widths are fixed at construction: {inputs, hidden..., outputs}. Weights start at zero.
  Mlp(std::vector<int> widths, std::vector<Activation> activations);

  // Replaces all weights. Throws InvalidInput, leaving the old ones in force, if a shape differs.
  void load(std::span<const LayerData> layers);

  int inputs() const { return widths_.front(); }
  int outputs() const { return widths_.back(); }
  // Floats between the rows of a matrix of this many columns.
  static int stride(int width);
  int input_stride() const { return stride(inputs()); }
  int output_stride() const { return stride(outputs()); }
  // Floats that forward() needs as scratch space.
  std::size_t scratch_size() const;

  // input: (kTile, input_stride()); output: (kTile, output_stride()), padding past outputs(); all 64-byte aligned.
  void forward(const float* input, float* output, float* scratch) const;

 private:
  struct Layer {
    int inputs;
    int outputs;
    Activation activation;
    Floats weight;  // blocks of kBlock outputs: (block, input, kBlock)
    Floats bias;    // padded to whole blocks
  };
  static void layer_forward(const Layer& layer, const float* in, float* out);

  std::vector<int> widths_;
  std::vector<Layer> layers_;
};

}  // namespace soleus
