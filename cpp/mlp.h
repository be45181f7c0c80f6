// A batched float32 multilayer perceptron over tiles of a fixed width.
//
// Humans are the lanes of a tile: activations are laid out (feature, lane), so one weight meets sixteen humans in one
// fused multiply-add and a lane never depends on its neighbours. A batch of 1 and a batch of 16 give the same bits.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

namespace soleus {

inline constexpr float kLeakySlope = 0.2f;

enum class Activation { kIdentity, kTanh, kRelu, kLeakyRelu, kElu, kReluTanh };

// Throws InvalidInput for a name that is none of identity, tanh, relu, leaky_relu, elu, relu_tanh.
Activation parse_activation(const std::string& name);

// What a layer is, as it comes from outside: weight (outputs, inputs) row-major, bias (outputs).
struct LayerData {
  std::span<const float> weight;
  std::span<const float> bias;
  Activation activation = Activation::kIdentity;
};

template <class T>
struct CacheAligned {
  using value_type = T;
  CacheAligned() = default;
  template <class U>
  CacheAligned(const CacheAligned<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(64))); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, std::align_val_t(64)); }
  bool operator==(const CacheAligned&) const { return true; }
};
using TileBuffer = std::vector<float, CacheAligned<float>>;

class Mlp {
 public:
  static constexpr int kTile = 16;

  // Layer widths are fixed at construction: {inputs, hidden..., outputs}. Weights start at zero.
  Mlp(std::vector<int> widths, std::vector<Activation> activations);

  // Replaces all weights. Throws InvalidInput, leaving the old ones in force, if a shape differs.
  void load(std::span<const LayerData> layers);

  int inputs() const { return widths_.front(); }
  int outputs() const { return widths_.back(); }
  // Floats that forward() needs as scratch space, and as output: its rows past outputs() are padding.
  std::size_t scratch_size() const;
  std::size_t output_size() const;

  // input: (inputs, kTile); output: (outputs, kTile) and padding; all 64-byte aligned.
  void forward(const float* input, float* output, float* scratch) const;

 private:
  struct Layer {
    int inputs;
    int outputs;
    Activation activation;
    TileBuffer weight;  // blocks of kBlock outputs: (block, input, kBlock)
    TileBuffer bias;    // padded to whole blocks
  };
  static void layer_forward(const Layer& layer, const float* in, float* out);

  std::vector<int> widths_;
  std::vector<Layer> layers_;
};

}  // namespace soleus
