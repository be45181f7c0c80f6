#include "nets/mlp.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "nets/activation_lanes.h"

namespace soleus {
namespace {

constexpr int kWidth = kVectorWidth;  // one vector of outputs

// Vectors of outputs computed together for a whole tile of humans: kVectors * kTile sums fit the registers, hide the
// latency of the multiply-add, and share each load of a weight and each broadcast of an input.
#if defined(__AVX512F__)
constexpr int kVectors = 2;
#else
constexpr int kVectors = 1;
#endif
constexpr int kBlock = kVectors * kWidth;
constexpr int kAhead = 16;  // inputs

Lanes load(const float* p) { return *reinterpret_cast<const Lanes*>(p); }
void store(float* p, Lanes v) { *reinterpret_cast<Lanes*>(p) = v; }

int padded(int outputs) { return (outputs + kBlock - 1) / kBlock * kBlock; }

// One block of outputs against a whole tile: the loop in which a network spends its time. in: (kTile, stride) rows.
void block_forward(const float* weight, const float* bias, const float* in, int stride, int inputs, float* out,
                   int out_stride, Activation activation) {
  Lanes sum[kVectors][Mlp::kTile];
  for (int v = 0; v < kVectors; ++v) {
    for (int n = 0; n < Mlp::kTile; ++n) sum[v][n] = load(bias + v * kWidth);
  }
  for (int i = 0; i < inputs; ++i) {
    const float* w = weight + static_cast<std::size_t>(i) * kBlock;
    // Each weight is read once a tile and comes from the second-level cache: asked for early, it does not hold up the sums.
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) __builtin_prefetch(w + kAhead * kBlock + v * kWidth);
#pragma GCC unroll 8
    for (int n = 0; n < Mlp::kTile; ++n) {
      const float x = in[static_cast<std::size_t>(n) * stride + i];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[v][n] += load(w + v * kWidth) * x;
    }
  }
  for (int n = 0; n < Mlp::kTile; ++n) {
    for (int v = 0; v < kVectors; ++v) {
      store(out + static_cast<std::size_t>(n) * out_stride + v * kWidth, activate(sum[v][n], activation));
    }
  }
}

}  // namespace

Mlp::Mlp(std::vector<int> widths, std::vector<Activation> activations) : widths_(std::move(widths)) {
  require(widths_.size() >= 2 && activations.size() + 1 == widths_.size(),
          "expected one activation a layer, got " + std::to_string(activations.size()) + " for " +
              std::to_string(widths_.size()) + " widths");
  for (std::size_t l = 0; l < activations.size(); ++l) {
    const int in = widths_[l];
    const int out = widths_[l + 1];
    require(in > 0 && out > 0, "expected layer widths above 0, got " + std::to_string(in) + " -> " + std::to_string(out));
    layers_.push_back({in, out, activations[l], Floats(static_cast<std::size_t>(padded(out)) * in, 0.0f),
                       Floats(padded(out), 0.0f)});
  }
}

void Mlp::load(std::span<const LayerData> layers) {
  require(layers.size() == layers_.size(), "expected " + std::to_string(layers_.size()) + " layers, got " +
                                               std::to_string(layers.size()));
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Layer& mine = layers_[l];
    require(layers[l].bias.size() == static_cast<std::size_t>(mine.outputs) &&
                layers[l].weight.size() == static_cast<std::size_t>(mine.outputs) * mine.inputs,
            "expected layer " + std::to_string(l) + " to be " + std::to_string(mine.outputs) + " x " +
                std::to_string(mine.inputs) + ", got " + std::to_string(layers[l].weight.size()) + " weights and " +
                std::to_string(layers[l].bias.size()) + " biases");
    require(layers[l].activation == mine.activation, "expected the activation of layer " + std::to_string(l) + " to stay");
  }
  for (std::size_t l = 0; l < layers.size(); ++l) {
    Layer& mine = layers_[l];
    for (int o = 0; o < mine.outputs; ++o) {
      float* block = mine.weight.data() + static_cast<std::size_t>(o / kBlock) * kBlock * mine.inputs + o % kBlock;
      const float* row = layers[l].weight.data() + static_cast<std::size_t>(o) * mine.inputs;
      for (int i = 0; i < mine.inputs; ++i) block[static_cast<std::size_t>(i) * kBlock] = row[i];
    }
    std::copy(layers[l].bias.begin(), layers[l].bias.end(), mine.bias.begin());
  }
}

int Mlp::stride(int width) { return padded(width); }

std::size_t Mlp::scratch_size() const {
  int widest = 0;
  for (int width : widths_) widest = std::max(widest, padded(width));
  return 2 * static_cast<std::size_t>(widest) * kTile;
}

void Mlp::layer_forward(const Layer& layer, const float* in, float* out) {
  for (int o = 0; o < layer.outputs; o += kBlock) {
    block_forward(layer.weight.data() + static_cast<std::size_t>(o) * layer.inputs, layer.bias.data() + o, in,
                  padded(layer.inputs), layer.inputs, out + o, padded(layer.outputs), layer.activation);
  }
}

void Mlp::forward(const float* input, float* output, float* scratch) const {
  const std::size_t half = scratch_size() / 2;
  const float* in = input;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const bool last = l + 1 == layers_.size();
    float* out = last ? output : scratch + (l % 2) * half;
    layer_forward(layers_[l], in, out);
    in = out;
  }
}

}  // namespace soleus
