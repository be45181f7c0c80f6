#include "images/grid.h"

#include <cstring>

namespace soleus {
namespace {

void fill(Bfloat16* from, std::size_t elements, Bfloat16 value) {  // elements: a multiple of 16, which one store writes
  typedef std::uint16_t Halves __attribute__((vector_size(32)));
  const Halves halves = Halves{} + value.bits;
  for (std::size_t i = 0; i < elements; i += 16) std::memcpy(from + i, &halves, sizeof halves);
}

}  // namespace

void clear_behind(const Grid& grid, int images, Bfloat16* stack, Bfloat16 value) {
  fill(stack + grid.at(images, 0, 0), static_cast<std::size_t>(Grid::kBlock + 2 * grid.margin()) * grid.channels, value);
}

void clear_border(const Grid& grid, int images, Bfloat16* stack, Bfloat16 value) {
  const std::size_t beside = static_cast<std::size_t>(grid.pitch() - grid.columns) * grid.channels;
  for (int n = 0; n < images; ++n) {
    for (int y = 0; y < grid.rows; ++y) fill(stack + grid.at(n, y, grid.columns), beside, value);
    fill(stack + grid.at(n, grid.rows, 0), static_cast<std::size_t>(grid.pitch()) * grid.channels, value);
  }
  clear_behind(grid, images, stack, value);
}

}  // namespace soleus
