#include "images/grid.h"

namespace soleus {

void clear_behind(const Grid& grid, int images, Bfloat16* stack, Bfloat16 value) {
  std::fill_n(stack + grid.at(images, 0, 0), static_cast<std::size_t>(Grid::kBlock + grid.margin()) * grid.channels, value);
}

void clear_border(const Grid& grid, int images, Bfloat16* stack, Bfloat16 value) {
  const auto clear = [&](Bfloat16* from, int pixels) {
    std::fill_n(from, static_cast<std::size_t>(pixels) * grid.channels, value);
  };
  for (int n = 0; n < images; ++n) {
    for (int y = 0; y < grid.rows; ++y) clear(stack + grid.at(n, y, grid.columns), 1);
    clear(stack + grid.at(n, grid.rows, 0), grid.pitch());
  }
  clear_behind(grid, images, stack, value);
}

}  // namespace soleus
