// The convolutions of the Nature network (Mnih et al. 2015): 32 of 8 x 8 pixels with stride 4, 64 of 4 x 4 with stride 2,
// 64 of 3 x 3, each followed by a relu; features are in the order (y, x, channel).
#pragma once

#include "images/encoder.h"

namespace soleus {

class NatureEncoder final : public Encoder {
 public:
  // Of at least 36 x 36 pixels, on a processor with products of bfloat16. scale: what pixels are multiplied by.
  NatureEncoder(int height, int width, int channels, float scale);

 protected:
  void reserve(Arena& kept, Arena& working) const override;
  void run_forward(Chunk chunk, Bfloat16* out) const override;
  void run_backward(Chunk chunk, const Bfloat16* grad_out, float* sums) const override;

 private:
  struct Scratch;

  Scratch lay_out(Arena& kept, Arena& working) const;
  void load_images(const ImageView& images, int first, int count, const Scratch& scratch) const;

  // Blocks of 4 x 4 pixels, and of 2 x 2 results of the first convolution, as channels of one pixel.
  Grid input_, blocks_;
  // Results of the convolutions; the third's lie on the second's grid, of which they fill less.
  Grid results1_, results2_;
  int rows3_, columns3_;
  Conv conv1_, conv2_, conv3_, gradient2_, gradient3_;
};

}  // namespace soleus
