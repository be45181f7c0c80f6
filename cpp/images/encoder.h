// The convolutions of a network on images as one piece of work: images in, features out, and back from the gradients of the
// features to those of the weights, in bfloat16 with sums in float32.
//
// A few images at a time go through the whole network, so that all that is between its layers stays in a second-level
// cache. Nothing is kept from the forward pass, a third of a megabyte an image: the backward pass computes it again.
// Gradients are summed in groups of images in a fixed order: threads share the groups out and change no bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "images/conv.h"
#include "images/pixels.h"

namespace soleus {

// One convolution: where its weights, as torch keeps them (outputs, inputs, rows, columns), go in the kernels' orders.
struct Layer {
  // Index of torch's weight for a tap, a stored input channel and an output; -1 where there is none.
  using Source = std::function<int(int row, int column, int input, int output)>;

  // scale: what weights are multiplied by. first: nothing asks for the gradient of its inputs.
  Layer(const ConvShape& shape, int weights, float scale, bool first, const Source& source);

  ConvShape shape;
  ConvShape gradient;         // of the convolution that gives the gradient of the inputs
  int weights;                // floats in torch's tensor
  float scale;
  std::vector<int> forward;   // torch's index for each packed weight
  std::vector<int> backward;  // the same of the gradient's convolution
  std::vector<int> places;    // for each of torch's weights its place in the tiles of conv_weights
};

// What one thread works in: pieces of one block of memory, taken in the same order each time.
class Arena {
 public:
  // An arena without memory counts what is taken.
  Arena() = default;
  // Starts over in memory of this size, cleared if another network used it last. key: of the network.
  void start(std::uint64_t key, std::size_t elements);
  Bfloat16* take(std::size_t elements);
  std::size_t taken() const { return taken_; }
  bool holds_memory() const { return !memory_.empty(); }

 private:
  std::vector<Bfloat16, CacheAligned<Bfloat16>> memory_;
  std::uint64_t key_ = 0;
  std::size_t taken_ = 0;
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  int height() const { return height_; }
  int width() const { return width_; }
  int channels() const { return channels_; }
  int features() const { return features_; }
  // Floats of each parameter: a weight and a bias per convolution, in order.
  std::vector<std::size_t> parameters() const;

  // out: (images, features). From any number of threads at a time, each of which may ask for more.
  void forward(const ImageView& images, int count, std::span<const float* const> parameters, Bfloat16* out,
               int threads) const;
  // Writes the gradients of all parameters.
  void backward(const ImageView& images, int count, std::span<const float* const> parameters, const Bfloat16* grad_out,
                std::span<float* const> gradients, int threads) const;

 protected:
  // chunk: images that go through the network together.
  Encoder(int height, int width, int channels, int chunk)
      : height_(height), width_(width), channels_(channels), chunk_(chunk) {}
  // At the end of a constructor.
  void finish(std::vector<Layer> layers, int features);

  int chunk() const { return chunk_; }
  const Bfloat16* forward_weights(const Bfloat16* packed, int i) const { return packed + at_[i].forward; }
  const Bfloat16* backward_weights(const Bfloat16* packed, int i) const { return packed + at_[i].backward; }
  const float* bias(const Bfloat16* packed, int i) const { return reinterpret_cast<const float*>(packed + at_[i].bias); }
  // Adds the gradients of a layer's weights and bias: see make_pairs and conv_weights.
  void add_gradients(const Conv& conv, int i, const Bfloat16* in, const Bfloat16* gradient, int pixels, int margin,
                     Bfloat16* pairs, float* sums) const;

  // out = relu(values), or where values are above zero the gradient and else zero; what is not a number stays so.
  static void relu_row(const Bfloat16* values, Bfloat16* out, std::size_t count);
  static void mask_row(const Bfloat16* values, const Bfloat16* gradient, Bfloat16* out, std::size_t count);

  // Takes what `chunk` images need.
  virtual void reserve(Arena& arena) const = 0;
  // Up to `chunk` images from `first`. out: their features, or null. grad_out: their gradients, or null; then gradients of
  // weights and biases are added to sums.
  virtual void run(Arena& arena, const ImageView& images, int first, int count, const Bfloat16* packed, Bfloat16* out,
                   const Bfloat16* grad_out, float* sums) const = 0;

 private:
  struct Places {
    std::size_t forward, backward, bias;  // in what is packed
    std::size_t tiles, bias_sums;         // in a group's sums
  };

  const Bfloat16* pack(std::span<const float* const> parameters, bool backward) const;

  int height_, width_, channels_;
  int chunk_;
  int features_ = 0;
  std::vector<Layer> layers_;
  std::vector<Places> at_;
  std::size_t packed_ = 0;
  std::size_t sums_ = 0;
  std::size_t scratch_ = 0;
  std::uint64_t key_ = 0;
};

}  // namespace soleus
