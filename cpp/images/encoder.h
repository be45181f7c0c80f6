// The convolutions of a network on images as one piece of work: images in, features out, and back from the gradients of the
// features to those of the weights, in bfloat16 with sums in float32.
//
// A few images at a time go through the whole network, so that all that is between its layers stays in a second-level
// cache. The backward pass needs some of it, a third of a megabyte an image: either it is kept, or computed again.
// Gradients are summed in groups of images in a fixed order: threads share the groups out and change no bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
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

using Halves = std::vector<Bfloat16, CacheAligned<Bfloat16>>;

// Pieces of one block of memory, taken in the same order each time; without memory it counts what is taken.
class Arena {
 public:
  explicit Arena(Bfloat16* memory = nullptr) : memory_(memory) {}
  Bfloat16* take(std::size_t elements);
  std::size_t taken() const { return taken_; }
  bool holds_memory() const { return memory_ != nullptr; }

 private:
  Bfloat16* memory_;
  std::size_t taken_ = 0;
};

// Memory of every thread, cleared where another network used it last.
class Workspace {
 public:
  Bfloat16* of(std::uint64_t key, std::size_t elements);

 private:
  Halves memory_;
  std::uint64_t key_ = 0;
};

// A few images on their way through a network.
struct Chunk {
  Arena kept;     // what the forward pass leaves to the backward pass; cleared once, before its first use
  Arena working;  // and what each makes again
  const ImageView& images;
  int first, count;
  const Bfloat16* packed;
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

  // Weights and biases of a moment, as the convolutions take them. backward: for both passes.
  Halves pack(std::span<const float* const> parameters, bool backward) const;

  // What a forward pass over some images leaves to its backward pass. Its memory goes back to the encoder.
  class Kept {
   public:
    Kept(std::shared_ptr<const Encoder> encoder, int count);
    ~Kept();
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;
    int count() const { return count_; }
    Bfloat16* of(int chunk) { return memory_.data() + chunk * encoder_->kept_; }

   private:
    std::shared_ptr<const Encoder> encoder_;
    int count_;
    Halves memory_;
  };

  // out: (images, features). kept: null, or of as many images. From any number of threads at a time, each of which may ask
  // for more.
  void forward(const ImageView& images, int count, const Halves& packed, Bfloat16* out, Kept* kept, int threads) const;
  // Writes the gradients of all parameters. kept: from the forward pass, or null, and it is computed again.
  void backward(const ImageView& images, int count, const Halves& packed, const Bfloat16* grad_out, Kept* kept,
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
  virtual void reserve(Arena& kept, Arena& working) const = 0;
  // out: the features of a chunk, or null.
  virtual void run_forward(Chunk chunk, Bfloat16* out) const = 0;
  // After it. grad_out: of the features of a chunk; gradients of weights and biases are added to sums.
  virtual void run_backward(Chunk chunk, const Bfloat16* grad_out, float* sums) const = 0;

 private:
  struct Places {
    std::size_t forward, backward, bias;  // in what is packed
    std::size_t tiles, bias_sums;         // in a group's sums
  };

  int chunks(int count) const { return (count + chunk_ - 1) / chunk_; }

  int height_, width_, channels_;
  int chunk_;
  int features_ = 0;
  std::vector<Layer> layers_;
  std::vector<Places> at_;
  std::size_t packed_ = 0;
  std::size_t sums_ = 0;
  std::size_t kept_ = 0;     // elements of a chunk
  std::size_t working_ = 0;
  std::uint64_t key_ = 0;
  mutable std::mutex lock_;
  mutable std::vector<Halves> free_;  // memory that was kept: as many blocks as there were at a time
};

}  // namespace soleus
