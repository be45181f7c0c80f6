// The two ways in which conv_forward computes: each for processors that have the instructions (products.h).
#pragma once

#include "images/conv.h"

namespace soleus {

void forward_by_vectors(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int images, Finish finish,
                        const Finishing& to);

// In a thread in which tiles are set up.
void forward_by_tiles(const Conv& conv, const Bfloat16* in, const Bfloat16* weights, int images, Finish finish,
                      const Finishing& to);
void set_tiles_up();
void release_tiles();

}  // namespace soleus
