// The convolutions of the IMPALA network (Espeholt et al. 2018): stages of a convolution, a max pooling and two residual
// blocks of two convolutions each, all of 3 x 3 pixels; features are the last stage's after a relu, in the order
// (y, x, channel).
#pragma once

#include <span>

#include "images/encoder.h"

namespace soleus {

class ImpalaEncoder final : public Encoder {
 public:
  // Whether there is such a network: widths are 16 or multiples of 32, and the processor has products of bfloat16.
  static bool supports(std::span<const int> widths);

  // scale: what pixels are multiplied by.
  ImpalaEncoder(int height, int width, int channels, std::span<const int> widths, float scale);

 protected:
  void reserve(Arena& kept, Arena& working) const override;
  void run_forward(Chunk chunk, Bfloat16* out) const override;
  void run_backward(Chunk chunk, const Bfloat16* grad_out, float* sums) const override;

 private:
  static constexpr int kBlocks = 4;  // convolutions of a stage after its pooling

  struct Stage {
    Grid input;   // of the stage's input
    Grid full;    // after its convolution
    Grid pooled;  // and from there on
    Conv conv, conv_gradient;
    Conv block;  // and its gradient, which has the same shape
  };
  // What lies in the arena for one stage; stacks but for what is said to be of one image.
  struct Planes {
    Bfloat16* values;          // after the pooling, then after each residual block
    Bfloat16* inputs[kBlocks]; // of the blocks' convolutions, all after a relu
    Bfloat16* gradient;        // of the values
    Bfloat16* inner_gradient;  // between a block's convolutions
    Bfloat16* full_gradient;   // of the stage's convolution, one image
    std::uint16_t* winners;
  };
  struct Scratch;

  Scratch lay_out(Arena& kept, Arena& working) const;
  void load_image(const ImageView& images, int n, const Scratch& scratch) const;
  void forward_stage(const Scratch& scratch, std::size_t s, const Chunk& chunk) const;
  void backward_stage(const Scratch& scratch, std::size_t s, const Chunk& chunk, float* sums) const;

  int number_of(std::size_t stage, int block) const { return static_cast<int>(stage) * (kBlocks + 1) + 1 + block; }

  std::vector<Stage> stages_;
};

}  // namespace soleus
